"""The page of `tinynet explain`: what it shows is what it was given, and it needs nothing but itself."""
import numpy as np
import pytest

from tinynet.report import write_explanation
from tinynet.transfer.explanation import Explanation

from .test_page import CLASSES, Page


def explained(**changes):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (5, 227, 227, 3), np.uint8)
    values = {"title": "<i>a</i> & b.jpg", "seen": pixels[0], "probabilities": np.array([0.25, 0.7, 0.05]), "label": 1, "known": True,
              "heat": rng.random((14, 14)), "neighbours": [(image, CLASSES[k % 3], k / 10) for k, image in enumerate(pixels[1:])]}
    return Explanation(**values | changes)


@pytest.fixture
def write(tmp_path):
    def write(*answers, **options):
        path = tmp_path / "page.html"
        write_explanation(path, "my <cats>", CLASSES, answers, **options)
        return Page(path.read_text(encoding="utf-8"))
    return write


def test_it_shows_photo_heat_probabilities_and_neighbours(write):
    page = write(explained(), explained(title="second"))
    assert not page.faults and len(list(page.images())) == 2 * (2 + 4)
    sources = [attributes["src"] for attributes, _, _ in page.images()]
    assert len(set(sources)) == 6 and sources[0] != sources[1], "the heat lies over the photo"
    assert page.text.index("<i>a</i> & b.jpg") < page.text.index("70.0%") < page.text.index("25.0%") < page.text.index("second")
    assert "distance 0.30" in page.text and f"what speaks for {CLASSES[1]}" in page.text
    assert "unlike all training photos" not in page.text and "Nothing in this photo" not in page.text


def test_what_is_missing_or_strange_is_said(write):
    page = write(explained(neighbours=[], known=False, heat=np.zeros((3, 4))), missing="They are <gone>.")
    assert not page.faults and len(list(page.images())) == 2
    assert "unlike all training photos" in page.text and "They are <gone>." in page.text
    assert f"Nothing in this photo speaks for {CLASSES[1]}." in page.text and "most like it" not in page.text


def test_it_loads_nothing(write):
    page = write(explained())
    links = [attributes for tag, attributes in page.tags if tag in ("link", "script") or "href" in attributes]
    assert not links and all(attributes["src"].startswith("data:image/") for tag, attributes in page.tags if "src" in attributes)


def test_many_classes_are_the_ten_most_likely(write):
    p = np.linspace(0.001, 0.2, 12)
    names = [f"class-{k:02d}" for k in range(12)]
    from tinynet.report.explanation import _section
    html = _section(explained(probabilities=p, label=11, neighbours=[]), names)
    assert "class-11" in html and "class-02" in html and "class-01" not in html
