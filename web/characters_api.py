"""The API of characters: those that the caller may talk to, their own, pictures, and the choice."""

from __future__ import annotations

import time
from collections.abc import Mapping

from flask import Blueprint, Response, g, jsonify, request

from conversation import personas
from conversation.personas import LIMITS, MOST_OWN, Persona
from database import Character
from web.authentication import ApiError, Caller, WebServices
from web.pictures import FORMATS, PictureError, square
from web.presses import tell
from web.request_values import body_of, checked_form, id_of


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
        if not store.change(id_of(character_id), caller.user.id, persona):
            raise ApiError(404, "missing")
        return jsonify(_shown(_existing(services, character_id), caller))

    @routes.delete("/<int:character_id>")
    def delete(character_id: int) -> Response:
        if not store.delete(id_of(character_id), g.caller.user.id, int(time.time())):
            raise ApiError(404, "missing")
        return jsonify({})

    @routes.post("/<int:character_id>/choose")
    def choose(character_id: int) -> Response:
        caller: Caller = g.caller
        if store.may_talk(caller.user.id, id_of(character_id)) is None:
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
        if not store.set_picture(id_of(character_id), g.caller.user.id, None):
            raise ApiError(404, "missing")
        return jsonify(_shown(_existing(services, character_id), g.caller))


def _existing(services: WebServices, character_id: int) -> Character:
    character = services.db.characters.get(id_of(character_id))
    if character is None or character.deleted:
        raise ApiError(404, "missing")
    return character


def _persona(given: Mapping[str, str]) -> Persona:
    return checked_form(given, LIMITS, personas.tidy, personas.faults)


def _shown(character: Character, caller: Caller) -> dict[str, object]:
    """Return a character as its card shows it; with all texts if it is the caller's own."""
    own = character.owner_id == caller.user.id
    picture = f"pictures/{character.key}.svg" if character.key else ""
    if character.has_picture:
        picture = f"api/characters/{character.id}/picture"
    card = {"id": character.id, "own": own, "name": character.name, "line": character.persona.line, "picture": picture}
    texts = {"greeting": character.persona.greeting, "personality": character.persona.personality}
    return card | (texts if own else {})
