"""A page about photos before anything is trained: doubles, labels in doubt, classes, sizes."""
from dataclasses import dataclass
from html import escape

import numpy as np

from ..files import atomic_write
from ..transfer.moments import together
from .parts import bar, page, photo, table

MOST_GROUPS, MOST_SHOTS, MOST_DOUBTS, MOST_PLAIN = 20, 6, 30, 12        # that are shown
ENOUGH = 30                                                             # photos of a class, if they can be had
ALIKE = 0.3                                                             # share of photos in groups that is hard to believe


@dataclass(frozen=True)
class Audit:
    """What was found in a data set.

    Attributes
    ----------
    group : ndarray of int, (N,)
        Photos of one moment have the same number, see `near_duplicates`.
    doubts : list of Doubt
        See `doubtful_labels`.
    no_doubts : str
        Why labels were not checked, if they were not.
    singly, together : float or None
        Share of the photos named right by classifiers trained without them, where each photo is dealt out by itself, and
        where those of one moment stay together.
    plain : list of int
        Rows of pictures that are nearly one colour.
    shapes : ndarray of int, (N, 2)
        Height and width of each, in pixels.
    crop : int
        Side of the square that the network sees, in pixels.
    """

    group: np.ndarray
    doubts: list
    no_doubts: str
    singly: float | None
    together: float | None
    plain: list
    shapes: np.ndarray
    crop: int

    @property
    def groups(self):
        """Rows of each moment of which there is more than one photo, a list of ndarray, the largest first."""
        return together(self.group)


def write_audit(path, dataset, audit):
    """Write the page.

    Parameters
    ----------
    path : str or Path
        Of the file; it is complete or absent.
    dataset : Dataset
    audit : Audit
    """
    sections = {"Photos of one moment": _moments(dataset, audit), "Labels in doubt": _doubts(dataset, audit),
                "Classes": _classes(dataset, audit), "Nearly one colour": _plain(dataset, audit), "Sizes": _sizes(dataset, audit)}
    body = (f'<header><p class="kind">tinynet audit</p><h1>{escape(dataset.name)}</h1></header><main>'
            f"<p>{len(dataset):,} photos of {len(dataset.classes)} classes, looked at before anything is trained. What is named here "
            "is worth a look; whether it is wrong, you decide.</p>"
            + "".join(f"<section><h2>{title}</h2>{html}</section>" for title, html in sections.items() if html) + "</main>")
    with atomic_write(path) as file:
        file.write(page(f"{dataset.name} – audit", body))


def _moments(dataset, audit):
    groups = audit.groups
    if not groups:
        return "<p>None found: no photo seems to be there twice, nor in a burst.</p>"
    html = (f"<p>{sum(map(len, groups))} photos show {len(groups)} moments: the same photo twice, or a burst. If some of a moment "
            "train and others test, the test asks what was learned by heart. Keep one of each.</p>")
    if sum(map(len, groups)) > ALIKE * len(dataset):
        html += ("<p><strong>That is much of all there is.</strong> Either these are bursts, or pictures of this kind are all so alike "
                 "that nobody can tell; look at some groups before you believe it.</p>")
    if audit.singly is not None:
        html += (f"<p>Photos dealt out one by one, {audit.singly:.1%} are named right by classifiers that did not train on them; "
                 f"moments kept together, {audit.together:.1%}.</p>")
    for rows in groups[:MOST_GROUPS]:
        labels = {dataset.classes[dataset.labels[row]] for row in rows}
        if len(labels) > 1:
            html += f"<h3>One moment, labelled {escape(' and '.join(sorted(labels)))}</h3>"
        tiles = "".join(_tile(dataset, row, escape(dataset.classes[dataset.labels[row]])) for row in rows[:MOST_SHOTS].tolist())
        html += f'<div class="tiles six">{tiles}</div>' + _more(len(rows), MOST_SHOTS, "of this moment")
    return html + _more(len(groups), MOST_GROUPS, "moments")


def _doubts(dataset, audit):
    if audit.no_doubts:
        return f"<p>Not checked: {escape(audit.no_doubts)}</p>"
    if not audit.doubts:
        return "<p>None: no other class was clearly more probable than a photo's own.</p>"
    tiles = "".join(_tile(dataset, doubt.row, f"<strong>{escape(dataset.classes[doubt.label])}?</strong> {doubt.p_label:.0%}<br>"
                                              f"or {escape(dataset.classes[doubt.other])} {doubt.p_other:.0%}")
                    for doubt in audit.doubts[:MOST_DOUBTS])
    return ("<p>Named by a classifier that was trained without them, these are more like another class. Some labels will be wrong, "
            f'some photos only unusual.</p><div class="tiles">{tiles}</div>' + _more(len(audit.doubts), MOST_DOUBTS, "labels in doubt"))


def _classes(dataset, audit):
    rows, most = [], np.bincount(dataset.labels).max()
    for label, name in enumerate(dataset.classes):
        members = dataset.labels == label
        n, moments = int(members.sum()), len(np.unique(audit.group[members]))
        rows.append((name, n, moments, f"fewer than {ENOUGH}: take more if you can" if moments < ENOUGH else "", bar(n / most)))
    return table(["class", "photos", "moments", "", ""], rows)


def _plain(dataset, audit):
    if not audit.plain:
        return ""
    tiles = "".join(_tile(dataset, row, escape(dataset.classes[dataset.labels[row]])) for row in audit.plain[:MOST_PLAIN])
    return (f'<p>There is little to see in these.</p><div class="tiles six">{tiles}</div>'
            + _more(len(audit.plain), MOST_PLAIN, "such pictures"))


def _sizes(dataset, audit):
    short, long = audit.shapes.min(axis=1), audit.shapes.max(axis=1)
    rows = [("shorter side, pixels", short.min(), int(np.median(short)), short.max()),
            ("longer : shorter", *(f"{x:.2f}" for x in ((long / short).min(), np.median(long / short), (long / short).max())))]
    small = int((short < audit.crop).sum())
    return (table(["", "smallest", "median", "largest"], rows)
            + f"<p>The network sees a square of {audit.crop} pixels from the middle: of a long picture the ends are cut off"
            + (f"; {small:,} of the photos are smaller and are enlarged." if small else ".") + "</p>")


def _tile(dataset, row, caption):
    title = dataset.title(row)
    return (f"<figure>{photo(dataset.image(row), title)}<figcaption>{caption}<br><small>{escape(title).replace('_', '_<wbr>')}"
            "</small></figcaption></figure>")


def _more(n, shown, what):
    return f"<p>{n - shown:,} more {what} are not shown.</p>" if n > shown else ""
