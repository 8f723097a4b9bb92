"""Groups: stories are written in private, so a command here answers with the way there. No reply keyboards."""

from __future__ import annotations

from telebot import types

from handlers.visit import Desk
from intake import Envelope
from messages import Json, Outgoing
from story import ADMIN_COMMANDS, COMMANDS

STORY_COMMANDS = COMMANDS - ADMIN_COMMANDS - {"/help", "/start"}


def answer(desk: Desk, envelope: Envelope, message: types.Message) -> None:
    """Answers a command as a reply to its message; everything else in a group isn't for the bot."""
    first_word = next(iter((message.text or "").split()), "")
    command, _, addressee = first_word.lower().partition("@")
    if not command.startswith("/") or (addressee and addressee != desk.username.lower()):
        return
    texts = desk.locales[desk.locales.language_of(message.from_user.language_code if message.from_user else None)]
    link = f"https://t.me/{desk.username}?start=new"
    if command in STORY_COMMANDS:
        text = texts.say("group.story", link=link)
    elif command in ("/help", "/start"):
        text = texts.say("help.group", link=link)
    elif addressee:
        text = texts.say("group.unknown", link=link)
    else:
        return  # a command of another bot in this group
    params: dict[str, Json] = {
        "text": text,
        "parse_mode": "HTML",
        "reply_parameters": {"message_id": message.message_id, "allow_sending_without_reply": True},
    }
    envelope.send(Outgoing(message.chat.id, "sendMessage", params))
