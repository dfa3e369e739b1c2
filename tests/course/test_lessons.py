"""lessons/: every notebook keeps the rules and is stored as `python -m course execute` does."""
import nbformat
import pytest
from course.guard import faults
from course.notebook import LESSONS, read, text, tidy

NAMES = sorted(path.name for path in LESSONS.glob("*.ipynb"))


def test_every_lesson_has_a_number_of_its_own():
    numbers = [name[:3] for name in NAMES]
    assert numbers and numbers == sorted(set(numbers)) and set(numbers) <= {f"{number:02d}_" for number in range(1, 22)}


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_breaks_no_rule(name):
    assert faults(read(LESSONS / name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_is_stored_as_execute_stores_it(name):
    stored = (LESSONS / name).read_text(encoding="utf-8")
    lesson = nbformat.reads(stored, as_version=4)
    tidy(lesson)
    assert text(lesson) == stored
