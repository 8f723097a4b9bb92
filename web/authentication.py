"""Who may call the Web App's API, how often, and what a refusal looks like.

Every request to the API carries Telegram's init data: `Authorization: tma <init data>`. There are no cookies, so
no other site can call it in a user's name. A refusal is JSON with one sentence in the reader's language.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from flask import Request

from config import Config
from conversation.localization import Locales, Texts
from core.logs import event
from core.schemas import Json
from database import Database, User
from web.init_data import InitDataError, TelegramUser, authenticated_user
from web.rate_limiter import RateLimiter

log = logging.getLogger(__name__)

SCHEME: Final = "tma "
READ_RATE: Final = (120, 5.0)  # requests at once, and a second after that
CHANGE_RATE: Final = (20, 0.5)
REFUSAL_RATE: Final = (60, 2.0)  # of one address, with init data that Telegram has not signed


@dataclass(frozen=True, slots=True)
class WebServices:
    """What the server works with.

    `put` stores an update for the bot: the chat, and JSON of Telegram's shape. `prepare` takes a user and a card, and
    returns the id of the message that Telegram has prepared of it; empty if there is none.
    """

    config: Config
    db: Database
    locales: Locales
    put: Callable[[int, str], None]
    prepare: Callable[[int, Mapping[str, Json]], str] = lambda user_id, card: ""


@dataclass(frozen=True, slots=True)
class Caller:
    """The registered user who makes a request, as Telegram has signed."""

    user: User
    telegram_user: TelegramUser
    texts: Texts


class ApiError(Exception):
    """A refused request: the HTTP status, and the key of the sentence below `webapp.error`."""

    def __init__(self, status: int, key: str, field: str = "", **values: object) -> None:
        super().__init__(key)
        self.status = status
        self.key = key
        self.field = field  # the form's field that is wrong
        self.values = values


class Authenticator:
    """Finds out who makes a request, and limits how many they make."""

    def __init__(self, services: WebServices) -> None:
        self._services = services
        self._reads = RateLimiter(*READ_RATE)
        self._changes = RateLimiter(*CHANGE_RATE)
        self._refusals = RateLimiter(*REFUSAL_RATE)

    def caller(self, request: Request) -> Caller:
        """Return who makes a request. Raises `ApiError`."""
        given = request.headers.get("Authorization", "")
        try:
            if not given.startswith(SCHEME):
                raise InitDataError("no init data")
            telegram_user = authenticated_user(
                given.removeprefix(SCHEME), self._services.config.telegram_token, time.time()
            )
        except InitDataError as refused:
            # Past the pace there is no log line: anybody could fill the log. Telegram has signed init data that
            # are only of another time, so their user reads what to do in any case; behind a proxy all have one address.
            if self._refusals.allows(request.remote_addr):
                event(log, logging.INFO, "web_request_refused", reason=str(refused))
            elif refused.key == "unsigned":
                raise ApiError(429, "pace") from refused
            raise ApiError(401, refused.key) from refused
        limiter = self._reads if request.method in ("GET", "HEAD") else self._changes
        if not limiter.allows(telegram_user.id):
            raise ApiError(429, "pace")
        user = self._services.db.users.get(telegram_user.id)
        if user is None:
            raise ApiError(403, "unknown")
        if user.banned:
            raise ApiError(403, "banned")
        return Caller(user, telegram_user, self._services.locales[user.language])

    def texts_for(self, request: Request) -> Texts:
        """Return the texts in the browser's language, for an unknown user."""
        locales = self._services.locales
        return locales[request.accept_languages.best_match(list(locales)) or ""]
