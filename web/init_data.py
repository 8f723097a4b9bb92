"""Telegram's init data: who has opened the Web App, signed by Telegram.

The key of the signature is made of the bot's token. Checked here: the signature, in constant time; that `auth_date`
is neither old nor in the future; that there is a user. Fields without a value are signed too, so they are read. Pure.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from core.days import DAY_S
from core.numbers import is_number

FRESH_S: Final = DAY_S
CLOCKS_DIFFER_S: Final = 300  # by which Telegram's clock may be ahead of ours
MOST_CHARS: Final = 8192
MOST_FIELDS: Final = 32
MOST_ID: Final = 2**52  # Telegram's ids have at most 52 significant bits


class InitDataError(Exception):
    """Init data that authenticate nobody; `key` is what the user reads.

    `unsigned`: they aren't Telegram's. `stale`: they are too old. `clock`: they are Telegram's, and from the future.
    """

    def __init__(self, reason: str, *, key: str = "unsigned") -> None:
        super().__init__(reason)
        self.key = key


@dataclass(frozen=True, slots=True)
class TelegramUser:
    """Who has opened the page, as Telegram describes them."""

    id: int
    first_name: str
    last_name: str | None
    username: str | None
    language_code: str | None


def authenticated_user(init_data: str, token: str, now: float) -> TelegramUser:
    """Return the user of these init data. Raises `InitDataError`."""
    if not init_data or len(init_data) > MOST_CHARS:
        raise InitDataError("no init data, or too many")
    try:
        pairs = parse_qsl(
            init_data, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise InitDataError("unreadable init data") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise InitDataError("a field twice")
    given = fields.pop("hash", "")
    if not hmac.compare_digest(_signature(fields, token).encode(), given.encode("utf-8", "replace")):
        raise InitDataError("a wrong signature")
    _check_age(fields.get("auth_date", ""), now)
    return _visitor(fields.get("user", ""))


def _signature(fields: dict[str, str], token: str) -> str:
    """Return Telegram's hash of these fields, sorted by name."""
    lines = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    key = hmac.digest(b"WebAppData", token.encode(), hashlib.sha256)
    return hmac.new(key, lines.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _check_age(auth_date: str, now: float) -> None:
    if not is_number(auth_date):
        raise InitDataError("no auth_date")
    if int(auth_date) > now + CLOCKS_DIFFER_S:
        ahead_s = int(auth_date) - now
        raise InitDataError(f"init data from the future: this machine's clock is {ahead_s:.0f} s behind", key="clock")
    if int(auth_date) < now - FRESH_S:
        raise InitDataError("old init data", key="stale")


def _visitor(user: str) -> TelegramUser:
    try:
        values: Any = json.loads(user)
    except (ValueError, RecursionError) as error:
        raise InitDataError("no user") from error
    user_id = values.get("id") if isinstance(values, dict) else None
    if not isinstance(user_id, int) or isinstance(user_id, bool) or not 0 < user_id < MOST_ID or values.get("is_bot"):
        raise InitDataError("no user")

    def text(name: str) -> str | None:
        value = values.get(name)
        return value[:256] if isinstance(value, str) and value else None

    return TelegramUser(user_id, text("first_name") or "", text("last_name"), text("username"), text("language_code"))
