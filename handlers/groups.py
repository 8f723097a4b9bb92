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
    """The visit of a sender, registered if new; None, and said so, where the bot takes no more users."""

    def __call__(
        self, sender: types.User | None, chat_id: int, message_id: int, reply_to: int | None = None
    ) -> UpdateContext | None: ...


def answer(desk: Services, message: types.Message, arrive: Arrive) -> None:
    """Answers a message of a group that is meant for the bot; everything else isn't its business."""
    if message.migrate_to_chat_id:
        desk.db.talks.move(message.chat.id, message.migrate_to_chat_id)
        return
    text = readable(message.text or message.caption)
    command, words = _command(desk, text)
    if command is None:
        if not (text or message.content_type == "voice") or not _is_meant(desk, message, text):
            return  # a sticker or a picture under an answer asks nothing
        words = _unmentioned(desk, text)
        stops = desk.locales.key_of(words) == "stop"
    else:
        stops = command == "/cancel"
    if command is not None and command not in _ACTIONS and not stops:
        _say(desk, message, _INFORMING.get(command, "group.story"))
    elif message.sender_chat is not None or message.from_user is None:
        _say(desk, message, "group.anonymous")  # in the group's or a channel's name: nobody is there to pay
    elif stops and not _may_stop(desk, message):
        return
    elif (visit := arrive(message.from_user, message.chat.id, message.message_id, message.message_id)) is not None:
        visit.take_reply(message)
        visit.words = words
        if not words and _is_own(desk, message.reply_to_message):
            visit.quoted = ""  # what the bot has said is no question to it
        if message.content_type == "voice":
            _hear(visit, message)
            return
        (story_screen.stop_writing if stops else _ACTIONS.get(command or "", talk))(visit)


def talk(visit: UpdateContext) -> None:
    """A question; while another one is being answered it waits, as those of others do."""
    if not visit.words:
        if not visit.quoted:
            visit.say("group.ask_me", bot=visit.desk.username)
            return
        visit.words, visit.quoted, visit.quoted_id = visit.quoted, "", None  # «@bot», and the question is above
    if visit.writing:
        _queue(visit)
    else:
        assistant.talk(visit)


def _queue(visit: UpdateContext) -> None:
    envelope, db = visit.envelope, visit.desk.db
    if not envelope.queued:
        waiting = db.inbox.queued_in(visit.chat_id)
        if waiting >= story_screen.MOST_QUEUED:
            visit.say("group.busy_full", n=waiting)
            return
        visit.open_talk()
        envelope.queued = visit.words_go_to
    envelope.verdict = "queue"


def _hear(visit: UpdateContext, message: types.Message) -> None:
    """A voice message that replies to the bot: its words come back as a question, in its place."""
    if visit.writing:
        _queue(visit)
    else:
        voice.hear(visit, message.json)


def _forget(visit: UpdateContext) -> None:
    if visit.writing:
        visit.say("group.busy")
    else:
        assistant.forget(visit)


def _may_stop(desk: Services, message: types.Message) -> bool:
    """Whether the running answer is for whoever wants it stopped; says so where not."""
    turn = desk.turns.open_in(message.chat.id)
    if turn is not None and message.from_user is not None and turn.user_id == message.from_user.id:
        return True
    _say(desk, message, "group.nothing_to_stop" if turn is None else "group.not_yours")
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


def _say(desk: Services, message: types.Message, key: str) -> None:
    """A sentence of the locales as a reply, in the sender's language."""
    sender = message.from_user
    known = desk.db.users.get(sender.id) if sender is not None else None
    code = sender.language_code if sender is not None else None
    texts = desk.locales[known.language if known is not None else desk.locales.language_of(code)]
    params: dict[str, Json] = {
        "text": texts.say(key, link=f"https://t.me/{desk.username}?start=new", bot=desk.username),
        "parse_mode": "HTML",
        "reply_parameters": {"message_id": message.message_id},
    }
    desk.intake.envelope.send(Outgoing(message.chat.id, "sendMessage", params))


def _command(desk: Services, text: str) -> tuple[str | None, str]:
    """A command that is for this bot, and the text with it; None where it is none, or another bot's."""
    first_word = next(iter(text.split(maxsplit=1)), "")
    rest = text[len(first_word) :].strip()
    command, _, addressee = first_word.lower().partition("@")
    if not command.startswith("/") or (addressee and addressee != desk.username.lower()):
        return None, ""
    if command in COMMANDS - ADMIN_COMMANDS:
        return command, f"{command} {rest}".strip()
    return (UNKNOWN, "") if addressee else (None, "")


def _is_meant(desk: Services, message: types.Message, text: str) -> bool:
    """Whether a message mentions the bot, or replies to one of its own."""
    if text.startswith("/"):
        return False  # a command of another bot
    if not desk.username:
        return False
    return _is_own(desk, message.reply_to_message) or _mention(desk).search(text) is not None


def _is_own(desk: Services, message: types.Message | None) -> bool:
    """Whether the bot itself has said this."""
    author = message.from_user if message is not None else None
    return author is not None and author.is_bot and str(author.username or "").lower() == desk.username.lower()


def _unmentioned(desk: Services, text: str) -> str:
    """The words without the bot's name, wherever it stood."""
    return re.sub(r"[^\S\n]{2,}", " ", _mention(desk).sub(" ", text)).strip(" ,:\n")


def _mention(desk: Services) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)@{re.escape(desk.username)}\b[,:]?", re.IGNORECASE)
