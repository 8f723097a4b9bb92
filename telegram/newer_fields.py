"""Fields of messages that an older Bot API server may not know, and what goes out in their place.

| field | since | in its place |
|---|---|---|
| `disabled` of a button | 10.3 | its `callback_data`: the button stays and does what it did before |
| `copy_text` of a button | 7.11 | nothing: the button is left out |
| `style` of a button | 9.4 | a button without colour |
| `message_effect_id` | 7.5 | no effect |
| `ephemeral_message_parameters` | 10.3 | the message is everybody's |

A message in the outbox has all of them. A refused call is made again without one field after another; the field whose
absence helped is left out from then on, for `FORGET_S` and for this server only. A server that ignores a field answers
as if all were well.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from core.days import DAY_S
from core.errors import TelegramRefused
from core.logs import event
from core.network import without_login
from core.schemas import Json

log = logging.getLogger(__name__)

FORGET_S: Final = 7 * DAY_S  # a server may have been updated
SETTING: Final = "telegram_refuses"
EPHEMERAL: Final = "ephemeral_message_parameters"
EPHEMERAL_ONLY: Final = "ephemeral_or_nothing"  # our own: the message is for one user's eyes, or isn't sent
EPHEMERAL_SHOWN: Final = "telegram_ephemeral"  # the setting that names a server which showed a message to one user
_EFFECT: Final = "message_effect_id"
_BUTTON: Final = ("disabled", "copy_text", "style")
_NAMES: Final = (*_BUTTON, EPHEMERAL, _EFFECT)
_LOGIN: Final = re.compile(r"//[^/]*@")
# Refusals that have nothing to do with a field.
_OTHER_REASONS: Final = ("not found", "not modified", "can't be edited", "can't parse entities", "too long", "is empty")


class Notes(Protocol):
    """Stores the bot's notes about itself."""

    def get(self, key: str) -> str | None:
        """Return the value of a key, or None."""

    def put(self, key: str, value: str) -> None:
        """Store a value under a key."""


class NewerFields:
    """What the server at `address` refuses. Thread-safe."""

    def __init__(self, notes: Notes | None, address: str) -> None:
        self._notes = notes
        self._address = without_login(address)
        self._lock = threading.Lock()
        self._cut_logins()
        self._refused = self._remembered()
        self._shows_ephemeral = notes is not None and notes.get(EPHEMERAL_SHOWN) == self._address

    def call(self, params: Mapping[str, Json], call: Callable[[Mapping[str, Json]], Json]) -> Json:
        """Make a call with what the server knows of its fields; return its result. Raise as `call` does."""
        must_hide = EPHEMERAL_ONLY in params
        params = {name: value for name, value in params.items() if name != EPHEMERAL_ONLY}
        used = used_in(params)
        if not used:
            return call(params)
        refused = self._now_refused() & used
        if must_hide and EPHEMERAL in refused:
            raise TelegramRefused("sendMessage", 400, "ephemeral messages are refused")
        try:
            result = call(without(params, refused))
        except TelegramRefused as error:
            if error.code != 400 or not _may_be_a_field(error):
                raise
            droppable = used - refused - ({EPHEMERAL} if must_hide else set())
            result = self._without_one_more(params, refused, droppable, call, error)
        if isinstance(result, dict) and result.get("ephemeral_message_id"):
            self._note_ephemeral()
        return result

    def _without_one_more(
        self,
        params: Mapping[str, Json],
        refused: frozenset[str],
        droppable: frozenset[str],
        call: Callable[[Mapping[str, Json]], Json],
        error: TelegramRefused,
    ) -> Json:
        tried = refused
        for name in _NAMES:
            if name not in droppable:
                continue
            tried |= {name}
            try:
                result = call(without(params, tried))
            except TelegramRefused as refusal:
                if refusal.code != 400 or not _may_be_a_field(refusal):
                    raise
                continue
            event(log, logging.WARNING, "telegram_field_refused", field=name, error=str(error))
            self._learn(name)
            return result
        raise error

    def _now_refused(self) -> frozenset[str]:
        now = time.time()
        with self._lock:
            return frozenset(name for name, since in self._refused.items() if now - since < FORGET_S)

    def _learn(self, name: str) -> None:
        with self._lock:
            self._refused = {**self._refused, name: time.time()}
            if self._notes is not None:
                self._notes.put(SETTING, json.dumps({"server": self._address, "fields": self._refused}))

    def _note_ephemeral(self) -> None:
        if not self._shows_ephemeral and self._notes is not None:
            self._shows_ephemeral = True
            self._notes.put(EPHEMERAL_SHOWN, self._address)

    def _cut_logins(self) -> None:
        """Cut the login off an address that an earlier version stored with it."""
        if self._notes is None:
            return
        for key in (SETTING, EPHEMERAL_SHOWN):
            noted = self._notes.get(key) or ""
            if (cut := _LOGIN.sub("//", noted)) != noted:
                self._notes.put(key, cut)

    def _remembered(self) -> dict[str, float]:
        try:
            noted = json.loads((self._notes.get(SETTING) if self._notes is not None else None) or "{}")
            fields = noted["fields"] if noted.get("server") == self._address else {}
            return {name: float(since) for name, since in fields.items() if name in _NAMES}
        except (ValueError, TypeError, KeyError, AttributeError):
            return {}


def used_in(params: Mapping[str, Json]) -> frozenset[str]:
    """Return the newer fields that a call has."""
    of_buttons = {name for button in _buttons(params) for name in _BUTTON if name in button}
    return frozenset(of_buttons | {name for name in (EPHEMERAL, _EFFECT) if name in params})


def without(params: Mapping[str, Json], refused: frozenset[str]) -> Mapping[str, Json]:
    """Return the parameters without these fields, and with what takes their place."""
    kept = {name: value for name, value in params.items() if name not in refused}
    markup = kept.get("reply_markup")
    if not isinstance(markup, dict):
        return kept
    for kind in ("inline_keyboard", "keyboard"):
        if kind in markup:
            rows = [[_shaped(button, refused) for button in row] for row in _rows(markup, kind)]
            shaped: list[Json] = [[button for button in row if button] for row in rows if any(row)]
            kept["reply_markup"] = {**markup, kind: shaped}
    return kept


def _shaped(button: dict[str, Json], refused: frozenset[str]) -> dict[str, Json] | None:
    """Return a button as the server knows it; None if nothing of it is left."""
    if "copy_text" in button and "copy_text" in refused:
        return None
    left_out = refused if "disabled" in refused or "disabled" not in button else refused | {"callback_data"}
    return {name: value for name, value in button.items() if name not in left_out}


def _buttons(params: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    markup = params.get("reply_markup")
    if isinstance(markup, dict):
        for kind in ("inline_keyboard", "keyboard"):
            for row in _rows(markup, kind):
                yield from row


def _rows(markup: Mapping[str, Json], kind: str) -> Iterator[list[dict[str, Json]]]:
    rows = markup.get(kind)
    for row in rows if isinstance(rows, list) else ():
        yield [button for button in row if isinstance(button, dict)] if isinstance(row, list) else []


def _may_be_a_field(error: TelegramRefused) -> bool:
    description = error.description.lower()
    return not any(reason in description for reason in _OTHER_REASONS)
