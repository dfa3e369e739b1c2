"""Assignment a4: the way on one's own data, gone with the drawn sample; and how a record of it is judged."""
import json
import shutil

import numpy as np
import pytest

from course.generate import SOLUTIONS
from course.grading import compare, contract
from course.notebook import code_cells, read
from tests.course.mutants import RECORD
from tinynet.cli import main
from tinynet.data import ImageFolder
from tinynet.transfer import Settings, transfer

ASSIGNMENT = contract.load(SOLUTIONS / "a4_your_own_data")
TASK = next(task for task in ASSIGNMENT.tasks if task.facts)
SOLUTION = ASSIGNMENT.asked(TASK).source

# How a record is changed, and the parts that it must lose. `mutants` has more, which go through the sandbox.
CHANGES = {
    "no record": ("return r'''{", "return r'''[]''' if True else r'''{", RECORD),
    "a name that is no number": ("[0.4642857142857143, 0.6428571428571429, 0.75,", "[NaN, 0.6428571428571429, 0.75,", RECORD),
    "another seed": ('"seed": 0,\n', '"seed": 1,\n', {"two sides"}),
    "a seed without end": ('"seed": 0,\n', '"seed": 99999999999,\n', {"two sides"}),
    "a photo twice": ('"61df848985779eef"', '"e04e9ac8d4184373"', {"two sides"}),
    "a moment taken apart": ('"moments": [0, 0, 0, 3,', '"moments": [0, 1, 2, 3,', {"two sides"}),
    "too few photos": ('"labels": [0, 0, 0, 0, 0, 0,', '"labels": [1, 1, 1, 1, 1, 1,', {"two sides"}),
    "a curve of all photos": ('"smallest": 10', '"smallest": 20', {"the curve", "the cut"}),
    "an infinite curve": ("[0.4642857142857143, 0.6428571428571429, 0.75,", "[1e999, 0.6428571428571429, 0.75,",
                          {"the curve", "the cut"}),
    "more than all": ('"test_accuracy": 0.9}', '"test_accuracy": 1.1}', {"fine-tuning"}),
    "one seed twice": ('"lr_pretrained": 0.001, "seed": 3}', '"lr_pretrained": 0.001, "seed": 2}', {"fine-tuning"}),
    "another rate in one run": ('"lr_pretrained": 0.001, "seed": 3}', '"lr_pretrained": 0.002, "seed": 3}', {"fine-tuning"}),
    "one rate for all": ('"lr_pretrained": 0.001, "seed": 0}', '"lr_pretrained": 0.02, "seed": 0}', {"fine-tuning"}),
    "another cut in the first": ('"cut": "fire8", "epochs": 20, "lr": 0.02, "lr_pretrained": 0.001, "seed": 0}',
                                 '"cut": "fire7", "epochs": 20, "lr": 0.02, "lr_pretrained": 0.001, "seed": 0}',
                                 {"fine-tuning", "the cut"}),
    "other frozen stages": ('"trunk": "40689d503e8c1ef6", "settings": {"cut": "head", "lr": 0.02, "seed": 0}',
                            '"trunk": "50689d503e8c1ef6", "settings": {"cut": "head", "lr": 0.02, "seed": 0}',
                            {"cached heads"}),
    "not cached": ('{"cut": "head", "lr": 0.02, "seed": 0}', '{"cut": "head", "lr": 0.02, "augment": "mirror", "seed": 0}',
                   {"cached heads"}),
    "opened for the other way": ('"drawer": [{"run": "head-0"', '"drawer": [{"run": "fine-0"', {"the drawer"}),
    "one of its photos left out": ('"e929be44461e7c39": 0, ', "", {"the drawer"}),
    "a class that is none": ('"e929be44461e7c39": 0, ', '"e929be44461e7c39": 3, ', {"the drawer"}),
    "another network in one run": ('"fine-4": {"model": "squeezenet1_1"', '"fine-4": {"model": "vgg16"', {"fine-tuning"}),
    "split otherwise": ('"lr_pretrained": 0.001, "seed": 4}, "n_train": 29, "train_accuracy": 1.0, "n_val": 4,',
                        '"lr_pretrained": 0.001, "seed": 4}, "n_train": 28, "train_accuracy": 1.0, "n_val": 5,', {"fine-tuning"}),
    "with the photos in the drawer": ('"lr": 0.02, "seed": 4}, "n_train": 29', '"lr": 0.02, "seed": 4}, "n_train": 46',
                                      {"cached heads", "fine-tuning"}),
    "the drawer's photos, and one more": ('"e929be44461e7c39": 0, ', '"e929be44461e7c39": 0, "61df848985779eef": 0, ',
                                          {"the drawer"}),
    "no photo of a class": ('"labels": [0, 0, 0, 0,', '"labels": [0, 0, 0, 7,', {"two sides", "the curve", "cached heads",
                                                                             "fine-tuning", "the cut"}),
    "a curve of too few": ('"accuracy": [[[0.4642857142857143, 0.6428571428571429,', '"accuracy": [[[0.6428571428571429,',
                           {"the curve", "the cut"}),
    "a share for a name": ('"test_accuracy": 0.9}', '"test_accuracy": "0.9"}', {"fine-tuning", "the drawer"}),
    "a class for a name": ('"classes": ["misty", "neither", "tigger"],\n', '"classes": ["misty", "neither"],\n', RECORD),
}


def record_of(source):
    """Return the text that a cell's `record` gives."""
    names = {}
    exec(source, names)
    return names["record"]()


def lost(text):
    """Return what is said of a text, by the parts that are lost."""
    said = {part.name: compare.apply(part.rule, {f"{part.name}/0/": np.array(text)}, part.name) for part in TASK.parts}
    return {name: fault for name, fault in said.items() if fault}


def test_the_solutions_record_is_right():
    assert lost(record_of(SOLUTION)) == {}


@pytest.mark.parametrize("name", CHANGES)
def test_a_record_that_does_not_fit_loses_what_does_not(name):
    old, new, parts = CHANGES[name]
    assert SOLUTION.count(old) == 1
    assert set(lost(record_of(SOLUTION.replace(old, new)))) == parts


def in_all(found, way, part, value):
    """Change the same thing in all runs of a way."""
    for seed in range(5):
        where = found[f"{way}-{seed}"]
        (where["settings"] if part in ("augment", "lr_pretrained") else where)[part] = value


def of_another_network(found):
    found["layers"]["model"] = "vgg16"
    for way in "head", "fine":
        in_all(found, way, "model", "vgg16")
    found["fine-1"]["trunk"] = 16 * "0"


@pytest.mark.parametrize("change, part", [
    (lambda found: found.update(classes=["a", "b"], labels=[min(label, 1) for label in found["labels"]]), "two sides"),
    (lambda found: found["classes"].append("no photo"), "two sides"),
    (lambda found: found.update(moments=[str(moment) for moment in found["moments"]]), "two sides"),
    (lambda found: in_all(found, "head", "trunk", 16 * "0"), "cached heads"),
    (lambda found: in_all(found, "head", "augment", "mirror"), "cached heads"),
    (lambda found: in_all(found, "fine", "lr_pretrained", 0.02), "fine-tuning"),
    (lambda found: found["fine-4"]["classes"].reverse(), "fine-tuning"),
    (of_another_network, "fine-tuning"),
])
def test_what_fits_in_itself_may_still_be_wrong(change, part):
    found = json.loads(record_of(SOLUTION))
    change(found)
    assert part in lost(json.dumps(found))


def test_photos_without_end_are_not_worked_through():
    found = json.loads(record_of(SOLUTION))
    found |= {"keys": [f"{i:016x}" for i in range(10_000)], "labels": [i % 3 for i in range(10_000)],
              "moments": list(range(10_000)), "drawn": [0] * 10_000, "seed": 199}
    assert lost(json.dumps(found))["two sides"] == "the seed is 199"


def test_the_facts_are_those_of_the_record():
    assert TASK.facts(record_of(SOLUTION)) == (
        "Record: misty 20, neither 20, tigger 20; 37 moments, 17 photos in the drawer. squeezenet1_1: pixels 0.61, best fire9 0.89. "
        "Bench: head from head 0.94 ± 0.09, fine from fire8 0.88 ± 0.08. Drawer: head-0, 16 of 17 right. Data set 80a6312e.")


class Notebook:
    """The solution as a student has it after a line was changed, without the record; run in a folder like assignments/a4."""

    def __init__(self, base):
        self.names, self.work = {}, base / "runs" / "a4"
        (base / "assignments" / "a4").mkdir(parents=True)
        self.folder = base / "assignments" / "a4"
        cells = code_cells(read(SOLUTIONS / "a4_your_own_data" / "a4_your_own_data.ipynb"))
        self.sources = [cell.source for cell in cells if "a4-record" not in cell.metadata.get("nbgrader", {}).get("grade_id", "")]
        assert sum("PHOTOS = None " in source for source in self.sources) == 1

    def run(self, photos):
        """Run all from the top."""
        for source in self.sources:
            exec(source.replace("PHOTOS = None ", f"PHOTOS = {photos!r} "), self.names)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """The notebook, and the runs of the drawn sample, of one epoch each."""
    notebook = Notebook(tmp_path_factory.mktemp("a4"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(notebook.folder)
        notebook.run("drawn")
        bench = notebook.work / "bench"
        assert main(["layers", "--data", str(bench), "--out", str(notebook.work / "layers"), "--splits", "3",
                     "--stages", "conv1", "fire8", "fire9"]) == 0
        for way, settings in ("head", {}), ("fine", {"cut": "fire8"}):
            for seed in range(5):
                transfer(ImageFolder(bench), notebook.work / f"{way}-{seed}", Settings(seed=seed, epochs=1, **settings), progress=False)
    return notebook


def test_the_drawn_sample_goes_all_the_way(notebook, monkeypatch, capsys):
    monkeypatch.chdir(notebook.folder)
    notebook.run("drawn")
    shown = capsys.readouterr().out
    assert "The drawer is filled already" in shown and "tinynet transfer --data runs/a4/bench --out runs/a4/fine-4 --seed 4" in shown
    assert lost(shown[shown.index('{"classes"'):]) == {}
    notebook.names["choose"] = None                         # the drawer is not opened again
    notebook.names["open_drawer"](notebook.work)
    assert capsys.readouterr().out in shown


def test_who_opens_the_drawer_twice_is_seen(notebook, monkeypatch, capsys):
    def greedy(ways, seeds, accuracy):
        return max((accuracy(way, seeds[0], "drawer"), way) for way in ways)
    monkeypatch.chdir(notebook.folder)
    (notebook.work / "drawer.json").unlink()
    monkeypatch.setitem(notebook.names, "choose", greedy)
    notebook.names["open_drawer"](notebook.work)
    capsys.readouterr()
    notebook.names["gather"](notebook.work)
    assert lost(capsys.readouterr().out) == {"the drawer": "the drawer was opened 2 times"}


def test_a_run_put_together_of_two_is_not_gathered(notebook, monkeypatch):
    monkeypatch.chdir(notebook.folder)
    kept = (notebook.work / "head-1" / "metrics.json").read_bytes()
    shutil.copy(notebook.work / "head-2" / "metrics.json", notebook.work / "head-1")
    with pytest.raises(ValueError, match="head-1: model.safetensors and metrics.json are of two runs"):
        notebook.names["gather"](notebook.work)
    (notebook.work / "head-1" / "metrics.json").write_bytes(kept)


def test_nothing_happens_without_photos(tmp_path, monkeypatch, capsys):
    notebook = Notebook(tmp_path)
    monkeypatch.chdir(notebook.folder)
    notebook.run(None)
    assert capsys.readouterr().out == "" and not notebook.work.exists()


def test_names_of_files_may_say_what_is_of_one_moment(notebook, monkeypatch, capsys):
    """Here the first digits of a drawn file: then each moment has pictures of all classes."""
    monkeypatch.chdir(notebook.folder)
    work = notebook.work.parent / "by_names"
    shutil.copytree(notebook.work / "cache", work / "cache")
    monkeypatch.setitem(notebook.names, "occasion", lambda path: path.stem[:2])
    notebook.names["put_away"](notebook.work / "photos", work)
    assert "60 photos of 12 moments" in capsys.readouterr().out
    split = json.loads((work / "split.json").read_text(encoding="utf-8"))
    sides = [{path.stem[:2] for path in (work / side).rglob("*.png")} for side in ("bench", "drawer")]
    assert len(set(split["moments"])) == 12 == sum(map(len, sides)) and not sides[0] & sides[1]
