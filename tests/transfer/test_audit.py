"""Near-duplicates and wrong labels that were planted: how many are found, and how many that are none."""
import itertools

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from tinynet import InputError
from tinynet.compute import parallel
from tinynet.data import ImageFolder
from tinynet.models import squeezenet1_1
from tinynet.models.squeezenet import PREPROCESSING
from tinynet.samples import DrawnCats
from tinynet.transfer import audit, freeze
from tinynet.transfer.audit import SMALL, doubtful_labels, held_out, leak, near_duplicates, perceptual_hashes


def hashes(images):
    return perceptual_hashes(np.stack([SMALL(np.asarray(image)) for image in images]))


def pairs(group):
    return {pair for pair in itertools.combinations(range(len(group)), 2) if group[pair[0]] == group[pair[1]]}


def test_a_hash_is_that_of_the_mirror_image_read_from_the_other_side():
    image = Image.fromarray(DrawnCats(1).image(0)).resize((17, 17))
    a, b = hashes([image, ImageOps.mirror(image)])
    np.testing.assert_array_equal(a[0], b[1])
    np.testing.assert_array_equal(a[1], b[0])
    assert a.dtype == bool and a.shape == (2, 272) and 0.2 < a[0].mean() < 0.8


def test_few_photos_are_each_their_own():
    codes = np.ones((7, 4), np.float32)
    np.testing.assert_array_equal(near_duplicates(np.zeros((7, 2, 272), bool), codes), np.arange(7))


def test_identical_photos_are_found_by_their_hashes_alone():
    rng = np.random.default_rng(0)
    bits = rng.random((40, 2, 272)) < 0.5
    bits[31], bits[5] = bits[8], bits[8, ::-1]                          # the same, and its mirror image
    group = near_duplicates(bits, rng.random((40, 16)).astype(np.float32))
    assert pairs(group) == {(5, 8), (5, 31), (8, 31)} and group[31] == 5


def test_among_pictures_that_are_all_alike_only_copies_are_found():
    rng = np.random.default_rng(3)
    bits = (rng.random((1, 2, 272)) < 0.5) ^ (rng.random((60, 2, 272)) < rng.uniform(0.1, 0.5, (60, 1, 1)))
    codes = rng.random((60, 16)).astype(np.float32)
    assert pairs(near_duplicates(bits, codes)) == set()
    bits[50] = bits[20]                                                 # saved again: the codes differ
    assert pairs(near_duplicates(bits, codes)) == {(20, 50)}


def test_a_chain_through_pictures_that_are_all_alike_is_no_moment():
    """Each is like the next only: what spectra of short words do. A burst, in which most are alike, stays."""
    rng = np.random.default_rng(5)
    bits = np.concatenate([np.repeat(rng.random((1, 2, 272)) < 0.5, 300, axis=0), rng.random((100, 2, 272)) < 0.5])
    for i in range(1, 300):                                             # 10 of 272 bits more differ with each step
        bits[i] = bits[i - 1] ^ (rng.random((2, 272)) < 10 / 272)
    bits[395:] = bits[395]
    codes = rng.random((400, 16)).astype(np.float32)
    assert pairs(near_duplicates(bits, codes)) == set(itertools.combinations(range(395, 400), 2))


def test_more_photos_than_a_block_holds():
    rng = np.random.default_rng(1)
    bits = rng.random((600, 2, 272)) < 0.5
    bits[599], bits[301] = bits[3], bits[300]
    assert pairs(near_duplicates(bits, rng.random((600, 16)).astype(np.float32))) == {(3, 599), (300, 301)}


CHANGES = {
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "mirrored": ImageOps.mirror,
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "grey": lambda image: ImageOps.grayscale(image).convert("RGB"),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
}


def test_changed_copies_of_drawn_cats_are_found_and_nothing_else():
    cats = DrawnCats(10)
    images = [Image.fromarray(cats.image(i)) for i in range(30)]
    copies = [change(images[4 * k]) for k, change in enumerate(CHANGES.values())]
    trunk = freeze(squeezenet1_1().eval())[:"drop9"]
    x = np.stack([PREPROCESSING(np.asarray(image)) for image in images + copies])
    group = near_duplicates(hashes(images + copies), parallel.run(trunk, x).mean(axis=(2, 3)))
    assert pairs(group) == {(4 * k, 30 + k) for k in range(len(CHANGES))}


def test_on_real_photos_planted_copies_are_found(shared):
    photos = ImageFolder(shared / "data" / "cats")
    rows = np.random.default_rng(0).permutation(len(photos))[:60]
    images = [Image.fromarray(photos.image(i)) for i in rows]
    copies = [change(image) for change, image in zip([*CHANGES.values()] * 2, images)]
    trunk = freeze(squeezenet1_1().eval())[:"drop9"]
    x = np.stack([PREPROCESSING(np.asarray(image)) for image in images + copies])
    found = pairs(near_duplicates(hashes(images + copies), parallel.run(trunk, x).mean(axis=(2, 3))))
    planted = {(k, 60 + k) for k in range(len(copies))}
    assert len(found & planted) >= 11 and len(found - planted) <= 1


@pytest.fixture
def clusters():
    """Codes of three classes that a line can tell apart, and their labels."""
    rng = np.random.default_rng(2)
    labels = rng.integers(3, size=150)
    return (5 * np.eye(3)[labels] @ rng.random((3, 12)) + rng.normal(0, 0.3, (150, 12))).astype(np.float32), labels


def test_planted_wrong_labels_are_found(clusters):
    codes, labels = clusters
    assert doubtful_labels(codes, labels) == []
    wrong = np.arange(0, 150, 15)
    planted = labels.copy()
    planted[wrong] = (labels[wrong] + 1) % 3
    doubts = doubtful_labels(codes, planted)
    assert {doubt.row for doubt in doubts} <= set(wrong.tolist()) and len(doubts) >= 8
    assert all(doubt.label == planted[doubt.row] and doubt.other == labels[doubt.row] for doubt in doubts)
    margins = [doubt.p_other - doubt.p_label for doubt in doubts]
    assert margins == sorted(margins, reverse=True) and margins[-1] > 0
    assert doubts == doubtful_labels(codes, planted), "the same seed, the same answer"


def test_a_photo_is_named_by_what_never_saw_it_nor_its_double():
    rng = np.random.default_rng(4)
    codes, labels = rng.standard_normal((60, 100), np.float32), rng.integers(2, size=60)        # nothing to learn, much to remember

    def right(codes, labels, group=None):
        return (held_out(codes, labels, group=group).argmax(axis=1) == labels).mean()

    assert right(codes, labels) < 0.7
    twice = np.concatenate([codes, codes]), np.concatenate([labels, labels])
    assert right(*twice) > 0.75 and right(*twice, group=np.tile(np.arange(60), 2)) < 0.7


def test_the_leak_is_measured_where_there_is_one(clusters):
    rng = np.random.default_rng(6)
    codes, labels = rng.standard_normal((40, 60), np.float32).repeat(3, axis=0), np.arange(40).repeat(3) % 2
    codes = codes + rng.normal(0, 0.05, codes.shape).astype(np.float32)
    group = np.arange(40).repeat(3)
    singly, kept = leak(codes, labels, group)
    assert singly > 0.75 > 0.65 > kept
    assert [singly, kept] == [(held_out(codes, labels, group=g).argmax(axis=1) == labels).mean() for g in (None, group)]
    assert leak(codes, labels, np.arange(120)) == (None, None), "no two of one moment"
    assert leak(codes[:12], labels[:12], group[:12]) == (None, None), "two moments of each class"


def test_another_class_must_pass_its_own_bar(monkeypatch):
    p = np.array([[0.4, 0.6], [0.9, 0.1], [0.02, 0.98], [0.3, 0.7], [0.1, 0.9]])
    monkeypatch.setattr(audit, "held_out", lambda *_: p)
    # the bars are (0.4 + 0.9) / 2 and (0.98 + 0.7 + 0.9) / 3 = 0.86: 0.6 is more than 0.4, but no "1" looks like that
    assert doubtful_labels(np.zeros((5, 3)), [0, 0, 1, 1, 1]) == []
    p[0] = 0.12, 0.88                                                   # the bars: 0.51 and 0.86
    assert doubtful_labels(np.zeros((5, 3)), [0, 0, 1, 1, 1]) == [audit.Doubt(0, 0, 1, 0.12, 0.88)]


def test_photos_of_one_moment_do_not_vouch_for_each_other(clusters):
    codes, labels = clusters
    lone = np.concatenate([codes, np.repeat(codes[:1] * 3 - 20, 6, axis=0)])     # six shots of one strange moment
    both = np.concatenate([labels, [2] * 6])
    both[150:] = (both[0] + 1) % 3
    group = np.concatenate([np.arange(150), [150] * 6])
    alone = {doubt.row for doubt in doubtful_labels(lone, both)}
    together = {doubt.row for doubt in doubtful_labels(lone, both, group=group)}
    assert not alone & set(range(150, 156)) and len(together & set(range(150, 156))) in (0, 6)


def test_a_class_with_too_few_photos_is_refused(clusters):
    codes, labels = clusters
    few = np.where((labels == 2) & (np.cumsum(labels == 2) > 3), 1, labels)      # only three of the last class
    with pytest.raises(InputError, match="held out: 5 folds need 5 different photos of each class"):
        doubtful_labels(codes, few)
