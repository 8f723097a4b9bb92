"""No SQL is made of values: a statement that is put together has constants in it, and nothing else.

bandit takes each such statement for a possible injection (B608); this test knows the constants.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.harness import ROOT

SQL = re.compile(r"\b(select|insert|update|delete|from|where|pragma|values)\b")
CONSTANT = re.compile(r"_?[A-Z][A-Z_]*")
# What else stands in a statement, each looked at: none of it comes from outside.
KNOWN = {
    "cards.py": {"refused"},  # the beginning of both statements
    "connection.py": {"pragma"},  # of a constant list
    "first_letters.py": {"', '.join((f'first_letter.{name}' for name in _COLUMNS.split(', ')))"},
    "forgetting.py": {"above", "said", "theirs"},  # statements in statements; `said` has the constant paths of senders
    "ledger.py": {"table"},  # of a constant tuple
    "migration.py": {"number"},  # of a step; a pragma takes no bound value
    "outbox.py": {"marks"},  # a question mark for each bound value
    "payments.py": {"known", "order"},  # each one of two constant texts
    "public_shelf.py": {"_ORDERS[order]", "condition"},  # of a constant mapping; written by its two callers
    "topic_states.py": {"columns", "fresh", "told"},
    "tree.py": {"_WALK.format(until=_UNTIL_MEMORY)", "walk"},
}


def put_in(source: str) -> Iterator[str]:
    """Return what the statements of a module have in them besides constants."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.JoinedStr):
            continue
        written = " ".join(str(piece.value) for piece in node.values if isinstance(piece, ast.Constant))
        if not SQL.search(written) or ": update the bot" in written or "this one knows" in written:
            continue
        for piece in node.values:
            if isinstance(piece, ast.FormattedValue):
                text = ast.unparse(piece.value)
                if not CONSTANT.fullmatch(text):
                    yield text


def test_a_statement_is_made_of_constants() -> None:
    files = [*(ROOT / "storage").glob("*.py"), ROOT / "database.py"]
    found = {file.name: set(put_in(file.read_text("utf-8"))) for file in files}
    assert {name: texts for name, texts in found.items() if texts} == KNOWN


def test_a_value_in_a_statement_is_seen() -> None:
    assert list(put_in("run(f\"select * from user where name = '{name}' and {_OWN}\")")) == ["name"]
