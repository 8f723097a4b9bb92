"""The API of characters: whom one may talk to, one's own, their pictures, and the choice, which the bot is told of."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Final

from flask import Blueprint, Response, g, jsonify, request

from conversation import personas
from conversation.personas import LIMITS, Persona
from database import Character
from web.gate import Guest, Site, Sorry, body_of
from web.pictures import FORMATS, NoPicture, square

MOST_OWN: Final = 30


def blueprint(site: Site) -> Blueprint:
    """The routes below `/api/characters`."""
    routes = Blueprint("characters", __name__, url_prefix="/api/characters")
    store = site.db.characters

    @routes.get("")
    def offered() -> Response:
        guest: Guest = g.guest
        chosen = store.chosen(guest.user.id)
        return jsonify(
            {
                "characters": [_shown(one, guest) for one in store.offered(guest.user.id, guest.texts.language)],
                "chosen": chosen.id if chosen is not None else None,
                "limits": dict(LIMITS),
                "most": MOST_OWN,
            }
        )

    @routes.post("")
    def create() -> tuple[Response, int]:
        guest: Guest = g.guest
        persona = _persona(body_of(request))
        with site.db.transaction():
            if store.count_of(guest.user.id) >= MOST_OWN:
                raise Sorry(409, "too_many", limit=MOST_OWN)
            character_id = store.add(guest.user.id, guest.texts.language, persona, int(time.time()))
        return jsonify(_shown(_own(character_id), guest)), 201

    @routes.put("/<int:character_id>")
    def change(character_id: int) -> Response:
        guest: Guest = g.guest
        persona = _persona(body_of(request))
        if not store.change(_id(character_id), guest.user.id, persona):
            raise Sorry(404, "missing")
        return jsonify(_shown(_own(character_id), guest))

    @routes.delete("/<int:character_id>")
    def delete(character_id: int) -> Response:
        if not store.delete(_id(character_id), g.guest.user.id, int(time.time())):
            raise Sorry(404, "missing")
        return jsonify({})

    @routes.post("/<int:character_id>/choose")
    def choose(character_id: int) -> Response:
        guest: Guest = g.guest
        if store.may_talk(guest.user.id, _id(character_id)) is None:
            raise Sorry(404, "missing")
        tell(site, guest, f"character:{character_id}")
        return jsonify({})

    @routes.get("/<int:character_id>/picture")
    def picture(character_id: int) -> Response:
        if _own(character_id).owner_id != g.guest.user.id:
            raise Sorry(404, "missing")
        content = store.picture(character_id)
        if content is None:
            raise Sorry(404, "missing")
        return Response(content, mimetype="image/jpeg")

    @routes.put("/<int:character_id>/picture")
    def set_picture(character_id: int) -> Response:
        if _own(character_id).owner_id != g.guest.user.id:
            raise Sorry(404, "missing")
        if request.mimetype not in {f"image/{name.lower()}" for name in FORMATS}:
            raise Sorry(415, "picture")
        try:
            content = square(request.get_data(cache=False))
        except NoPicture as error:
            raise Sorry(413 if error.large else 400, "picture") from error
        if not store.set_picture(character_id, g.guest.user.id, content):
            raise Sorry(404, "missing")
        return jsonify(_shown(_own(character_id), g.guest))

    @routes.delete("/<int:character_id>/picture")
    def drop_picture(character_id: int) -> Response:
        if not store.set_picture(_id(character_id), g.guest.user.id, None):
            raise Sorry(404, "missing")
        return jsonify(_shown(_own(character_id), g.guest))

    def _own(character_id: int) -> Character:
        character = store.get(_id(character_id))
        if character is None or character.deleted:
            raise Sorry(404, "missing")
        return character

    return routes


def tell(site: Site, guest: Guest, data: str) -> None:
    """Hands the bot what was pressed on the page, as Telegram hands on what a page sends by itself."""
    visitor = guest.visitor
    names = {"first_name": visitor.first_name, "last_name": visitor.last_name, "username": visitor.username}
    sender = {"id": visitor.id, "is_bot": False, "language_code": visitor.language_code, **names}
    message = {
        "message_id": 0,
        "date": int(time.time()),
        "chat": {"id": visitor.id, "type": "private", **names},
        "from": {name: value for name, value in sender.items() if value is not None},
        "web_app_data": {"data": data, "button_text": ""},
    }
    site.put(visitor.id, json.dumps({"update_id": 0, "message": message}))


def _id(number: int) -> int:
    """A number out of an address as an id; SQLite holds no larger ones."""
    if number >= 2**63:
        raise Sorry(404, "missing")
    return number


def _persona(given: Mapping[str, str]) -> Persona:
    """What a form holds. Raises `Sorry` at its first fault."""
    if given.keys() - LIMITS.keys():
        raise Sorry(400, "request")
    persona = personas.tidy(given)
    for name, fault in personas.faults(persona):
        raise Sorry(422, f"field_{fault}", field=name, limit=LIMITS[name])
    return persona


def _shown(character: Character, guest: Guest) -> dict[str, object]:
    """A character as its card needs it; all of its texts where it is the guest's own."""
    own = character.owner_id == guest.user.id
    picture = f"pictures/{character.key}.svg" if character.key else ""
    if character.has_picture:
        picture = f"api/characters/{character.id}/picture"
    card = {"id": character.id, "own": own, "name": character.name, "line": character.persona.line, "picture": picture}
    texts = {"greeting": character.persona.greeting, "personality": character.persona.personality}
    return card | (texts if own else {})
