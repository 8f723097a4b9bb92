"""Make mutants of the named parts, or of all, and run their tests: `python -m tests.mutants splitting ledger`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Final

from tests.mutants import report, results
from tests.mutants.modules import PARTS, ROOT
from tests.mutants.session import log, running, try_module

RESULTS: Final = ROOT / ".mutants"


def main() -> None:
    """Run the parts that are asked for, store the results, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="which parts; all by default")
    parser.add_argument("--module", default="", help="only modules whose path has this")
    parser.add_argument("--survivors", action="store_true", help="only mutants that survived the last run")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many mutants are tried at once")
    parser.add_argument("--python", default=sys.executable, help="the Python that has what the tests need")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder of the results, a file a module")
    parser.add_argument("--page", type=Path, help="the page that is to say which mutants were killed")
    parser.add_argument("--no-run", action="store_true", help="run nothing: only write the page")
    asked = parser.parse_args()
    if not asked.no_run:
        run(asked)
    missing = [module for part in PARTS.values() for module in part.modules if not results.read(asked.results, module)]
    if asked.page and missing:
        log(f"{asked.page} stays as it is: no results of {', '.join(missing)} yet")
    elif asked.page:
        report.write(asked.page, asked.results)


def run(asked: argparse.Namespace) -> None:
    """Try the mutants of the parts and store what came of each."""
    for name in asked.parts or PARTS:
        for module in PARTS[name].modules:
            if asked.module in module:
                began, before = time.monotonic(), results.read(asked.results, module)
                only = {row.key for row in before if row.survived} if asked.survivors else None
                with running(asked.python, asked.jobs) as runners:
                    rows = try_module(module, PARTS[name], runners, only)
                again = {row.key: row for row in rows}
                kept = rows if only is None else [again.get(row.key, row) for row in before]
                results.write(asked.results, module, kept)
                log(f"{module}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
