"""Parts of a run's page that say how far to trust it: its sureness, strangers, photos of one moment, what mistakes looked at."""
from html import escape

import numpy as np

from .. import plots
from ..models import DEFAULT
from ..transfer.classifier import tempered
from ..transfer.explain import grad_cam, nearest
from ..transfer.trust import calibration
from .parts import percent, photo, plot, table, wilson

MOST_GROUPS, MOST_SHOTS = 6, 8              # that are shown


def sureness(metrics, probabilities, labels):
    """Return the reliability diagram of the test pictures, before and after the temperature, and what it tells.

    Parameters
    ----------
    metrics : dict
        With "temperature", "test_calibration_error" and "test_calibration_error_before".
    probabilities : ndarray, float32 (N, K)
        Divided by the temperature already.
    labels : ndarray of int, (N,)

    Returns
    -------
    html : str
    """
    t, n = metrics["temperature"], len(labels)
    found = calibration(probabilities, labels)
    drawn = plots.reliability({"as trained": calibration(tempered(probabilities, 1 / t), labels), "with temperature": found})
    change = "which made it less sure" if t > 1.02 else "which made it surer" if t < 0.98 else "which changed next to nothing"
    rows = []
    for sure, right, count in zip(found.sure.tolist(), found.right.tolist(), found.count.tolist()):
        hits = round(right * count)
        rows.append((percent(sure), count, hits, percent(right), "{:.0%}\u00a0to\u00a0{:.0%}".format(*wilson(hits, count))))
    few = (f" With {n} test pictures all this is rough: a row with few answers has a wide interval, and chance alone makes an "
           "error.") if n < 1000 else ""
    return ("<p>When it says 80%, it should be right 8 times in 10. So its scores are divided by a number that the validation "
            f"pictures chose, the <em>temperature</em>: {t:.2f}, {change}. On the test pictures, how sure it was and how often it "
            f"was right differ by <strong>{percent(metrics['test_calibration_error'])}</strong> on average (the expected "
            f"calibration error); without the temperature, by {percent(metrics['test_calibration_error_before'])}.{few}</p>"
            + plot(plots.png(drawn), "How often it was right, against how sure it was")
            + table(["it was sure to", "answers", "right", "share", "95% interval"], rows))


def strangers(metrics):
    """Return what is said of photos unlike all training photos.

    Parameters
    ----------
    metrics : dict
        With "test_known" and "n_test".

    Returns
    -------
    html : str
    """
    n = metrics["n_test"]
    known = round(metrics["test_known"] * n)
    return ("<p>Every photo gets the most probable of the classes, also a photo of something else. But if it is <em>unlike all "
            "training photos</em>, that is said: if it is farther from the third nearest of them than 95% of photos like them are. "
            f"Of the {n} test pictures, which all are of these classes, <strong>{known}</strong> were known ({known / n:.0%}). "
            "Things of quite another kind are refused nearly always; a cousin, such as another breed of cat, often passes.</p>")


def moments_kept_together(dataset, metrics, moments, train_rows, test_rows):
    """Return what was grouped, how much that matters, and strips of some of the moments.

    Parameters
    ----------
    dataset : Dataset
    metrics : dict
        With "moments".
    moments : list of ndarray of int
        Rows of each, the largest first.
    train_rows, test_rows : ndarray of int

    Returns
    -------
    html : str
    """
    found = metrics["moments"]
    if not moments:
        return "<p>No picture seems to be there twice, nor in a burst: each stands for itself.</p>"
    html = (f"<p>{found['photos']:,} of the pictures seem to show {found['groups']:,} moment{'s' * (found['groups'] > 1)}: the same one "
            "twice, or a burst. All of a moment train, or all are for validation, or all test; else the test would ask what was "
            "learned by heart.</p>")
    if found["named_right_singly"] is not None:
        html += (f"<p>How much that matters: linear classifiers on the codes of {escape(DEFAULT)}, each trained on four fifths of "
                 f"all pictures, name {percent(found['named_right_singly'])} of the others right if pictures are dealt out one by "
                 f"one, and <strong>{percent(found['named_right_together'])}</strong> if moments are kept together. New pictures "
                 "will be of new moments.</p>")
    part_of = np.full(len(dataset), 1)
    part_of[train_rows], part_of[test_rows] = 0, 2
    for rows in moments[:MOST_GROUPS]:
        parts = set(part_of[rows].tolist())
        where = (("for training", "for validation", "for testing")[min(parts)] if len(parts) == 1 else
                 "dealt out one by one, as its class shows too few moments")
        shots = "".join(photo(dataset.image(row), dataset.title(row)) for row in rows[:MOST_SHOTS].tolist())
        html += f'<h4>{len(rows)} pictures, {where}</h4><div class="strip low">{shots}</div>'
    more = len(moments) - MOST_GROUPS
    return html + (f"<p>{more:,} more are not shown; <code>tinynet audit</code> shows more.</p>" if more > 0 else "")


def looks(classifier, dataset, train_rows, images, labels):
    """Return what spoke for some answers: where the network looked, and the training picture most like each.

    Parameters
    ----------
    classifier : Classifier
        Trained on `train_rows`, in this order.
    dataset : Dataset
    train_rows : ndarray of int
    images : list of ndarray, uint8 (H, W, 3)
    labels : list of int
        The answers.

    Returns
    -------
    found : list of (ndarray, ndarray, str, float)
        The picture with the heat over it, the training picture, its class and distance.
    """
    found = []
    for code, image, label in zip(classifier(images).codes if images else (), images, labels):
        heat = grad_cam(classifier.net, classifier.preprocessing(image), label)
        (k,), (distance,) = nearest(classifier.familiar.codes, code, 1)
        row = int(train_rows[k])
        seen = classifier.preprocessing.crop_pixels
        name = dataset.classes[dataset.labels[row]]
        found.append((plots.overlay(seen(image), heat), seen(dataset.image(row)), name, float(distance)))
    return found
