"""Guest mode: a character answers where the bot is called by its @name, in a chat that it is no member of.

The bot gets that one message and what it replies to. Each character remembers each chat by itself; whoever calls pays.
Telegram takes one answer to a call, which is given at once and changed when the model has answered.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from telebot import types

from conversation.addressing import addressed
from conversation.localization import Html
from core.errors import LimitReached
from core.schemas import Outgoing
from core.text import shorten
from database import Character, Talk
from handlers.admission import admit
from handlers.context import Services, UpdateContext, now, stop_turn
from handlers.input_text import readable, without_mention
from handlers.refusals import over_prompt
from handlers.story import MOST_QUEUED
from handlers.user_message import UserMessage, user_message
from telegram.attachments import NO_FILES
from telegram.update_result import NOTHING, Done, IncomingUpdate, UpdateResult
from turns import guest_answers
from turns.message_view import sentence

KIND: Final = "guest"
LATE_S: Final = 300  # Telegram takes no answer any more
QUOTE_CHARS: Final = 1_500  # of the message that a call replies to


def on_guest_message(services: Services, incoming: IncomingUpdate, message: types.Message) -> UpdateResult:
    """Answer a call into a chat that the bot is no member of."""
    query_id = str(message.json["guest_query_id"])
    sender = message.from_user
    late = not incoming.queued_for and now() - message.date > LATE_S
    if late or sender is None or (services.config.guests == "off" and not incoming.queued_for):
        return NOTHING
    if services.config.guests == "off":
        said = NOTHING
    elif message.sender_chat is not None:
        texts = services.locales[services.locales.language_of(sender.language_code)]
        said = UpdateResult(messages=(sentence(incoming.chat_id, texts.say("group.anonymous")),))
    else:
        said = admit(services, incoming, sender, _called_with(services, incoming, message), _answer)
    if incoming.queued_for and not said.messages and isinstance(said.disposition, Done):  # its message says to wait
        texts = services.locales[services.locales.language_of(sender.language_code)]
        said += UpdateResult(messages=(sentence(incoming.chat_id, texts.say("guest.gave_up")),))
    return _as_answer(services, incoming, query_id, said)


def _called_with(services: Services, incoming: IncomingUpdate, message: types.Message) -> UserMessage:
    """Return the words of a call without the bot's name. Files aren't looked at."""
    text = readable(message.text or message.caption)
    said = user_message(message, without_mention(text, services.username))
    quote = said.quote
    replied = message.reply_to_message
    own = replied is not None and replied.from_user is not None and replied.from_user.is_bot
    if quote is not None and own and not quote.marked:
        quote = None  # the talk remembers what the character has said
    return replace(said, chat_id=incoming.chat_id, quote=quote, attachments=NO_FILES, pieces=())


def _as_answer(services: Services, incoming: IncomingUpdate, query_id: str, result: UpdateResult) -> UpdateResult:
    """Turn the first message for the chat into the answer to the query, and drop the others: no more is taken."""
    answers = [message for message in result.messages if message.chat_id == incoming.chat_id]
    others = [message for message in result.messages if message.chat_id != incoming.chat_id]
    shown: list[Outgoing] = [message for message in answers if message.method != "sendMessage"]
    text = next((str(message.params["text"]) for message in answers if message.method == "sendMessage"), "")
    if text and incoming.queued_for:
        shown.append(guest_answers.changed(incoming.chat_id, incoming.inbox_id, Html(text)))
    elif text:
        title = services.username or "…"
        shown.append(guest_answers.posted(incoming.chat_id, query_id, text, title))
    return replace(result, messages=(*shown, *others))


# ---------------------------------------------------------------------- what a call asks for


def _answer(context: UpdateContext) -> UpdateResult:
    if context.services.locales.key_of(context.words) == "stop":
        return _stop(context)
    if _is_forgetting(context):
        return _forget(context)
    character, words = _choose(context)
    if character is None:
        return context.say("guest.nobody", bot=context.services.username)
    quote = context.message.quote
    if not words and (quote is None or not quote.text):
        return context.say("guest.ask_me", name=character.name, bot=context.services.username)
    if not words:
        context = replace(context, message=replace(context.message, quote=None))
        words = quote.text if quote is not None else ""
    context.message = replace(context.message, words=words)
    if over_prompt(context):
        return context.say("guest.too_long", name=character.name)
    return _queue(context, character) if context.writing else _ask(context, character)


def _choose(context: UpdateContext) -> tuple[Character | None, str]:
    """Return who is called, and the words without the name.

    By name; else the one that the caller talks to in private; else whoever answered last in the chat.
    """
    characters, user = context.db.characters, context.user
    chosen = characters.chosen(user.id)
    offered = characters.offered(user.id, user.language)
    known = [chosen, *offered] if chosen is not None else offered
    place, words = addressed(context.words, [one.name for one in known])
    if place is not None:
        return known[place], words
    last_id = context.db.guests.last_character(context.chat_id)
    last = characters.may_talk(user.id, last_id) if last_id is not None else None
    return chosen or last or next(iter(offered), None), words


def _ask(context: UpdateContext, character: Character) -> UpdateResult:
    """Put the words into the character's memory of the chat and ask for the answer."""
    db, talk = context.db, _talk_with(context, character)
    try:
        context.turns.check(context.user, talk.session_id, KIND)
    except LimitReached as limit:
        said = context.kinds[KIND].limit_message(context.user.id, context.chat_id, talk.session_id, limit)
        private = NOTHING if context.user.blocked else context.deliver(said)
        return context.say("guest.silent", name=character.name) + private
    quote = context.message.quote
    quoted = shorten(quote.text, QUOTE_CHARS) if quote is not None and quote.text else ""
    prompt_id = db.tree.add(
        talk.session_id,
        talk.head_id,
        context.user.id,
        "user",
        context.words,
        now=now(),
        kind="character",
        quoted=quoted,
    )
    waits = NOTHING if context.update.queued_for else context.say("guest.thinking", name=character.name)
    return waits + context.start_turn(KIND, talk.session_id, prompt_id)


def _queue(context: UpdateContext, character: Character) -> UpdateResult:
    """Let the call wait for the running answer; its message says so at once."""
    if context.update.queued_for:
        return context.queue(context.update.queued_for)
    if context.db.inbox.queued_in(context.chat_id) >= MOST_QUEUED:
        return context.say("guest.busy", name=character.name)
    talk = _talk_with(context, character)
    return context.say("guest.thinking", name=character.name) + context.queue(talk.session_id)


def _talk_with(context: UpdateContext, character: Character) -> Talk:
    """Return what the character remembers of this chat; begin it if there is nothing."""
    talks, chat_id = context.db.talks, context.chat_id
    talk = talks.open_in(chat_id, kind="character", character_id=character.id)
    if talk is None:
        made = talks.create(context.user.id, chat_id, now(), kind="character", character_id=character.id)
        talk = talks.get(made)
    assert talk is not None
    return talk


def _stop(context: UpdateContext) -> UpdateResult:
    """Stop the answer that the caller waits for; nobody else may."""
    turn = context.turns.open_in(context.chat_id, 0)
    if turn is None or turn.user_id != context.user.id:
        return context.say("group.nothing_to_stop" if turn is None else "group.not_yours")
    return stop_turn(context.turns, turn) + context.say("guest.stopping")


def _is_forgetting(context: UpdateContext) -> bool:
    words = context.words.casefold().strip(" .!")
    said = {context.services.locales[language].plain("guest.forget") for language in context.services.locales}
    return words in {"/clear", *said} or context.services.locales.key_of(words) == "forget_chat"


def _forget(context: UpdateContext) -> UpdateResult:
    """Delete what every character remembers of this chat."""
    if context.writing:
        return context.say("group.busy")
    talks = context.db.guests.talks_in(context.chat_id)
    for session_id in talks:
        context.db.talks.forget(session_id)
    return context.say("guest.forgotten" if talks else "guest.nothing_to_forget")
