"""Who may ask the page's server, how often, and what a refusal looks like.

Every request to the API carries Telegram's init data: `Authorization: tma <init data>`. There are no cookies, so no
other site can ask in somebody's name. A refusal is JSON with one sentence in the reader's language.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from flask import Request

from config import Config
from conversation.localization import Locales, Texts
from core.logs import event
from database import Database, User
from web.init_data import Refused, Visitor, visitor_of
from web.pace import Pace

log = logging.getLogger(__name__)

SCHEME: Final = "tma "
JSON_BYTES: Final = 32_000
READS: Final = (120, 5.0)  # at once, and a second after that
CHANGES: Final = (20, 0.5)
REFUSALS: Final = (60, 2.0)  # of one address, whose init data nobody has signed


@dataclass(frozen=True, slots=True)
class Site:
    """What the page's server works with. `put` hands the bot an update: the chat, and JSON of Telegram's shape."""

    config: Config
    db: Database
    locales: Locales
    put: Callable[[int, str], None]


@dataclass(frozen=True, slots=True)
class Guest:
    """A registered user whom Telegram vouches for."""

    user: User
    visitor: Visitor
    texts: Texts


class Sorry(Exception):
    """A request that is refused: the status, and the key of the sentence below `webapp.error`."""

    def __init__(self, status: int, key: str, field: str = "", **values: object) -> None:
        super().__init__(key)
        self.status = status
        self.key = key
        self.field = field  # of a form: where the fault is
        self.values = values


class Gate:
    """Lets guests in."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._reads = Pace(*READS)
        self._changes = Pace(*CHANGES)
        self._refusals = Pace(*REFUSALS)

    def guest(self, request: Request) -> Guest:
        """Who asks. Raises `Sorry`."""
        given = request.headers.get("Authorization", "")
        try:
            if not given.startswith(SCHEME):
                raise Refused("no init data")
            visitor = visitor_of(given.removeprefix(SCHEME), self._site.config.telegram_token, time.time())
        except Refused as refused:
            if not self._refusals.takes(request.remote_addr):
                raise Sorry(429, "pace") from refused  # without a line in the log, which anybody could fill
            event(log, logging.INFO, "web_request_refused", reason=str(refused))
            raise Sorry(401, "stale" if refused.stale else "unsigned") from refused
        pace = self._reads if request.method in ("GET", "HEAD") else self._changes
        if not pace.takes(visitor.id):
            raise Sorry(429, "pace")
        user = self._site.db.users.get(visitor.id)
        if user is None:
            raise Sorry(403, "unknown")
        if user.banned:
            raise Sorry(403, "banned")
        return Guest(user, visitor, self._site.locales[user.language])

    def texts_for(self, request: Request) -> Texts:
        """The language of somebody who isn't known: their browser's."""
        locales = self._site.locales
        return locales[request.accept_languages.best_match(list(locales)) or ""]


def body_of(request: Request) -> dict[str, str]:
    """The JSON object of a request, whose values are texts. Raises `Sorry`."""
    if request.mimetype != "application/json":
        raise Sorry(415, "request")
    if (request.content_length or 0) > JSON_BYTES:
        raise Sorry(413, "large")
    try:
        values: Any = json.loads(request.get_data(cache=False).decode())
    except (ValueError, RecursionError) as error:
        raise Sorry(400, "request") from error
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise Sorry(400, "request")
    if any("\ud800" <= letter <= "\udfff" for value in values.values() for letter in value):
        raise Sorry(400, "request")  # half a pair, which no database can hold
    return values
