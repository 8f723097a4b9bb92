"""«🔊 Голос»: whether the answers of the assistant, or of a character, are read aloud, and in which voice."""

from __future__ import annotations

from dataclasses import replace

from conversation.keyboards import inline
from core.numbers import is_number
from core.schemas import Json
from database import AnswerVoice, Character, Turn
from handlers.balances import price_of
from handlers.context import UpdateContext
from handlers.media import VOICES_SHOWN, name_of_voice
from handlers.refusals import over_limit
from telegram.update_result import UpdateResult
from turns.fitting_voices import voice_for
from turns.kinds.reading import reading_price
from turns.spoken_text import MOST_CHARS

EXAMPLE_CHARS = 500  # of an answer of usual length, whose price is shown


def press(context: UpdateContext, argument: str) -> UpdateResult:
    """Show the screen, or change what its button says: `what:character`, where 0 is the assistant."""
    what, _, number = argument.partition(":")
    if not is_number(number):
        return context.toast("toast.past")
    character = context.db.characters.may_talk(context.user.id, int(number)) if int(number) else None
    if int(number) and character is None:
        return _silence(context, int(number)) if what == "silent" else context.toast("toast.past")
    if what == "show":
        html, keyboard = _screen(context, character)
        return context.send(html, keyboard=keyboard)
    return _change(context, what, character)


def _change(context: UpdateContext, what: str, character: Character | None) -> UpdateResult:
    store, voices = context.db.answer_voices, context.services.voices
    character_id = character.id if character is not None else None
    now = store.get(context.chat_id, character_id)
    if what in ("on", "off"):
        store.put(context.chat_id, character_id, replace(now, aloud=what == "on"))
    elif what in ("reply_on", "reply_off"):
        context.db.users.set_voice_to_voice(context.user.id, what == "reply_on")
        context.reload()
    elif what in voices:
        store.put(context.chat_id, character_id, replace(now, voice=what))
    elif what == "silent":
        return _silence(context, character_id)
    else:
        return context.toast("toast.past")
    html, keyboard = _screen(context, character)
    return context.edit_html(html, keyboard=keyboard) + context.toast("toast.saved")


def _silence(context: UpdateContext, character_id: int | None) -> UpdateResult:
    """«🔇 Без голоса»: read no answer aloud any more, also if the character has been deleted since."""
    store = context.db.answer_voices
    if character_id is None or context.db.characters.get(character_id) is not None:
        store.put(context.chat_id, character_id, replace(store.get(context.chat_id, character_id), aloud=False))
    context.db.users.set_voice_to_voice(context.user.id, False)
    return context.drop_buttons() + context.toast("toast.saved")


def once_more(context: UpdateContext, turn: Turn) -> UpdateResult:
    """Have an answer read after all."""
    talk, answer = context.db.talks.get(turn.session_id), context.db.tree.get(turn.prompt_id)
    if turn.state != "failed" or talk is None or talk.deleted or answer is None:
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    if refusal := over_limit(context, turn.kind, turn.session_id):
        return refusal
    started = context.replying_to(turn.reply_to).start_turn(turn.kind, turn.session_id, turn.prompt_id)
    return context.drop_buttons() + started


def _screen(context: UpdateContext, character: Character | None) -> tuple[str, Json]:
    """Return what is on, what it costs, and the buttons that change it."""
    texts, voices = context.texts, context.services.voices
    character_id = character.id if character is not None else None
    now: AnswerVoice = context.db.answer_voices.get(context.chat_id, character_id)
    voice, number = voice_for(now, character, voices), character_id or 0
    to_voice = context.user.voice_to_voice
    said = texts.say(
        "aloud.screen",
        who=character.name if character is not None else texts.plain("aloud.assistant"),
        always=texts.plain("aloud.yes" if now.aloud else "aloud.no"),
        to_voice=texts.plain("aloud.yes" if to_voice else "aloud.no"),
        voice=name_of_voice(context, voice),
        limit=MOST_CHARS,
        chars=EXAMPLE_CHARS,
        price=price_of(context, reading_price(context.config, "·" * EXAMPLE_CHARS)),
    )
    rows = [
        [context.button("aloud_off" if now.aloud else "aloud_on", f"aloud:{'off' if now.aloud else 'on'}:{number}")],
        [
            context.button(
                "to_voice_off" if to_voice else "to_voice_on",
                f"aloud:{'reply_off' if to_voice else 'reply_on'}:{number}",
            )
        ],
    ]
    offered = [one for one in voices[:VOICES_SHOWN] if one != voice]
    buttons = [(name_of_voice(context, one), f"aloud:{one}:{number}") for one in offered]
    rows += [buttons[start : start + 3] for start in range(0, len(buttons), 3)]
    return said, inline(*rows)
