"""«Пиши мне сам»: a character may write first. Switched on by a time zone, off by one press."""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.time_zones import CITIES, OFFSETS, name_of
from core.errors import LimitReached
from database import Character, FirstLetter
from handlers.context import UpdateContext
from telegram.update_result import UpdateResult
from turns import limits
from turns.first_letters import KIND, MOST_UNANSWERED

_BEHIND = 720  # added to a zone in a button's data, which have no sign
_IN_A_ROW = 4


def button(context: UpdateContext, character: Character) -> tuple[str, str]:
    """Return the button that shows whether a character writes first."""
    letter = _of(context, character.id)
    label = "writes_first" if letter is not None and letter.zone_minutes is not None else "write_first"
    return context.button(label, f"write_first:{character.id}")


def show(context: UpdateContext, character_id: int) -> UpdateResult:
    """Say what writing first means and costs, and how it stands; offer the time zones."""
    character = context.db.characters.may_talk(context.user.id, character_id)
    if character is None:
        return context.toast("toast.past")
    letter = _of(context, character.id)
    if letter is not None and letter.zone_minutes is not None:
        return _show_on(context, character, letter)
    price = limits.turn_price(context.config, context.registry.weight(context.user.model))
    cities = [context.button(f"zone_{city}", _zone(character.id, minutes)) for city, minutes in CITIES]
    rows = [cities[:1], *(cities[place : place + 2] for place in range(1, len(cities), 2))]
    other = [context.button("zone_other", f"zones:{character.id}")]
    return context.say("letter.about", keyboard=inline(*rows, other), name=character.name, price=price)


def show_chosen(context: UpdateContext) -> UpdateResult:
    """«Пиши мне сам», said to a character: show this of the chosen one."""
    character = context.db.characters.chosen(context.user.id)
    return show(context, character.id) if character is not None else context.say("character.gone")


def switch_off_by_words(context: UpdateContext) -> UpdateResult:
    """«Не пиши первым», said to a character: nobody writes first any more."""
    context.db.first_letters.set_zone(context.user.id, None)
    return context.say("letter.off")


def show_zones(context: UpdateContext, character_id: int) -> UpdateResult:
    """Offer every distance from UTC that a place on Earth has."""
    if context.db.characters.may_talk(context.user.id, character_id) is None:
        return context.toast("toast.past")
    zones = [(name_of(minutes), _zone(character_id, minutes)) for minutes in sorted(OFFSETS)]
    rows = [zones[place : place + _IN_A_ROW] for place in range(0, len(zones), _IN_A_ROW)]
    return context.edit("letter.zones", keyboard=inline(*rows))


def choose_zone(context: UpdateContext, number: int) -> UpdateResult:
    """Switch letters on: the number holds the character and the zone."""
    character_id, behind = divmod(number, 10_000)
    minutes = behind - _BEHIND
    character = context.db.characters.may_talk(context.user.id, character_id)
    if character is None or minutes not in {*OFFSETS, *(minutes for _, minutes in CITIES)}:
        return context.toast("toast.past")
    letters = context.db.first_letters
    letters.ask(context.user.id, character.id)
    letters.set_zone(context.user.id, minutes)
    off = context.inline(context.button("not_first", f"not_first:{character.id}"))
    return context.edit("letter.on", keyboard=off, name=character.name, zone=name_of(minutes)) + context.track(
        "first_letters_on", zone=minutes
    )


def switch_off(context: UpdateContext, character_id: int) -> UpdateResult:
    """«Не пиши первым»: end the letters of this character; those of another go on."""
    if _of(context, character_id) is not None:
        context.db.first_letters.set_zone(context.user.id, None)
    return context.drop_buttons() + context.toast("toast.not_first")


def _show_on(context: UpdateContext, character: Character, letter: FirstLetter) -> UpdateResult:
    zone = name_of(letter.zone_minutes or 0)
    off = context.button("not_first", f"not_first:{character.id}")
    silent = letter.unanswered >= MOST_UNANSWERED and not context.db.first_letters.is_answered(letter)
    if silent:
        again = context.button("write_first_again", _zone(character.id, letter.zone_minutes or 0))
        return context.say("letter.unanswered", keyboard=inline([again], [off]), name=character.name)
    talk = context.db.talks.last_with(context.chat_id, character.id)
    try:
        context.turns.check(context.user, talk.session_id if talk is not None else None, KIND)
    except LimitReached:
        return context.say("letter.no_tokens", keyboard=context.inline(off), name=character.name)
    return context.say("letter.is_on", keyboard=context.inline(off), name=character.name, zone=zone)


def _of(context: UpdateContext, character_id: int) -> FirstLetter | None:
    """Return the user's wish if it is about this character."""
    letter = context.db.first_letters.get(context.user.id)
    return letter if letter is not None and letter.character_id == character_id else None


def _zone(character_id: int, minutes: int) -> str:
    return f"zone:{character_id * 10_000 + minutes + _BEHIND}"
