"""The API of the caller's stories, to be read as books and sent as files to the chat, and of tokens spent by day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from flask import Blueprint, Response, g, jsonify, request

from core.days import DAY_S, current_day
from core.star_packs import StarPack
from database import Story
from export.formats import FORMATS
from export.story_book import book_of
from telegram.invoice_links import link_of
from turns.message_view import title_of
from web.authentication import ApiError, Caller, WebServices
from web.presses import tell
from web.request_values import body_of, id_of, offset_of

PAGE: Final = 30
DAYS: Final = 30


def blueprint(services: WebServices) -> Blueprint:
    """Return the routes `/api/stories` and `/api/usage`."""
    routes = Blueprint("stories", __name__, url_prefix="/api")
    _add_usage(routes, services)

    @routes.get("/stories")
    def stories() -> Response:
        caller: Caller = g.caller
        shown = services.db.stories.of_user(caller.user.id, limit=PAGE, offset=offset_of(request))
        return jsonify(
            {
                "stories": [_line(story, caller) for story in shown],
                "count": services.db.stories.count_of(caller.user.id),
                "formats": list(FORMATS),
            }
        )

    @routes.get("/stories/<int:session_id>")
    def story(session_id: int) -> Response:
        found = own_story(services, session_id)
        book = book_of(services.db, services.locales[found.language], found)
        chapters = [{"title": chapter.title, "paragraphs": list(chapter.paragraphs)} for chapter in book.shown_chapters]
        head = {"id": session_id, "title": book.name, "language": found.language, "genre": found.genre}
        more = {"chapters": chapters, "ending": book.ending, "publishable": _is_publishable(found)}
        return jsonify(head | more)

    @routes.post("/stories/<int:session_id>/file")
    def file(session_id: int) -> Response:
        found = own_story(services, session_id)
        name = body_of(request).get("format", "")
        if name not in FORMATS:
            raise ApiError(400, "request")
        if found.head_id is None:
            raise ApiError(409, "empty_story")
        tell(services, g.caller, f"{name}:{session_id}")
        return jsonify({})

    def _line(story: Story, caller: Caller) -> dict[str, object]:
        parts = services.db.tree.parts(story.head_id, story.starts_after)
        return {
            "id": story.session_id,
            "title": title_of(story),
            "genre": story.genre,
            "parts": caller.texts.plural("parts", parts),
            "finished": story.finished,
            "touched_at": story.touched_at,
        }

    def _is_publishable(story: Story) -> bool:
        published = services.db.shelf.of_session(story.session_id)
        on_shelf = published is not None and not published.withdrawn
        return services.config.shelf == "on" and story.finished and not on_shelf

    return routes


def own_story(services: WebServices, session_id: int) -> Story:
    """Return a story of the caller's. Raises `ApiError` if there is none."""
    found = services.db.stories.own(g.caller.user.id, id_of(session_id))
    if found is None:
        raise ApiError(404, "missing")
    return found


def _add_usage(routes: Blueprint, services: WebServices) -> None:
    @routes.get("/usage")
    def usage() -> Response:
        caller: Caller = g.caller
        today = current_day()
        spent = services.db.reports.days_of(caller.user.id, today - DAYS + 1)
        days = [
            {"date": datetime.fromtimestamp(day * DAY_S, UTC).date().isoformat(), "tokens": spent.get(day, 0)}
            for day in range(today - DAYS + 1, today + 1)
        ]
        unlimited = caller.user.id in services.config.admin_ids
        left = None if unlimited else caller.user.free
        packs = [] if unlimited else [_pack(pack) for pack in services.config.packs]
        sold = [pack for pack in packs if pack["link"]]
        return jsonify({"days": days, "left": left, "spent": caller.user.spent, "packs": sold})

    def _pack(pack: StarPack) -> dict[str, str]:
        texts = g.caller.texts
        title = texts.plain("buy.invoice_month" if pack.monthly else "buy.invoice", tokens=pack.tokens)
        link = link_of(services.db, services.config, texts.language, pack)
        return {"title": title, "price": f"{pack.stars} ⭐", "link": link}
