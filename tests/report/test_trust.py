"""What a run's page says of trust: sureness, strangers, moments, and what spoke for its mistakes."""
import numpy as np
import pytest

from tinynet.report import wilson, write_report
from tinynet.report.page import _shared
from tinynet.report.trust import looks, moments_kept_together, strangers, sureness
from tinynet.transfer.classifier import tempered
from tinynet.transfer.explain import grad_cam
from tinynet.transfer.trust import calibration

from ..transfer.test_classifier import classifier, network
from .test_page import Page, Pictures, read, run

METRICS = {"temperature": 2.0, "test_calibration_error": 0.0523, "test_calibration_error_before": 0.1234, "test_known": 0.75, "n_test": 12}


@pytest.fixture
def drawn(monkeypatch):
    """The reports that were drawn."""
    from tinynet import plots
    found, reliability = [], plots.reliability
    monkeypatch.setattr(plots, "reliability", lambda reports: found.append(reports) or reliability(reports))
    return found


def test_sureness_before_and_after_the_temperature(drawn):
    raw = np.array([[0.95, 0.05], [0.9, 0.1], [0.92, 0.08], [0.6, 0.4]], np.float32)
    labels = np.array([0, 1, 0, 0])
    page = Page(sureness(METRICS, tempered(raw, 2.0), labels))
    text = " ".join(page.text.split()).replace("\u00a0", " ")
    before, after = drawn[0].values()
    for name in "sure", "right", "count":
        np.testing.assert_allclose(getattr(before, name), getattr(calibration(raw, labels), name), atol=1e-4)
        np.testing.assert_allclose(getattr(after, name), getattr(calibration(tempered(raw, 2.0), labels), name), atol=1e-4)
    assert "2.00, which made it less sure" in text and "differ by 5.2% on average" in text and "without the temperature, by 12.3%" in text
    assert "With 4 test pictures all this is rough" in text and not page.faults
    low, high = wilson(1, 2)
    assert f"1 2 1 50.0% {low:.0%} to {high:.0%}".replace(" ", "")[1:] in text.replace(" ", "")
    assert "which made it surer" in sureness(METRICS | {"temperature": 0.5}, raw, labels)
    assert "which changed next to nothing" in sureness(METRICS | {"temperature": 1.0}, raw, labels)
    assert "rough" not in sureness(METRICS, np.repeat(raw, 250, axis=0), np.repeat(labels, 250))


def test_strangers_are_counted():
    text = Page(strangers(METRICS)).text
    assert "Of the 12 test pictures" in text and "9 were known (75%)" in text


FOUND = {"groups": 2, "photos": 7, "named_right_singly": 0.987, "named_right_together": 0.812, "on_both_sides": 0}


def test_moments_are_shown_with_their_part_and_what_they_cost():
    dataset = Pictures()
    moments = [np.arange(4), np.array([46, 47, 48]), np.array([35, 36]), np.array([1, 50])]
    train, test = np.arange(33), np.arange(39, 51)
    html = moments_kept_together(dataset, {"moments": FOUND}, moments, train, test)
    page = Page(html)
    assert "7 of the pictures seem to show 2 moments" in page.text and not page.faults
    assert "98.7% of the others right if pictures are dealt out one by one, and 81.2% if moments are kept together" in page.text
    for words in ("4 pictures, for training", "3 pictures, for testing", "2 pictures, for validation", "2 pictures, dealt out one by one"):
        assert words in page.text, words
    assert dataset.asked == [0, 1, 2, 3, 46, 47, 48, 35, 36, 1, 50]
    unknown = moments_kept_together(dataset, {"moments": FOUND | {"named_right_singly": None}}, moments, train, test)
    assert "How much" not in unknown
    assert "each stands for itself" in moments_kept_together(dataset, {"moments": FOUND}, [], train, test)


def test_many_moments_are_not_all_shown():
    dataset = Pictures()
    moments = [np.arange(12)] + [np.array([12 + 2 * k, 13 + 2 * k]) for k in range(9)]
    text = Page(moments_kept_together(dataset, {"moments": FOUND}, moments, np.arange(33), np.arange(39, 51))).text
    assert "12 pictures" in text and "4 more are not shown" in text and len(dataset.asked) == 8 + 5 * 2


def test_what_spoke_for_an_answer_is_the_heat_and_the_nearest_training_photo():
    dataset, net = Pictures(), network()
    model, train = classifier(net), np.array([3, 8, 14, 20, 21, 22, 30])
    images = [dataset.image(k) for k in (40, 41)]
    answers = model(images)
    model.familiar.codes[5] = answers.codes[1] / np.linalg.norm(answers.codes[1])
    first, second = looks(model, dataset, train, images, [0, 2])
    assert second[2] == dataset.classes[dataset.labels[22]] and second[3] == pytest.approx(0, abs=1e-5)
    np.testing.assert_array_equal(second[1], model.preprocessing.crop_pixels(dataset.image(22)))
    heat = grad_cam(net, model.preprocessing(images[1]), 2)
    from tinynet import plots
    np.testing.assert_array_equal(second[0], plots.overlay(model.preprocessing.crop_pixels(images[1]), heat))
    assert first[3] >= 0 and looks(model, dataset, train, [], []) == []


def test_mistakes_have_three_pictures_each_where_the_classifier_is_at_hand(tmp_path):
    dataset, *rest = run(Pictures())
    train = rest[3]
    model = classifier(network())
    object.__setattr__(model.familiar, "codes", np.resize(model.familiar.codes, (len(train), 5)))
    write_report(tmp_path, dataset, *rest, moments=[np.array([39, 40, 41])], classifier=model)
    page = read(tmp_path)
    assert not page.faults and "most like this picture of" in page.text and "spoke for the wrong name (Grad-CAM)" in page.text
    html = (tmp_path / "report.html").read_text(encoding="utf-8").split("Its mistakes</h2>")[1].split("</section>")[0]
    assert [figure.count("<img") for figure in html.split("<figure>")[1:]] == [3, 3]
    assert "They show only 10 different moments" in page.text
    write_report(tmp_path / "plain", *run(Pictures()))
    assert "Grad-CAM" not in read(tmp_path / "plain").text and "different moments, and" not in read(tmp_path / "plain").text


def test_photos_of_a_moment_beyond_the_first_are_counted_among_those_that_test():
    assert _shared([np.array([1, 2, 3]), np.array([4, 9])], np.array([2, 3, 4, 5])) == 1
