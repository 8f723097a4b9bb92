"""What is mutated, and the tests that must notice it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Mutated:
    """A part of the bot: its modules, and the tests that are run on each mutant."""

    title: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


SPLITTING: Final = Mutated(
    "splitting of texts",
    ("core/text.py", "core/graphemes.py", "telegram/markdown.py"),
    ("tests/test_splitting.py", "tests/test_graphemes.py", "tests/test_richtext.py"),
)
LEDGER: Final = Mutated(
    "ledger",
    ("storage/ledger.py", "storage/first_tables.py", "storage/payment_schema.py"),
    (
        "tests/test_ledger_books.py",
        "tests/test_ledger_limits.py",
        "tests/test_ledger.py",
        "tests/test_payment_ledger.py",
    ),
)
BUDGETS: Final = Mutated(
    "budgets",
    ("turns/limits.py", "turns/billing.py"),
    ("tests/test_budgets.py", "tests/test_ledger.py", "tests/test_billing.py"),
)
QUEUE: Final = Mutated(
    "chat queue", ("telegram/chat_queue.py",), ("tests/test_chat_queue.py", "tests/test_chat_queue_pieces.py")
)
STATES: Final = Mutated(
    "table of states",
    ("conversation/states.py", "conversation/steps.py"),
    ("tests/test_state_diagram.py", "tests/test_story.py"),
)
PARTS: Final = {"splitting": SPLITTING, "ledger": LEDGER, "budgets": BUDGETS, "queue": QUEUE, "states": STATES}

# The part of a module that is mutated, if it isn't the whole.
_SPANS: Final = {
    "storage/first_tables.py": re.compile(r"create trigger call_begins.*?(?=create trigger call_ends)", re.DOTALL),
    "storage/payment_schema.py": re.compile(r"create trigger call_ends.*", re.DOTALL),  # as it is since BALANCES
}


def lines_of(module: str, source: str) -> range:
    """Return the numbers, from 1 on, of the lines that may be mutated."""
    if module not in _SPANS:
        return range(1, source.count("\n") + 2)
    span = _SPANS[module].search(source)
    assert span is not None, f"{module} has changed: name the part to mutate anew"
    first = source.count("\n", 0, span.start()) + 1
    return range(first, first + span[0].rstrip().count("\n") + 1)
