"""The command line: measure, print the tables, write the JSON and the figure. ``python -m benchmarks --help``."""
import argparse
import json
import os
from pathlib import Path

from tqdm import tqdm

from . import report
from .cases import CASES
from .library import Libraries, Library, Problem
from .machine import GATE, busy_cores, describe, settings
from .measure import measure

IDLE = 0.15                         # cores that others may keep busy while two threads are measured


def main(argv=None):
    """Measure what was asked for and report it."""
    arguments = _parse(argv)
    cases = [case for case in CASES if (case.quick or not arguments.quick)
             and (arguments.only is None or case.case in (arguments.only, "roofline"))]
    rows, versions, notes = [], set(), []
    try:
        for setting in settings(os.cpu_count() or 1, arguments.quick):
            busy = busy_cores()
            if setting.threads > 1 and busy > IDLE:
                notes.append(f"{setting}: not measured, others kept {busy:.1f} cores busy")
                continue
            rounds = 3 if arguments.quick else 7 if setting == GATE else 4
            for found in _measure_all(cases, setting, rounds, versions, notes):
                rows += found
    except KeyboardInterrupt:
        notes.append("stopped before the end by Ctrl-C: what was still to come is missing")
    if not rows:
        raise SystemExit(f"nothing was measured: {'; '.join(notes)}")
    notes += report.problems(rows)
    document = report.document(rows, notes, f"{describe()}; {', '.join(filter(None, sorted(versions)))}")
    print(document)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        arguments.json.with_suffix(".md").write_text(document, encoding="utf-8")
        report.figure(rows).savefig(arguments.json.with_suffix(".png"), dpi=110)


def _parse(argv):
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="tinynet side by side with other libraries.")
    parser.add_argument("--quick", action="store_true", help="one setting, the most telling cases, 3 rounds: two minutes")
    parser.add_argument("--only", choices=list(dict.fromkeys(case.case for case in CASES)), help="one group of cases")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the measurements here, and beside it the tables (.md) and a figure (.png)")
    arguments = parser.parse_args(argv)
    if arguments.json and not arguments.json.parent.is_dir():
        parser.error(f"--json {arguments.json}: no folder {arguments.json.parent}; make it first")
    return arguments


def _measure_all(cases, setting, rounds, versions, notes):
    """Yield the rows of each case in one setting; note in `versions` what was measured, and in `notes` which cases failed.

    A library's process serves all cases that do not want a new one.
    """
    libraries = Libraries(setting)
    cases = [case for case in cases if not case.settings or setting in case.settings]
    try:
        for case in tqdm(cases, str(setting), unit="case"):
            try:
                yield measure(case, setting, rounds, (lambda peer: Library(peer, setting)) if case.fresh else libraries.get)
            except Problem as problem:  # tinynet itself failed: nothing to compare with
                notes.append(f"{setting}: {case.case}, {case.op}, batch {case.batch} is missing: {problem}")
            versions |= libraries.versions
    finally:
        libraries.close()


if __name__ == "__main__":
    main()
