"""What a request to the API carries, checked: a body, a form, numbers. What is wrong raises `ApiError`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from flask import Request

from core.numbers import ID_DIGITS, is_number
from web.authentication import ApiError

JSON_BYTES: Final = 32_000
STORY_DIGITS: Final = 12
_OFFSET_DIGITS: Final = 6
_MOST_ID: Final = 2**63  # SQLite stores no larger integers
_Form = TypeVar("_Form")


def body_of(request: Request) -> dict[str, str]:
    """Return the JSON object of a request, whose values are texts. Raises `ApiError`."""
    if request.mimetype != "application/json":
        raise ApiError(415, "request")
    if (request.content_length or 0) > JSON_BYTES:
        raise ApiError(413, "large")
    try:
        values: Any = json.loads(request.get_data(cache=False).decode())
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "request") from error
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise ApiError(400, "request")
    if any("\ud800" <= letter <= "\udfff" for value in values.values() for letter in value):
        raise ApiError(400, "request")  # half a surrogate pair: no database can store it
    return values


def checked_form(
    given: Mapping[str, str],
    limits: Mapping[str, int],
    tidy: Callable[[Mapping[str, str]], _Form],
    faults: Callable[[_Form], Iterable[tuple[str, str]]],
) -> _Form:
    """Return what `tidy` makes of a form with the fields of `limits`. Raises `ApiError` at its first fault."""
    if given.keys() - limits.keys():
        raise ApiError(400, "request")
    form = tidy(given)
    for name, fault in faults(form):
        raise ApiError(422, f"field_{fault}", field=name, limit=limits[name])
    return form


def number_of(text: str, digits: int = ID_DIGITS) -> int:
    """Return a number that came as text. Raises `ApiError`, also for one of more digits."""
    if not is_number(text, digits):
        raise ApiError(400, "request")
    return int(text)


def offset_of(request: Request) -> int:
    """Return how much of a list a request has seen already. Raises `ApiError`."""
    return number_of(request.args.get("offset", "0"), _OFFSET_DIGITS)


def id_of(number: int) -> int:
    """Return a number of a path as an id. Raises `ApiError` for one that no row can have."""
    if number >= _MOST_ID:
        raise ApiError(404, "missing")
    return number
