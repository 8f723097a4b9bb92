"""The API of characters: those that the caller may talk to, their own, pictures, and the choice."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from flask import Blueprint, Response, g, jsonify, request

from conversation import personas
from conversation.personas import LIMITS, MOST_OWN, Persona
from database import Character
from web.authentication import ApiError, Caller, WebServices, body_of
from web.pictures import FORMATS, PictureError, square


def blueprint(services: WebServices) -> Blueprint:
    """Return the routes below `/api/characters`."""
    routes = Blueprint("characters", __name__, url_prefix="/api/characters")
    store = services.db.characters

    @routes.get("")
    def offered() -> Response:
        caller: Caller = g.caller
        chosen = store.chosen(caller.user.id)
        return jsonify(
            {
                "characters": [_shown(one, caller) for one in store.offered(caller.user.id, caller.texts.language)],
                "chosen": chosen.id if chosen is not None else None,
                "limits": dict(LIMITS),
                "most": MOST_OWN,
            }
        )

    @routes.post("")
    def create() -> tuple[Response, int]:
        caller: Caller = g.caller
        persona = _persona(body_of(request))
        with services.db.transaction():
            if store.count_of(caller.user.id) >= MOST_OWN:
                raise ApiError(409, "too_many", limit=MOST_OWN)
            character_id = store.add(caller.user.id, caller.texts.language, persona, int(time.time()))
        return jsonify(_shown(_existing(services, character_id), caller)), 201

    @routes.put("/<int:character_id>")
    def change(character_id: int) -> Response:
        caller: Caller = g.caller
        persona = _persona(body_of(request))
        if not store.change(_id(character_id), caller.user.id, persona):
            raise ApiError(404, "missing")
        return jsonify(_shown(_existing(services, character_id), caller))

    @routes.delete("/<int:character_id>")
    def delete(character_id: int) -> Response:
        if not store.delete(_id(character_id), g.caller.user.id, int(time.time())):
            raise ApiError(404, "missing")
        return jsonify({})

    @routes.post("/<int:character_id>/choose")
    def choose(character_id: int) -> Response:
        caller: Caller = g.caller
        if store.may_talk(caller.user.id, _id(character_id)) is None:
            raise ApiError(404, "missing")
        tell(services, caller, f"character:{character_id}")
        return jsonify({})

    _add_pictures(routes, services)
    return routes


def _add_pictures(routes: Blueprint, services: WebServices) -> None:
    store = services.db.characters

    @routes.get("/<int:character_id>/picture")
    def picture(character_id: int) -> Response:
        if _existing(services, character_id).owner_id != g.caller.user.id:
            raise ApiError(404, "missing")
        content = store.picture(character_id)
        if content is None:
            raise ApiError(404, "missing")
        return Response(content, mimetype="image/jpeg")

    @routes.put("/<int:character_id>/picture")
    def set_picture(character_id: int) -> Response:
        if _existing(services, character_id).owner_id != g.caller.user.id:
            raise ApiError(404, "missing")
        if request.mimetype not in {f"image/{name.lower()}" for name in FORMATS}:
            raise ApiError(415, "picture")
        try:
            content = square(request.get_data(cache=False))
        except PictureError as error:
            raise ApiError(413 if error.large else 400, "picture") from error
        if not store.set_picture(character_id, g.caller.user.id, content):
            raise ApiError(404, "missing")
        return jsonify(_shown(_existing(services, character_id), g.caller))

    @routes.delete("/<int:character_id>/picture")
    def drop_picture(character_id: int) -> Response:
        if not store.set_picture(_id(character_id), g.caller.user.id, None):
            raise ApiError(404, "missing")
        return jsonify(_shown(_existing(services, character_id), g.caller))


def _existing(services: WebServices, character_id: int) -> Character:
    character = services.db.characters.get(_id(character_id))
    if character is None or character.deleted:
        raise ApiError(404, "missing")
    return character


def tell(services: WebServices, caller: Caller, data: str) -> None:
    """Store an update for the bot that says what was pressed on the page, in the shape of Telegram's `web_app_data`."""
    telegram_user = caller.telegram_user
    names = {
        "first_name": telegram_user.first_name,
        "last_name": telegram_user.last_name,
        "username": telegram_user.username,
    }
    sender = {"id": telegram_user.id, "is_bot": False, "language_code": telegram_user.language_code, **names}
    message = {
        "message_id": 0,
        "date": int(time.time()),
        "chat": {"id": telegram_user.id, "type": "private", **names},
        "from": {name: value for name, value in sender.items() if value is not None},
        "web_app_data": {"data": data, "button_text": ""},
    }
    services.put(telegram_user.id, json.dumps({"update_id": 0, "message": message}))


def _id(number: int) -> int:
    """Return a number of a path as an id; SQLite stores none above 2**63."""
    if number >= 2**63:
        raise ApiError(404, "missing")
    return number


def _persona(given: Mapping[str, str]) -> Persona:
    """Return the persona of a form. Raises `ApiError` at its first fault."""
    if given.keys() - LIMITS.keys():
        raise ApiError(400, "request")
    persona = personas.tidy(given)
    for name, fault in personas.faults(persona):
        raise ApiError(422, f"field_{fault}", field=name, limit=LIMITS[name])
    return persona


def _shown(character: Character, caller: Caller) -> dict[str, object]:
    """Return a character as its card shows it; with all texts if it is the caller's own."""
    own = character.owner_id == caller.user.id
    picture = f"pictures/{character.key}.svg" if character.key else ""
    if character.has_picture:
        picture = f"api/characters/{character.id}/picture"
    card = {"id": character.id, "own": own, "name": character.name, "line": character.persona.line, "picture": picture}
    texts = {"greeting": character.persona.greeting, "personality": character.persona.personality}
    return card | (texts if own else {})
