"""What was measured, as tables for people (Markdown) and as a figure."""
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, ScalarFormatter

from .goals import GOALS
from .machine import GATE

CORE_SHARE = 0.95                   # of wall time spent computing, for a measurement on an idle machine


def document(rows, notes, machine):
    """Return the whole report, Markdown; `machine` is a line that says where and when, `notes` are sentences."""
    parts = [f"# Measured: {machine}", "Times of tinynet divided by those of the other: below 1, tinynet is faster. "
             "The median over the rounds, in brackets the smallest and the largest.",
             "## Goals", goals(rows), "## All ratios", table(rows)]
    if notes:
        parts += ["## What to know about them", "\n".join(f"* {note}" for note in notes)]
    memory = [[row["op"], str(row["batch"]), f"{row['threads']}, {row['malloc']}", f"{row['mb']:.0f}", row["peer"], f"{row['peer_mb']:.0f}",
               f"{row['accuracy']:.3f} / {row['peer_accuracy']:.3f}" if "accuracy" in row else ""] for row in rows if "mb" in row]
    if memory:
        parts += ["## Memory, and accuracy of the main job",
                  _markdown(["op", "batch", "threads, malloc", "tinynet MB", "peer", "MB", "accuracy"], memory)]
    return "\n\n".join(parts) + "\n"


def table(rows):
    """Return all ratios: a line per case and peer, a column per setting."""
    settings = list(dict.fromkeys((row["threads"], row["malloc"]) for row in rows))
    cells = {}
    for row in rows:
        line = cells.setdefault((row["case"], row["op"], row["batch"], row["peer"]), {})
        line[row["threads"], row["malloc"]] = _ratio(row)
    heads = [f"{threads} thread{'s' * (threads > 1)}, malloc {malloc}" for threads, malloc in settings]
    return _markdown(["case", "op", "batch", "peer", *heads],
                     [[*map(str, key), *(line.get(setting, "") for setting in settings)] for key, line in cells.items()])


def goals(rows):
    """Return the goals and what was reached."""
    lines = []
    for goal in GOALS:
        found = goal.reached(rows)
        verdict = "not measured" if found is None else "yes" if found <= goal.limit else "no"
        if found is not None and goal.stretch and found <= goal.stretch:
            verdict = "yes, and the stretch"
        lines.append([goal.text, f"{goal.limit:.3g}", f"{goal.stretch:.3g}" if goal.stretch else "",
                      "" if found is None else f"{found:.3g}", verdict])
    return _markdown(["goal", "at most", "stretch", "measured", "reached"], lines)


def problems(rows):
    """Return lines about peers that were not measured and about times that cannot be trusted."""
    lines = [f"no ratio: {row['case']}, {row['op']}, batch {row['batch']} against {row['peer']}: {row['problem']}"
             for row in rows if "problem" in row]
    roof = {(row["threads"], row["malloc"]): max(row["gflops"], row["peer_gflops"])
            for row in rows if row["case"] == "roofline" and "problem" not in row}
    for row in rows:
        limit = roof.get((row["threads"], row["malloc"]), float("inf"))
        for who, speed in (("tinynet", row.get("gflops", 0)), (row["peer"], row.get("peer_gflops", 0))):
            if speed > 1.1 * limit:
                lines.append(f"suspicious: {row['case']}, {row['op']}, batch {row['batch']}, {row['threads']} threads: {who} at "
                             f"{speed:.0f} GFLOP/s, a matrix product reaches {limit:.0f}: are more threads at work than asked for?")
    shared = [row for row in rows if not had_the_core(row)]
    if shared:
        lines.append(f"not idle: {len(shared)} rows of one thread had the core for less than {CORE_SHARE:.0%} of the time; "
                     "beside them stands the ratio of processor times (cpu)")
    return list(dict.fromkeys(lines))


def had_the_core(row):
    """Return whether nobody else was at work on the core of a row of one thread."""
    return row.get("cpu_share", 1) >= CORE_SHARE


def figure(rows):
    """Return the ratios of the gate's setting: a dot at the median, a line from the smallest to the largest."""
    rows = [row for row in rows if row["ratio"] is not None and (row["threads"], row["malloc"]) == (GATE.threads, GATE.malloc)]
    picture = Figure(figsize=(9, 1.2 + 0.2 * len(rows)), layout="constrained")
    axes = picture.subplots()
    groups = list(dict.fromkeys(row["case"] for row in rows))
    for y, row in enumerate(rows):
        colour = f"C{groups.index(row['case'])}"
        axes.plot([row["min"], row["max"]], [y, y], color=colour, alpha=0.5)
        axes.plot(row["ratio"], y, "o", color=colour, markersize=4)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axes.margins(y=0.01)
    axes.set_yticks(range(len(rows)), [f"{row['case']}, {row['op']}, batch {row['batch']} / {row['peer']}" for row in rows], fontsize=7)
    axes.invert_yaxis()
    axes.grid(axis="x", which="both", alpha=0.3)
    picture.suptitle("Time (or memory) of tinynet / of the other, one thread, malloc set: left of 1, tinynet needs less", fontsize=9)
    return picture


def _ratio(row):
    if row["ratio"] is None:
        return "-"
    cell = f"{row['ratio']:.2f} ({row['min']:.2f}-{row['max']:.2f})"
    return cell if had_the_core(row) else f"{cell} cpu {row['cpu_ratio']:.2f}"


def _markdown(heads, lines):
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]
    rule = ["-" * width for width in widths]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
                     for line in [heads, rule, *lines])
