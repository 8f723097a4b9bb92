"""Groups: the assistant answers there when it is mentioned, replied to, or commanded, as a reply to that message.

A group has its own talk and its own role; who asks pays from their own balance. There are no steps, no reply keyboards
and no drafts. Stories are written in private, so their commands answer with the way there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from telebot import types

from conversation.states import ADMIN_COMMANDS, COMMANDS
from core.schemas import Json, Outgoing
from handlers import assistant, roles, sessions, voice
from handlers import story as story_screen
from handlers.context import Services, UpdateContext
from handlers.input_text import readable


class Arrive(Protocol):
    """The context of a sender, registered if new; None, and said so, where the bot takes no more users."""

    def __call__(
        self, sender: types.User | None, chat_id: int, message_id: int, reply_to: int | None = None
    ) -> UpdateContext | None: ...


def answer(services: Services, message: types.Message, arrive: Arrive) -> None:
    """Answers a message of a group that is meant for the bot; everything else isn't its business."""
    if message.migrate_to_chat_id:
        services.db.talks.move(message.chat.id, message.migrate_to_chat_id)
        return
    text = readable(message.text or message.caption)
    command, words = _command(services, text)
    if command is None:
        if not (text or message.content_type == "voice") or not _is_meant(services, message, text):
            return  # a sticker or a picture under an answer asks nothing
        words = _unmentioned(services, text)
        stops = services.locales.key_of(words) == "stop"
    else:
        stops = command == "/cancel"
    if command is not None and command not in _ACTIONS and not stops:
        _say(services, message, _INFORMING.get(command, "group.story"))
    elif message.sender_chat is not None or message.from_user is None:
        _say(services, message, "group.anonymous")  # in the group's or a channel's name: nobody is there to pay
    elif stops and not _may_stop(services, message):
        return
    elif (context := arrive(message.from_user, message.chat.id, message.message_id, message.message_id)) is not None:
        context.take_reply(message)
        context.words = words
        if not words and _is_own(services, message.reply_to_message):
            context.quoted = ""  # what the bot has said is no question to it
        if message.content_type == "voice":
            _hear(context, message)
            return
        (story_screen.stop_writing if stops else _ACTIONS.get(command or "", talk))(context)


def talk(context: UpdateContext) -> None:
    """A question; while another one is being answered it waits, as those of others do."""
    if not context.words:
        if not context.quoted:
            context.say("group.ask_me", bot=context.services.username)
            return
        context.words, context.quoted, context.quoted_id = context.quoted, "", None  # «@bot», and the question is above
    if context.writing:
        _queue(context)
    else:
        assistant.talk(context)


def _queue(context: UpdateContext) -> None:
    result, db = context.result, context.services.db
    if not result.queued:
        waiting = db.inbox.queued_in(context.chat_id)
        if waiting >= story_screen.MOST_QUEUED:
            context.say("group.busy_full", n=waiting)
            return
        context.open_talk()
        result.queued = context.words_go_to
    result.verdict = "queue"


def _hear(context: UpdateContext, message: types.Message) -> None:
    """A voice message that replies to the bot: its words come back as a question, in its place."""
    if context.writing:
        _queue(context)
    else:
        voice.hear(context, message.json)


def _forget(context: UpdateContext) -> None:
    if context.writing:
        context.say("group.busy")
    else:
        assistant.forget(context)


def _may_stop(services: Services, message: types.Message) -> bool:
    """Whether the running answer is for whoever wants it stopped; says so where not."""
    turn = services.turns.open_in(message.chat.id)
    if turn is not None and message.from_user is not None and turn.user_id == message.from_user.id:
        return True
    _say(services, message, "group.nothing_to_stop" if turn is None else "group.not_yours")
    return False


UNKNOWN: Final = "unknown"
# What a command of a registered user does in a group.
_ACTIONS: Mapping[str, Callable[[UpdateContext], None]] = {
    "/clear": _forget,
    "/t": sessions.tokens,
    "/prompt": roles.prompt,
    "/system": roles.prompt,
    "/modes": roles.modes,
}
# What is only said, and registers nobody; the commands that stand nowhere here are a story's.
_INFORMING: Mapping[str, str] = {
    UNKNOWN: "group.unknown",
    "/start": "help.group",
    "/help": "help.group",
    "/chat": "group.ask_me",
    "/image": "group.in_private",
    "/characters": "group.in_private",
    "/menu": "group.in_private",
    "/sessions": "group.in_private",
    "/language": "group.in_private",
    "/model": "group.in_private",
    "/balance": "group.in_private",
    "/stats": "group.in_private",
    "/info": "group.in_private",
    "/my_data": "group.in_private",
    "/forget_me": "group.in_private",
}


def _say(services: Services, message: types.Message, key: str) -> None:
    """A sentence of the locales as a reply, in the sender's language."""
    sender = message.from_user
    known = services.db.users.get(sender.id) if sender is not None else None
    code = sender.language_code if sender is not None else None
    texts = services.locales[known.language if known is not None else services.locales.language_of(code)]
    params: dict[str, Json] = {
        "text": texts.say(key, link=f"https://t.me/{services.username}?start=new", bot=services.username),
        "parse_mode": "HTML",
        "reply_parameters": {"message_id": message.message_id},
    }
    services.intake.result.send(Outgoing(message.chat.id, "sendMessage", params))


def _command(services: Services, text: str) -> tuple[str | None, str]:
    """A command that is for this bot, and the text with it; None where it is none, or another bot's."""
    first_word = next(iter(text.split(maxsplit=1)), "")
    rest = text[len(first_word) :].strip()
    command, _, addressee = first_word.lower().partition("@")
    if not command.startswith("/") or (addressee and addressee != services.username.lower()):
        return None, ""
    if command in COMMANDS - ADMIN_COMMANDS:
        return command, f"{command} {rest}".strip()
    return (UNKNOWN, "") if addressee else (None, "")


def _is_meant(services: Services, message: types.Message, text: str) -> bool:
    """Whether a message mentions the bot, or replies to one of its own."""
    if text.startswith("/"):
        return False  # a command of another bot
    if not services.username:
        return False
    return _is_own(services, message.reply_to_message) or _mention(services).search(text) is not None


def _is_own(services: Services, message: types.Message | None) -> bool:
    """Whether the bot itself has said this."""
    author = message.from_user if message is not None else None
    return author is not None and author.is_bot and str(author.username or "").lower() == services.username.lower()


def _unmentioned(services: Services, text: str) -> str:
    """The words without the bot's name, wherever it stood."""
    return re.sub(r"[^\S\n]{2,}", " ", _mention(services).sub(" ", text)).strip(" ,:\n")


def _mention(services: Services) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)@{re.escape(services.username)}\b[,:]?", re.IGNORECASE)
