"""The state diagram in docs/architecture.md shows the transitions of the table of steps."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from conversation.states import EVERYWHERE, TABLE
from conversation.steps import IN_WIZARD, WIZARD, Step

PAGE = Path(__file__).resolve().parent.parent / "docs" / "architecture.md"
EDGE = re.compile(r"^ +(\w+) --> (\w+): (.+)$", re.MULTILINE)


def drawn() -> dict[tuple[Step, Step], str]:
    return {(Step(start), Step(end)): label for start, end, label in EDGE.findall(PAGE.read_text("utf-8"))}


def of_the_table() -> dict[tuple[Step, Step], set[str]]:
    """Return the transitions that the diagram draws: no staying, nothing common to all steps, no going back."""
    found: dict[tuple[Step, Step], set[str]] = {}
    for step, row in TABLE.items():
        for key, cell in row.items():
            if cell.to not in (None, step) and key not in ("back", "cancel", "/cancel") and cell != EVERYWHERE.get(key):
                assert cell.to is not None
                found.setdefault((step, cell.to), set()).add(key)
    return found


def test_the_diagram_draws_every_transition_of_the_table() -> None:
    labels = {edge: label for edge, label in drawn().items() if not label.startswith(("action ", "when "))}
    table = of_the_table()
    assert labels.keys() == table.keys()
    for edge, keys in table.items():
        shown = set(labels[edge].split(", "))
        prefixes = tuple(name[:-1] for name in shown if name.endswith("…"))
        assert {key for key in keys if not key.startswith(prefixes or ("\0",))} == {
            name for name in shown if not name.endswith("…")
        }


def test_a_transition_decided_by_an_action_names_an_action_of_its_step() -> None:
    named = {edge: label.removeprefix("action ") for edge, label in drawn().items() if label.startswith("action ")}
    assert named
    for (start, _), action in named.items():
        assert action in {cell.action for cell in TABLE[start].values()}


def test_the_wizard_is_drawn_in_its_order() -> None:
    edges = drawn()
    assert all(pair in edges for pair in pairwise(WIZARD))
    assert {step for edge in edges for step in edge} >= IN_WIZARD
