"""`python -m bench.soak`: 500 people for ten minutes, and whether the bot is at the end what it was at the beginning.

`SOAK_MIN` are the minutes. It ends with exit code 1 if anybody was not answered, and in a run of at least five minutes
also if something has grown by more than a tenth, or if there are too few answers to compare.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from bench.bot_process import ROOT, end_by_sigterm
from bench.soak import plot, report
from bench.soak.model_calls import purposes
from bench.soak.run import Plan, Seen, run
from bench.soak.verdict import FULL_S, complaints, figures, starved, unmeasured, windows


def main() -> int:
    """Run the soak, print its tables, draw its picture; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("SOAK_MIN", "10")))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SOAK_SEED", "1")))
    parser.add_argument("--think", type=float, default=25.0, metavar="S", help="that people think, on average")
    parser.add_argument("--folder", type=Path, default=None, help="keeps the bot's database and log")
    parser.add_argument("--plot", type=Path, default=None, metavar="PNG", help="default: soak.png in FOLDER or data/")
    options = parser.parse_args()
    end_by_sigterm()
    seconds = options.minutes * 60
    seen = run(Plan(options.people, seconds, options.seed, options.think, options.folder))
    code = tell(seen, seconds)
    path = options.plot or (options.folder or ROOT / "data") / "soak.png"
    plot.draw(path, seen.samples, seen.journal, seen.orders, seconds)
    print(f"The picture of this run: {path}")
    return code


def tell(seen: Seen, seconds: float) -> int:
    """Print what was seen of a run; return the exit code."""
    found = figures(seen.samples, seen.journal, seen.orders, seconds)
    before, after = windows(seconds)
    minutes = (before.minutes, after.minutes)
    print(report.compared(found, minutes), end="\n\n")
    print(report.asked(purposes(seen.asked, before), purposes(seen.asked, after), minutes), end="\n\n")
    print(report.answers(seen.journal), end="\n\n")
    print(report.counted("Sentences instead of an answer", seen.journal.told()), end="\n\n")
    print(report.counted("Faults", seen.faults), end="\n\n")
    print(report.counted("Calls of the Bot API", seen.calls), end="\n\n")
    print(report.traffic(seen.samples, seen.journal, seen.sent), end="\n\n")
    judged = [] if seconds < FULL_S else found
    wrong = complaints(judged, seen.journal, seen.violations, seen.errors)
    wrong += unmeasured(seen.samples, seen.journal, seen.orders, seconds)
    if wrong and (sentence := starved(seen.samples, seconds)):
        wrong.append(sentence)
    grown = "Nothing has grown by more than a tenth" if judged else "The run was too short to judge growth"
    print("\n".join(wrong) if wrong else f"{grown}, and everybody was answered.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
