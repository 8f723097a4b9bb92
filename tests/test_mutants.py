"""The last run of `make mutants`, as docs/verified.md tells it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tests.mutants.modules import PARTS, ROOT

VERIFIED = ROOT / "docs" / "verified.md"
EQUIVALENT = Path(__file__).resolve().parent / "mutants" / "equivalent.toml"
ROW = re.compile(r"^\| ([a-z ]+) \| [^|]+" + r" \| (\d+)" * 6 + r" \| ([\d.]+) \|$", re.MULTILINE)


def test_every_part_kills_at_least_85_percent_and_each_survivor_is_judged() -> None:
    rows = {title: numbers for title, *numbers in ROW.findall(VERIFIED.read_text("utf-8"))}
    assert set(rows) == {part.title for part in PARTS.values()}
    for mutants, killed, without_end, broken, survived, judged, percent in rows.values():
        assert int(killed) + int(survived) == int(mutants) and judged == survived
        assert float(percent) >= 85 and int(killed) >= 0.85 * int(mutants)
        assert int(without_end) + int(broken) <= int(killed)


def test_a_judged_mutant_changes_code_that_is_still_there() -> None:
    for mutant in tomllib.loads(EQUIVALENT.read_text("utf-8"))["mutant"]:
        code = " ".join((ROOT / mutant["module"]).read_text("utf-8").split())
        assert " ".join(mutant["before"].split()) in code
        assert mutant["why"] and mutant["before"] != mutant["after"]
