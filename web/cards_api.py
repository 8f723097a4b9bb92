"""The API of a story's note and its cards of people, places and things."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, jsonify, request

from conversation import cards
from conversation.cards import LIMITS, MOST_CARDS, NOTE_CHARS, CardText
from database import Card
from turns.message_view import title_of
from web.authentication import ApiError, WebServices
from web.request_values import body_of, checked_form, id_of
from web.stories_api import own_story


def blueprint(services: WebServices) -> Blueprint:
    """Return the routes `/api/stories/ID/note` and `/api/stories/ID/cards`."""
    routes = Blueprint("cards", __name__, url_prefix="/api/stories/<int:session_id>")
    store = services.db.cards

    @routes.get("/cards")
    def kept(session_id: int) -> Response:
        story = own_story(services, session_id)
        return jsonify(
            {
                "title": title_of(story),
                "note": store.note(session_id),
                "cards": [_shown(card.id, card.text) for card in store.of_story(session_id)],
                "limits": {**LIMITS, "note": NOTE_CHARS},
                "most": MOST_CARDS,
            }
        )

    @routes.put("/note")
    def set_note(session_id: int) -> Response:
        own_story(services, session_id)
        note = cards.tidy_note(body_of(request).get("note", ""))
        if len(note) > NOTE_CHARS:
            raise ApiError(422, "field_long", field="note", limit=NOTE_CHARS)
        store.set_note(session_id, note)
        return jsonify({"note": note})

    @routes.post("/cards")
    def add(session_id: int) -> tuple[Response, int]:
        own_story(services, session_id)
        text = _text(body_of(request))
        with services.db.transaction():
            if len(store.of_story(session_id)) >= MOST_CARDS:
                raise ApiError(409, "too_many_cards", limit=MOST_CARDS)
            card_id = store.add(session_id, text)
        return jsonify(_shown(card_id, text)), 201

    @routes.put("/cards/<int:card_id>")
    def change(session_id: int, card_id: int) -> Response:
        card = _own(session_id, card_id)
        text = _text(body_of(request))
        with services.db.transaction():
            if store.named(session_id, text.name, but=card.id) is not None:
                raise ApiError(409, "same_card")
            store.keep(card.id, text)
        return jsonify(_shown(card.id, text))

    @routes.delete("/cards/<int:card_id>")
    def delete(session_id: int, card_id: int) -> Response:
        store.delete(_own(session_id, card_id).id)
        return jsonify({})

    def _own(session_id: int, card_id: int) -> Card:
        own_story(services, session_id)
        card = store.get(id_of(card_id))
        if card is None or not card.kept or card.session_id != session_id:
            raise ApiError(404, "missing")
        return card

    return routes


def _text(given: Mapping[str, str]) -> CardText:
    return checked_form(given, LIMITS, cards.tidy, cards.faults)


def _shown(card_id: int, text: CardText) -> dict[str, object]:
    return {"id": card_id, "name": text.name, "about": text.about, "words": text.words}
