"""The page of `tinynet audit`: every finding is on it, many are summed up, and it needs nothing but itself."""
import numpy as np
import pytest

from tinynet.report import Audit, write_audit
from tinynet.transfer.audit import Doubt

from .test_page import CLASSES, Page, Pictures


def audit(n=51, **changes):
    values = {"group": np.arange(n), "doubts": [], "no_doubts": "", "singly": None, "together": None, "plain": [],
              "shapes": np.array([[300 + i, 200] for i in range(n)]), "crop": 227}
    return Audit(**values | changes)


@pytest.fixture
def write(tmp_path):
    def write(found):
        write_audit(tmp_path / "page.html", Pictures(), found)
        page = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
        assert not page.faults and all(tag not in ("link", "script") for tag, _ in page.tags)
        return page
    return write


def test_nothing_found_is_said(write):
    page = write(audit())
    assert "None found: no photo seems to be there twice" in page.text and "None: no other class" in page.text
    assert not list(page.images()) and "Nearly one colour" not in page.text
    assert "51 of the photos are smaller and are enlarged" in page.text and "17" in page.text
    assert page.text.count("fewer than 30") == 3


def test_moments_are_shown_and_those_of_two_classes_named(write):
    group = np.arange(51)
    group[[6, 9]], group[4] = 3, 1                          # 0 tigger, 1 misty, 2 the other; 3, 6, 9 are of one class
    group[2 + 3] = 2
    group[7] = 0                                            # tigger's and misty's
    page = write(audit(group=group, singly=0.75, together=0.5))
    assert "9 photos show 4 moments" in page.text and "much of all" not in page.text and "75.0%" in page.text and "50.0%" in page.text
    assert len(list(page.images())) == 9 and page.text.count("One moment, labelled") == 1
    assert f"labelled {' and '.join(sorted(CLASSES[:2]))}" in page.text
    assert page.text.index(f"{CLASSES[0]}</i>/a_9.jpg") < page.text.index("a_7.jpg"), "the largest group first"


def test_doubts_and_plain_pictures_are_shown(write):
    doubts = [Doubt(5, 2, 0, 0.125, 0.75), Doubt(8, 2, 1, 0.25, 0.5)]
    page = write(audit(doubts=doubts, plain=[11]))
    assert len(list(page.images())) == 3 and "75%" in page.text and "12%" in page.text and "Nearly one colour" in page.text
    assert "Not checked: too <few>" in write(audit(no_doubts="too <few>")).text


def test_many_findings_are_summed_up(write):
    page = write(audit(group=np.arange(51) // 2, plain=list(range(15)), doubts=[Doubt(i, 0, 1, 0.1, 0.9) for i in range(33)]))
    assert "5 more moments are not shown" in page.text and "3 more such pictures" in page.text
    assert "3 more labels in doubt" in page.text and len(list(page.images())) == 20 * 2 + 12 + 30
    assert "That is much of all there is" in page.text
    assert "45 more of this moment" in write(audit(group=np.zeros(51, int))).text
