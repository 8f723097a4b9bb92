"""Links to characters: whoever follows one may take a copy, which is their own from then on."""

from __future__ import annotations

from conversation.personas import MOST_OWN
from database import Character
from handlers import characters
from handlers.context import UpdateContext, now
from telegram.update_result import UpdateResult


def open_shared(context: UpdateContext, token: str) -> UpdateResult:
    """Answer a followed link: show the character, and offer to take a copy."""
    character = _shared(context, token)
    if character is None:
        return context.say_here("shared_character.gone")
    author = context.db.users.get(character.owner_id or 0)
    take = context.inline(context.button("adopt", f"adopt:{token}"))
    persona, name = character.persona, author.first_name if author else ""
    return context.say("shared_character.opened", keyboard=take, author=name, name=persona.name, line=persona.line)


def take(context: UpdateContext, token: str) -> UpdateResult:
    """Talk to a copy of the character; who has an equal one already, or has written it, takes that."""
    character = _shared(context, token)
    if character is None:
        return context.toast("toast.past")
    store, user_id = context.db.characters, context.user.id
    own = [one for one in store.offered(user_id, context.user.language) if one.owner_id == user_id]
    known = next((one for one in own if one.persona == character.persona), None)
    if known is not None:
        return characters.choose(context, known.id)
    if len(own) >= MOST_OWN:
        return context.say("shared_character.too_many", n=len(own))
    copied_id = store.add(user_id, character.language, character.persona, now())
    if picture := store.picture(character.id):
        store.set_picture(copied_id, user_id, picture)
    return characters.choose(context, copied_id)


def _shared(context: UpdateContext, token: str) -> Character | None:
    character_id = context.db.sharing.character_of(token)
    return context.db.characters.get(character_id)
