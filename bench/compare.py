"""`python -m bench.compare BASE NEW`: run two checkouts in turn and print the medians of each, and their ratio.

In turn, because the machine's speed changes from minute to minute: BASE, NEW, BASE, NEW, … Each checkout is a folder of
this repository (`git worktree add`); both run with this Python.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Final

# A figure's cell in the table's row, and its part of the cell.
FIGURES: Final = {
    "CPU a turn, ms": (10, 0),
    "p50, ms": (7, 0),
    "p95, ms": (7, 1),
    "turns/s": (6, 0),
    "RSS, MiB": (11, 0),
}


def run(folder: Path, scenario: str, seconds: float) -> dict[str, float]:
    """Run the benchmark of a checkout once; return the figures of its row."""
    command = [sys.executable, "-m", "bench", "--only", scenario, "--repeat", "1", "--seconds", str(seconds)]
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    cells = output.splitlines()[-1].split("|")
    return {name: float(cells[cell].split(" / ")[part]) for name, (cell, part) in FIGURES.items()}


def main() -> None:
    """Print each run, then a table of medians for each scenario."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--only", action="append", metavar="USERS,MODEL_S", help="default: 50,2 and 200,1")
    parser.add_argument("--runs", type=int, default=5, help="of each checkout")
    parser.add_argument("--seconds", type=float, default=10.0, help="that each run is measured for")
    options = parser.parse_args()
    for scenario in options.only or ("50,2", "200,1"):
        runs: dict[Path, list[dict[str, float]]] = {options.base: [], options.new: []}
        for _ in range(options.runs):
            for folder, figures in runs.items():
                figures.append(run(folder, scenario, options.seconds))
                print(f"{scenario} {folder}: {figures[-1]}", flush=True)
        print(f"\n{scenario}, medians of {options.runs}\n\n| | base | new | new / base |\n|:--|--:|--:|--:|")
        for name in FIGURES:
            base, new = (statistics.median(figures[name] for figures in runs[folder]) for folder in runs)
            print(f"| {name} | {base:.2f} | {new:.2f} | {new / base:.2f} |")
        print(flush=True)


if __name__ == "__main__":
    main()
