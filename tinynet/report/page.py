"""What a run leaves to look at: three figures and a page that explains. Shown in lesson 08."""
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from string import Template

import numpy as np

from .. import plots
from ..data import Copies
from ..files import atomic_write, command_line
from .parts import bar, page, percent, photo, plot, table, wilson
from .trust import looks, moments_kept_together, strangers, sureness

PAGE = Path(__file__).with_name("page.html")
N_EXAMPLES = 40             # training pictures on the page, shared out among the classes
MOST_MEMBERS = 10           # of an ensemble: more are summed up
MOST_COPIES = 5             # of a picture that are shown


@dataclass(frozen=True)
class Mistake:
    """A test picture, uint8 (H, W, 3), that the network gave a wrong name with probability `p`, and what `looks` tells of it."""

    image: np.ndarray
    title: str
    true: str
    predicted: str
    p: float
    looked: tuple | None = None


def write_report(folder, dataset, metrics, history, test, train_rows, test_rows, augment=None, moments=(), classifier=None):
    """Write curves.png, confusion.png, mistakes.png and report.html into a run's folder.

    The page needs no other file, no network and no script. Each file is complete or absent.

    Parameters
    ----------
    folder : str or Path
        The run's folder.
    dataset : Dataset
        Only the pictures that are shown are read. A list `skipped` of (path, reason) is shown if it has one.
    metrics : dict
        As `transfer` returns them: "train_accuracy", "val_accuracy", "test_accuracy", "n_train", "n_val", "n_test",
        "temperature", "test_calibration_error", "test_calibration_error_before", "test_known", "moments", "classes", "seconds" (by
        phase), "peak_memory_mb", "words" (what the network is), "first_stage", "out" (the folder's name in the end) and
        "settings", whose "cut" is put into words, as are "augment", "copies", "ensemble", "ema" and "tta" if they are there.
        "members_test_accuracy" and "one_view_test_accuracy" are shown if they are there. A number that is not known is None.
    history : dict
        As `fit` returns it.
    test : Evaluation
        The network on the test pictures, in the order of `test_rows`; its probabilities are divided by the temperature.
    train_rows, test_rows : ndarray of int
        Which images trained and which tested; the others were for validation.
    augment : callable, optional
        What distorted the training images, see `data.augment`.
    moments : sequence of ndarray of int
        Rows of pictures that show one moment, see `together`.
    classifier : Classifier, optional
        Shows beside each mistake what it looked at, and the training picture most like it.

    Raises
    ------
    OSError
        If a file cannot be written.
    InputError
        If a picture that is shown can no longer be read.
    """
    folder, classes = Path(folder), metrics["classes"]
    mistakes, n_wrong = _mistakes(dataset, classes, test, test_rows)
    if classifier is not None:
        said = [classes.index(mistake.predicted) for mistake in mistakes]
        looked = looks(classifier, dataset, train_rows, [mistake.image for mistake in mistakes], said)
        mistakes = [replace(mistake, looked=found) for mistake, found in zip(mistakes, looked)]
    files = {
        "curves.png": plots.png(plots.curves(history)),
        "confusion.png": plots.png(plots.confusion(test.confusion, classes)),
        "mistakes.png": plots.png(_draw_mistakes(mistakes, n_wrong)),
    }
    body = Template(PAGE.read_text(encoding="utf-8")).substitute(
        name=escape(dataset.name),
        method=_method(metrics),
        result=_result(metrics, test.confusion, len(test_rows) - _shared(moments, test_rows)) + _alone(metrics, test.confusion),
        use=_use(metrics.get("out", folder)),
        per_class=_per_class(classes, test.confusion),
        confusion=plot(files["confusion.png"], "How often each class was given each name"),
        mistakes=_tiles(mistakes, n_wrong) if n_wrong else plot(files["mistakes.png"], "None"),
        sure=sureness(metrics, test.probabilities, dataset.labels[test_rows]),
        strangers=strangers(metrics),
        moments=moments_kept_together(dataset, metrics, moments, train_rows, test_rows),
        training=_training(history, metrics["settings"]) + plot(files["curves.png"], "Loss and accuracy, epoch by epoch"),
        data=_data(dataset, classes, train_rows, test_rows) + _distorted(dataset, train_rows, augment, metrics["settings"]),
        settings=table(["setting", "value"], metrics["settings"].items()),
        time=_time(metrics),
    )
    files["report.html"] = page(f"{dataset.name} – tinynet report", body)
    for name, contents in files.items():
        with atomic_write(folder / name) as file:
            file.write(contents)


def _mistakes(dataset, classes, test, test_rows):
    """Return the mistakes to show, the surest first as they tell most, and how many there are in all."""
    answers, sure = test.probabilities.argmax(axis=1), test.probabilities.max(axis=1)
    true = dataset.labels[test_rows]
    wrong = np.flatnonzero(answers != true)
    shown = wrong[np.argsort(-sure[wrong], kind="stable")][:plots.MOST_TILES]
    mistakes = []
    for i, row in zip(shown.tolist(), test_rows[shown].tolist()):
        mistakes.append(Mistake(dataset.image(row), dataset.title(row), classes[true[i]], classes[answers[i]],
                                float(sure[i])))
    return mistakes, len(wrong)


def _draw_mistakes(mistakes, n_wrong):
    columns = ([getattr(m, name) for m in mistakes] for name in ("image", "true", "predicted", "p", "title"))
    return plots.mistakes(*columns, total=n_wrong)


def _method(metrics):
    """Say what was done."""
    cut, n_classes = metrics["settings"]["cut"], len(metrics["classes"])
    frozen = "stayed exactly as they were (they are <em>frozen</em>)."
    rest = {"head": f"All its other layers {frozen}",
            metrics["first_stage"]: "All its other layers were trained on too, in smaller steps."}.get(
        cut, f"The layers from <code>{escape(cut)}</code> on were trained on too, in smaller steps; "
             f"those before {frozen}")
    return (f"{escape(metrics['words'])}, was given a new last layer for {n_classes} classes. That layer learned from "
            f"{metrics['n_train']:,} training pictures. {rest}{_options(metrics['settings'])}")


def _options(settings):
    """Say what else was done, if anything."""
    said, names = "", escape(str(settings.get("augment")).replace(",", ", "))
    if settings.get("copies"):
        copies = f"{settings['copies']} distorted cop{'y' if settings['copies'] == 1 else 'ies'}"
        said += f" Beside each training picture it learned from {copies} of it ({names})."
    elif settings.get("augment"):
        said += f" The training pictures were distorted anew in every epoch ({names})."
    if settings.get("ensemble", 1) > 1:
        said += (f" {settings['ensemble']} such layers were trained, each with random numbers of its own; an answer is the "
                 "mean of their probabilities.")
    if settings.get("ema"):
        said += f" The weights kept are an average along the training; {settings['ema']:g} of it stayed at each step."
    if settings.get("tta"):
        said += " Each picture is seen twice, once in the mirror, and the probabilities are averaged."
    return said


def _result(metrics, matrix, n_moments):
    """Say how good it is, how sure that is, and what plain guessing would give."""
    right, n, classes = int(np.trace(matrix)), int(matrix.sum()), metrics["classes"]
    low, high = wilson(right, n)
    common = matrix.sum(axis=1).argmax()
    guess = matrix[common].sum() / n
    doubt = f" With {n} test pictures, one answer more or less is {100 / n:.1f} points." if n < 200 else ""
    if n_moments < n:
        doubt += (f" They show only {n_moments} different moments, and pictures of one moment are right or wrong together: the truth "
                  "may lie farther away than this interval says.")
    if low <= guess:
        doubt += " <strong>That is not clearly better than guessing.</strong>"
    uses = {"training": "it learned from these", "validation": "these chose the best epoch",
            "test": "kept back until the end"}
    rows = [(name, use, metrics[f"n_{part}"], percent(metrics[f"{part}_accuracy"]))
            for (name, use), part in zip(uses.items(), ("train", "val", "test"))]
    return (f'<p class="score">{right / n:.1%}</p>'
            f'<p class="lead">of the test pictures were named right: {right} of {n}.</p>'
            "<p>On more pictures <em>like these</em>, expect between "
            f"<strong>{low:.1%} and {high:.1%}</strong> (95% Wilson interval).{doubt} "
            f"Always answering “{escape(classes[common])}” would be right for {guess:.1%}. "
            "Other places, seasons or cameras can be harder than any of these pictures.</p>"
            + table(["pictures", "what for", "number", "named right"], rows))


def _shared(moments, rows):
    """Return how many more of some rows there are than moments that they show."""
    return sum(max(0, int(np.isin(moment, rows).sum()) - 1) for moment in moments)


def _alone(metrics, matrix):
    """Return a table of what the members of an ensemble, or one view of each picture, name right; nothing if there is neither."""
    n = int(matrix.sum())
    rows = [(f"member {i}", accuracy) for i, accuracy in enumerate(metrics.get("members_test_accuracy", []), start=1)]
    if len(rows) > MOST_MEMBERS:
        accuracies = [accuracy for _, accuracy in rows]
        rows = [("the worst member", min(accuracies)), ("the best member", max(accuracies)),
                ("members, on average", sum(accuracies) / len(accuracies))]
    if "one_view_test_accuracy" in metrics:
        rows.append(("all, without the mirror" if rows else "without the mirror", metrics["one_view_test_accuracy"]))
    if not rows:
        return ""
    rows = [(name, percent(accuracy), "{:.0%}\u00a0to\u00a0{:.0%}".format(*wilson(accuracy * n, n)))
            for name, accuracy in [*rows, ("together", np.trace(matrix) / n)]]
    return ("<h3>Alone and together</h3><p>The same test pictures, named by parts of what was trained. Nothing was chosen "
            "by these numbers.</p>" + table(["", "named right", "95% interval"], rows))


def _use(folder):
    return f"<pre>{escape(command_line('tinynet', 'predict', folder, 'photo.jpg'))}</pre>"


def _per_class(classes, matrix):
    rows = []
    for name, right, n in zip(classes, np.diag(matrix).tolist(), matrix.sum(axis=1).tolist()):
        low, high = wilson(right, n)
        rows.append((name, f"{right}\u00a0of\u00a0{n}", percent(right / n),
                     f"{low:.0%}\u00a0to\u00a0{high:.0%}", bar(right / n)))
    return table(["class", "right", "accuracy", "95% interval", ""], rows)


def _tiles(mistakes, n_wrong):
    n = len(mistakes)
    which = f"Here are the {n} it was surest of." if n_wrong > n else "The one it was surest of comes first."
    tiles, three = [], any(m.looked for m in mistakes)
    if three:
        which += (" Beside each: bright where the network saw what spoke for the wrong name (Grad-CAM), and the training picture that "
                  "it finds most like it.")
    for m in mistakes:
        title = escape(m.title).replace("_", "_<wbr>")              # where a long file name may be broken
        caption = (f"<strong>{escape(m.true)}</strong><br>named {escape(m.predicted)} ({m.p:.0%})<br>"
                   f"<small>{title}</small>")
        shown = photo(m.image, m.title)
        if m.looked:
            heat, near, name, distance = m.looked
            shown += photo(heat, f"what spoke for {m.predicted}") + photo(near, f"a training picture of {name}")
            caption += f"<br><small>most like this picture of {escape(name)}, distance {distance:.2f}</small>"
        tiles.append(f'<figure><div class="shown">{shown}</div><figcaption>{caption}</figcaption></figure>')
    return f'<p>{n_wrong} wrong. {which}</p><div class="tiles{" three" * three}">{"".join(tiles)}</div>'


def _training(history, settings):
    n, best = len(history["train_loss"]), history["best_epoch"] + 1
    why = ", which had the lowest validation loss" if history["val_loss"] else ""
    copies, more = " and every copy" if settings.get("copies") else "", ""
    if "lr" in history:
        warmup = f" after warm-up, {settings['warmup']} of the epochs" if settings["warmup"] else ""
        more += f" The learning rate followed the schedule “{escape(settings['schedule'])}”{warmup}."
    if settings.get("ensemble", 1) > 1:
        more += f" These are the curves of the first of {settings['ensemble']} layers."
    return (f"<p>{n} epochs; each uses every training picture{copies} once. The weights kept are those of epoch "
            f"{best}{why}. Where validation loss rises while training loss falls, the network learns its "
            f"pictures by heart.{more}</p>")


def _data(dataset, classes, train_rows, test_rows):
    """Return a table of numbers per class, a few training pictures of each, and what was left out."""
    labels = dataset.labels
    n_all, n_train, n_test = (np.bincount(part, minlength=len(classes))
                              for part in (labels, labels[train_rows], labels[test_rows]))
    counts = np.stack([n_train, n_all - n_train - n_test, n_test, n_all], axis=1).tolist()
    html = table(["class", "training", "validation", "test", "all"],
                  [(name, *row) for name, row in zip(classes, counts)])
    html += "<h3>Some training pictures</h3>"
    n_shown = min(5, max(1, N_EXAMPLES // len(classes)))
    for label, name in enumerate(classes):
        rows = train_rows[labels[train_rows] == label][:n_shown].tolist()
        photos = "".join(photo(dataset.image(row), dataset.title(row)) for row in rows)
        html += f'<h4>{escape(name)}</h4><div class="strip">{photos}</div>'
    skipped = getattr(dataset, "skipped", [])
    return html + ("<h3>Left out</h3>" + table(["file", "why"], skipped) if skipped else "")


def _distorted(dataset, train_rows, augment, settings):
    """Return strips of a few training pictures and distorted copies of each."""
    if augment is None:
        return ""
    n = min(settings["copies"] or MOST_COPIES, MOST_COPIES)
    firsts = [train_rows[dataset.labels[train_rows] == label][0] for label in np.unique(dataset.labels[train_rows])[:3]]
    copies = Copies(dataset, firsts, augment, n, settings["seed"])          # the same as were trained on, if they were cached
    html = ("<h3>Distorted copies</h3><p>The picture, then "
            + ("copies of it that were trained on" if settings["copies"] else "what it may become in an epoch") + ".</p>")
    for row, *made in zip(firsts, *(copies.rows[len(firsts) * k:][:len(firsts)] for k in range(1, n + 1))):
        html += f'<div class="strip">{"".join(photo(copies.image(i), copies.title(i)) for i in (row, *made))}</div>'
    return html


def _time(metrics):
    seconds, peak = metrics["seconds"], metrics["peak_memory_mb"]
    total = sum(seconds.values())
    rows = [(phase, f"{s:.1f}\u00a0s", bar(s / total)) for phase, s in seconds.items()]
    memory = "not known on this system" if peak is None else f"{peak:,.0f} MB"
    return (table(["phase", "took", ""], [*rows, ("together", f"{total:.1f}\u00a0s", "")])
            + f"<p>Memory at most: {memory}.</p>")
