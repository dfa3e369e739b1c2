"""The 1,000 class names stand in the order of the network's outputs."""
from tinynet.models import class_names


def test_thousand_distinct_names():
    names = class_names()
    assert len(names) == len(set(names)) == 1000
    assert all(name == name.strip() and name.isascii() and name for name in names)


def test_known_classes():
    names = class_names()
    known = {0: "tench", 134: "crane (bird)", 281: "tabby", 285: "Egyptian cat", 422: "barbell",
             517: "crane (machine)", 733: "pole", 967: "espresso", 999: "toilet tissue"}
    assert {index: names[index] for index in known} == known


def test_order_is_that_of_an_independent_list(shared):
    lines = (shared / "reference" / "imagenet-classes.txt").read_text(encoding="utf-8").splitlines()
    for name, synonyms in zip(class_names(), lines, strict=True):
        assert name.split(" (")[0] == synonyms.split(",")[0]


def test_each_call_gives_a_list_of_its_own():
    class_names().clear()
    assert len(class_names()) == 1000
