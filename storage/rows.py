"""Rows as dataclasses, by position: SQLite's rows search all their columns for a name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from storage.connection import Row

Kind = TypeVar("Kind")


def reader(kind: type[Kind], **changes: Callable[[Any], Any]) -> Callable[[Row], Kind]:
    """Return what makes a `kind` of a row whose first columns are its fields, in their order.

    `changes`: by a field's name, what makes its value of the column's.
    """
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    places = [(names.index(name), change) for name, change in changes.items()]

    def read(row: Row) -> Kind:
        values: list[Any] = list(row[: len(names)])
        for place, change in places:
            values[place] = change(values[place])
        return kind(*values)

    return read
