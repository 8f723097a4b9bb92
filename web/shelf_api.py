"""The API of the public shelf: lists, a story to read, hearts and reports. Unknown unless `SHELF=on`.

Hearts are stored at once; a publication and a report go to the bot as a press on the page: it asks, or tells people.
"""

from __future__ import annotations

import time
from typing import Final

from flask import Blueprint, Response, g, jsonify, request

from core.text import split
from database import Order, Published
from turns.message_view import text_of
from web.authentication import ApiError, Caller, WebServices
from web.presses import tell
from web.request_values import STORY_DIGITS, body_of, id_of, number_of, offset_of
from web.stories_api import own_story

PAGE: Final = 20
GENRES: Final = 12


def blueprint(services: WebServices) -> Blueprint:
    """Return the routes below `/api/shelf`."""
    routes = Blueprint("shelf", __name__, url_prefix="/api/shelf")
    shelf = services.db.shelf
    _add_answers(routes, services)

    @routes.before_request
    def if_on() -> None:
        if services.config.shelf != "on":
            raise ApiError(404, "missing")

    @routes.get("")
    def listed() -> Response:
        genre = _genre_of(request.args.get("genre", "0"))
        order = Order.LOVED if request.args.get("order") == Order.LOVED else Order.NEWEST
        found = shelf.seen(order, genre=genre, limit=PAGE, offset=offset_of(request))
        genres = [{"id": one, "name": name, "stories": n} for one, name, n in shelf.genres(GENRES)]
        chosen = next((one["id"] for one in genres if one["name"] == genre), 0)
        stories = [_line(one) for one in found]
        return jsonify({"stories": stories, "count": shelf.count(genre), "genres": genres, "genre": chosen})

    @routes.post("")
    def publish() -> Response:
        """Have the bot say in the chat what may stand on the shelf, and ask about the author's name."""
        story = own_story(services, number_of(body_of(request).get("story", ""), STORY_DIGITS))
        if not story.finished:
            raise ApiError(409, "unfinished")
        tell(services, g.caller, f"publish:{story.session_id}")
        return jsonify({})

    @routes.get("/<int:published_id>")
    def story(published_id: int) -> Response:
        caller: Caller = g.caller
        found = _seen(services, published_id)
        text = text_of(services.db.tree.whole(found.head_id, found.starts_after))
        paragraphs = [line for piece in split(text) for line in piece.split("\n") if line.strip()]
        more = {"language": found.language, "paragraphs": paragraphs, "mine": found.user_id == caller.user.id}
        return jsonify(_line(found) | more | {"given": shelf.has_heart(found.id, caller.user.id)})

    def _genre_of(number: str) -> str:
        """Return the genre of a story, which may be hidden by now; empty for 0."""
        published_id = number_of(number)
        found = shelf.get(published_id)
        if published_id and found is None:
            raise ApiError(404, "missing")
        return found.genre if found is not None else ""

    return routes


def _add_answers(routes: Blueprint, services: WebServices) -> None:
    """Add what a reader makes of a story: a heart, a report."""
    shelf = services.db.shelf

    @routes.post("/<int:published_id>/heart")
    def heart(published_id: int) -> Response:
        body_of(request)
        caller: Caller = g.caller
        found = _seen(services, published_id)
        if found.user_id == caller.user.id:
            raise ApiError(409, "own_story")
        given = shelf.toggle_heart(found.id, caller.user.id, int(time.time()))
        return jsonify({"given": given, "hearts": _seen(services, published_id).hearts})

    @routes.post("/<int:published_id>/report")
    def report(published_id: int) -> Response:
        body_of(request)
        found = _seen(services, published_id)
        if found.user_id == g.caller.user.id:
            raise ApiError(409, "own_story")
        tell(services, g.caller, f"public_report:{found.id}")
        return jsonify({})


def _seen(services: WebServices, published_id: int) -> Published:
    found = services.db.shelf.find(id_of(published_id))
    if found is None:
        raise ApiError(404, "missing")
    return found


def _line(found: Published) -> dict[str, object]:
    return {"id": found.id, "title": found.title, "genre": found.genre, "author": found.author, "hearts": found.hearts}
