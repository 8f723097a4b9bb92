"""Mutations beside those of cosmic-ray: in SQL, in texts, in the table of steps, and statements left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import parso.python.tree
from cosmic_ray.operators.operator import Operator

Position = tuple[tuple[int, int], tuple[int, int]]

_SQL: Final = re.compile(r"\b(select|update|insert|delete|where|values|create trigger)\b.* ", re.DOTALL)
# What is replaced in a statement, and by what.
_IN_SQL: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r" \+ ", " - "),
        (r" - ", " + "),
        (r"\bmin\(", "max("),
        (r"\bmax\(", "min("),
        (r" <> ", " = "),
        (r"(?<=[a-z] )<(?= [a-z0-9:?])", "<="),
        (r"(?<=[a-z] )>(?= [a-z0-9:?])", ">="),
        (r"\band\b", "or"),
        (r"\bis null\b", "is not null"),
        (r"\bis not null\b", "is null"),
        (r"\bnot exists\b", "exists"),
        (r"\bleft join\b", "join"),
        (r"(?<=')\w+(?=')", "other"),
        (r"\b0\b", "1"),
        (r"((?:\b(?:where|and|on|when)\s+|\()(?:\w+\.)?\w+) = ", r"\1 <> "),
    )
)


class ReplaceInSql(Operator):  # type: ignore[misc]
    """Replace one operator, comparison, name or number of an SQL statement."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Return a position for each replacement."""
        if node.type == "string" and _is_sql(node):
            for _ in _replacements(node.value):
                yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Make the replacement number `index`."""
        node.value = list(_replacements(node.value))[index]
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


class ReplaceString(Operator):  # type: ignore[misc]
    """Put another text in place of a string that is neither SQL nor a docstring."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Return one position for a string."""
        if node.type == "string" and not _is_sql(node) and not _is_docstring(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Put XX around the text."""
        prefix, quote, text = re.fullmatch(r"(\w*)('''|\"\"\"|'|\")(.*)\2", node.value, re.DOTALL).groups()  # type: ignore[union-attr]
        node.value = f"{prefix}{quote}XX{text}XX{quote}"
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


class ReplaceStep(Operator):  # type: ignore[misc]
    """Put another step in place of a step."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Return one position for `Step.NAME`."""
        if node.type == "atom_expr" and re.fullmatch(r"Step\.[A-Z_]+", node.get_code().strip()):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Make it MENU, or STORY if it is MENU."""
        name = node.children[1].children[1]
        name.value = "STORY" if name.value == "MENU" else "MENU"
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


class LeaveOutEntry(Operator):  # type: ignore[misc]
    """Leave out an entry of a dictionary, or what it takes from another one."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Return a position for each entry."""
        if node.type == "dictorsetmaker":
            for first, _ in _entries(node):
                yield node.children[first].start_pos, node.children[first].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Delete the entry number `index`."""
        first, last = list(_entries(node))[index]
        del node.children[first:last]
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


class LeaveOutStatement(Operator):  # type: ignore[misc]
    """Leave out a call, a deletion, or an assignment to an attribute or an item."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Return one position for such a statement."""
        if node.type == "simple_stmt" and _has_effect(node.children[0]):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Put `pass` in its place."""
        first = node.children[0]
        node.children[0] = parso.python.tree.Name("pass", first.start_pos, prefix=first.get_first_leaf().prefix)
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


class NegateIn(Operator):  # type: ignore[misc]
    """Put `not in` in place of `in`, and the reverse."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Return a position for each."""
        if node.type == "comparison":
            for place in _ins(node):
                yield node.children[place].start_pos, node.children[place].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Negate the test number `index`."""
        place = list(_ins(node))[index]
        old = node.children[place]
        new = " in" if old.get_code().split() == ["not", "in"] else " not in"
        node.children[place] = parso.python.tree.Operator(new, old.start_pos)
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


OWN: Final = {
    operator.__name__: operator
    for operator in (ReplaceInSql, ReplaceString, ReplaceStep, LeaveOutEntry, LeaveOutStatement, NegateIn)
}


def _replacements(statement: str) -> Iterator[str]:
    for pattern, replacement in _IN_SQL:
        for match in pattern.finditer(statement):
            yield statement[: match.start()] + match.expand(replacement) + statement[match.end() :]


def _is_sql(string: Any) -> bool:
    whole = string.parent if string.parent.type == "strings" else string
    return not _is_docstring(string) and _SQL.search(whole.get_code()) is not None


def _is_docstring(string: Any) -> bool:
    return bool(string.parent.type == "simple_stmt")


def _entries(node: Any) -> Iterator[tuple[int, int]]:
    """Return the places of a dictionary's entries among its children, with the comma that follows."""
    first = 0
    for place, child in enumerate(node.children):
        if child == ",":
            yield first, place + 1
            first = place + 1
    if first < len(node.children) and ":" in [*node.children, ":"][first : first + 2]:
        yield first, len(node.children)


def _has_effect(statement: Any) -> bool:
    if statement.type == "del_stmt":
        return True
    if statement.type == "atom_expr":
        return bool(statement.children[-1].type == "trailer" and statement.children[-1].children[0] == "(")
    if statement.type != "expr_stmt":
        return False
    target, operator = statement.children[0], statement.children[1]
    return bool(operator.type == "operator" and (target.type == "atom_expr" or operator.value != "="))


def _ins(node: Any) -> Iterator[int]:
    for place in range(1, len(node.children), 2):
        if node.children[place].get_code().split() in (["in"], ["not", "in"]):
            yield place
