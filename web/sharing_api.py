"""The page's «📤 Поделиться», and the covers that cards of stories show in other chats.

A cover is public: its address has the token of the story's link, so that Telegram can fetch it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from flask import Blueprint, Response, g, jsonify, request

from database import Story
from export.cover import cover
from export.story_book import book_of
from turns import share_cards
from turns.message_view import title_of
from web.authentication import ApiError, Caller, WebServices
from web.rate_limiter import RateLimiter
from web.request_values import body_of
from web.stories_api import own_story

COVERS_PREFIX: Final = "/covers/"
TOKEN_CHARS: Final = 64
KEPT: Final = 32  # covers in memory, of about 60 KB
DRAWN_RATE: Final = (20, 1.0)  # covers at once, and a second after that, for everybody together: each takes 0.1 s


def blueprint(services: WebServices) -> Blueprint:
    """Return the routes `/api/stories/ID/share` and `/covers/TOKEN.jpg`."""
    routes = Blueprint("sharing", __name__)
    covers = _Covers(services)

    @routes.post("/api/stories/<int:session_id>/share")
    def share(session_id: int) -> Response:
        """Open the story's link, and prepare its card to be sent."""
        caller: Caller = g.caller
        body_of(request)
        story = own_story(services, session_id)
        if story.head_id is None:
            raise ApiError(409, "empty_story")
        username = services.db.settings.get("bot_username") or ""
        with services.db.transaction():
            token = services.db.sharing.offer(story)
            services.db.stories.share(session_id, token)
            shared = services.db.stories.get(session_id) or story
            card = share_cards.story_card(services.db, services.config, caller.texts, shared, username=username)
        link = share_cards.link(username, f"{share_cards.STORY_LINK}{token}")
        return jsonify({"link": link, "title": title_of(story), "prepared": services.prepare(caller.user.id, card)})

    @routes.get(f"{COVERS_PREFIX}<token>.jpg")
    def picture(token: str) -> Response:
        story = services.db.sharing.story_of(token) if len(token) <= TOKEN_CHARS else None
        if story is None:
            raise ApiError(404, "missing")
        return Response(covers.of(story), mimetype="image/jpeg")

    return routes


class _Covers:
    """Draws covers one at a time, and keeps the last ones."""

    def __init__(self, services: WebServices) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._drawn = RateLimiter(*DRAWN_RATE)
        self._kept: OrderedDict[tuple[int, str, int], bytes] = OrderedDict()

    def of(self, story: Story) -> bytes:
        """Return a story's cover as a JPEG. Raises `ApiError` if too many are asked for."""
        db = self._services.db
        own = db.illustrations.cover(story.session_id) or b""
        key = (story.session_id, title_of(story), hash(own))
        with self._lock:
            known = self._kept.get(key)
            if known is None:
                if not self._drawn.allows("everybody"):
                    raise ApiError(429, "pace")
                known = self._kept[key] = cover(book_of(db, self._services.locales[story.language], story))
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return known
