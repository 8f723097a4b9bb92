"""Groups: the assistant replies to messages that mention it, reply to it, or give it a command.

A group has its own talk and its own role; whoever asks pays from their own balance. There are no steps, no reply
keyboards and no drafts. A group may write a story together (`group_story.py`): a reply to its last part continues it.
Notices are for the eyes of who asked, where the Bot API server can do that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from telebot import types

from conversation.steps import ADMIN_COMMANDS, COMMANDS, SHELF_COMMANDS, SHOP_COMMANDS
from core.network import without_login
from core.schemas import Json, Outgoing
from handlers import (
    assistant,
    files,
    group_moves,
    group_story,
    group_votes,
    pieces,
    profile_card,
    roles,
    sessions,
    voice,
)
from handlers import story as story_screen
from handlers.admission import admit
from handlers.context import Services, UpdateContext, now
from handlers.group_context import to_sender, wait
from handlers.inline_mode import is_own_card
from handlers.input_text import is_mentioned, readable, without_mention
from handlers.user_message import UserMessage, user_message
from telegram.newer_fields import EPHEMERAL_ONLY, EPHEMERAL_SHOWN
from telegram.update_result import NOTHING, IncomingUpdate, UpdateResult
from turns.message_view import as_reply, only_for

Action = Callable[[UpdateContext], UpdateResult]


def on_message(services: Services, incoming: IncomingUpdate, message: types.Message) -> UpdateResult:
    """Answer a message of a group that is meant for the bot; ignore every other one."""
    if message.migrate_to_chat_id:
        services.db.talks.move(message.chat.id, message.migrate_to_chat_id)
        # The bot may be told first that it is no member of the old group any more.
        services.db.group_stories.come_back(message.migrate_to_chat_id)
        services.db.settings.put(_greeted(message.migrate_to_chat_id), "1")
        return NOTHING
    if message.is_automatic_forward or _is_other_bot(message) or is_own_card(services, message):
        return NOTHING  # a channel's post asks nothing; two bots would answer each other for ever
    text = readable(message.text or message.caption)
    command, words = _command(services, text)
    if command is None:
        if not (text or message.content_type == "voice") or not _is_meant(services, message, text):
            # A sticker or a picture under an answer asks nothing.
            return _late_piece(services, incoming, message, text) if text else NOTHING
        words = without_mention(text, services.username)
        stops = services.locales.key_of(words) == "stop"
    else:
        stops = command == "/cancel"
    open_story = services.db.stories.open_in(message.chat.id, incoming.topic_id)
    actions = _ACTIONS if open_story is None else {**_ACTIONS, **_OF_THE_STORY}
    if command is not None and command not in actions and not stops:
        return _say(services, message, _INFORMING.get(command, "group.story"))
    if message.sender_chat is not None or message.from_user is None:
        return _say(services, message, "group.anonymous")  # in a group's or a channel's name: nobody is there to pay
    if stops and (refusal := _may_not_stop(services, incoming, message)):
        return refusal
    if command is None and _continues_story(services, incoming, message, text):
        actions = {"": group_story.take_words}
    action = story_screen.stop_writing if stops else actions.get(command or "", talk)
    if message.content_type == "voice":
        action = partial(_hear, message)
    return admit(services, incoming, message.from_user, _said(services, message, words), action)


def _continues_story(services: Services, incoming: IncomingUpdate, message: types.Message, text: str) -> bool:
    """Whether a reply to a part is words for the story. With the bot's name it is a question to the assistant."""
    named = is_mentioned(text, services.username)
    return not named and group_story.continues_story(services, message, incoming.topic_id)


def _late_piece(services: Services, incoming: IncomingUpdate, message: types.Message, text: str) -> UpdateResult:
    """Ask a piece of a question together with what its sender has asked just now; ignore everything else."""
    if not pieces.is_late(services, incoming, message):
        return NOTHING

    def ask(context: UpdateContext) -> UpdateResult:
        late = pieces.take_up(context, message)
        return late[1] + talk(late[0]) if late is not None else NOTHING

    return admit(services, incoming, message.from_user, user_message(message, text), ask)


def greet(services: Services, change: types.ChatMemberUpdated) -> UpdateResult:
    """Say in a group that has added the bot how to call it: once, in the language of who added it.

    A group's stories go with the bot that leaves it, and come back with it within a day.
    """
    if change.new_chat_member.status in _OUTSIDE:
        services.db.group_stories.leave(change.chat.id, now())
    came = change.old_chat_member.status in _OUTSIDE and change.new_chat_member.status in _INSIDE
    if came:
        services.db.group_stories.come_back(change.chat.id)
    greeted = _greeted(change.chat.id)
    if not came or services.db.settings.get(greeted) is not None:
        return NOTHING
    services.db.settings.put(greeted, "1")
    return _message(services, change.chat.id, change.from_user, "group.hello")


def _greeted(chat_id: int) -> str:
    """Return the name of the setting that a group has been greeted."""
    return f"greeted_{chat_id}"


def _said(services: Services, message: types.Message, words: str) -> UserMessage:
    said = user_message(message, words, reply_to=message.message_id)
    if not words and _is_own(services, message.reply_to_message):
        return replace(said, quote=None)  # a message of the bot's own is no question
    return said


def talk(context: UpdateContext) -> UpdateResult:
    """Answer a question. It waits while the model writes, as the questions of others do."""
    attachments = context.message.attachments
    if attachments.unread and not attachments.files:
        return context.say(f"unread.{attachments.unread}")
    if not context.words and not files.asked_about(context):
        quote = context.message.quote
        if quote is None or not quote.text:
            return to_sender(context, context.say("group.ask_me", bot=context.services.username))
        context = context.with_words(quote.text)  # «@bot» as a reply: the question is above
    return _queue(context) if context.writing else assistant.talk(context)


def _queue(context: UpdateContext) -> UpdateResult:
    return wait(context, lambda: context.open_talk().session_id)


def _hear(message: types.Message, context: UpdateContext) -> UpdateResult:
    """Have a voice message that replies to the bot recognised: its words come back as a question, in its place."""
    return _queue(context) if context.writing else voice.hear(context, message.json)


def _balance(context: UpdateContext) -> UpdateResult:
    """/balance: what its sender alone sees. A server that may show it to the group gets the way to the private chat.

    Whether the server shows a message to one user is known once it has shown one.
    """
    services = context.services
    if services.db.settings.get(EPHEMERAL_SHOWN) != without_login(services.config.telegram_api_url):
        link = f"https://t.me/{services.username}?start=new"
        return to_sender(context, context.say("group.in_private", link=link, bot=services.username))
    hidden = to_sender(context, profile_card.show_balance(context))
    messages = (replace(message, params={**message.params, EPHEMERAL_ONLY: True}) for message in hidden.messages)
    return replace(hidden, messages=tuple(messages))


def _tokens(context: UpdateContext) -> UpdateResult:
    return to_sender(context, sessions.tokens(context))


def _forget(context: UpdateContext) -> UpdateResult:
    return to_sender(context, context.say("group.busy")) if context.writing else assistant.forget(context)


def _may_not_stop(services: Services, incoming: IncomingUpdate, message: types.Message) -> UpdateResult | None:
    """Return a refusal unless the running answer is for the sender."""
    turn = services.turns.open_in(message.chat.id, incoming.topic_id)
    if turn is not None and message.from_user is not None and turn.user_id == message.from_user.id:
        return None
    return _say(services, message, "group.nothing_to_stop" if turn is None else "group.not_yours")


UNKNOWN: Final = "unknown"
_OUTSIDE: Final = frozenset({"left", "kicked"})
_INSIDE: Final = frozenset({"member", "administrator"})  # a restricted member may not be allowed to write
# What a command of a registered user does in a group.
_ACTIONS: Mapping[str, Action] = {
    "/clear": _forget,
    "/t": _tokens,
    "/prompt": roles.prompt,
    "/system": roles.prompt,
    "/modes": roles.modes,
    "/balance": _balance,
    "/story": group_story.begin,
}
# Of these too, once the group's topic has a story.
_OF_THE_STORY: Mapping[str, Action] = {
    "/stories": group_story.shelf,
    "/continue": group_moves.show_story,
    "/whole_story": group_moves.read_open,
    "/end_story": group_votes.end_story,
}
# These only say something and register nobody. Commands that are in neither table are a story's.
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
    "/stats": "group.in_private",
    "/info": "group.in_private",
    "/terms": "group.in_private",
    "/paysupport": "group.in_private",
    "/my_data": "group.in_private",
    "/forget_me": "group.in_private",
}


def _say(services: Services, message: types.Message, key: str) -> UpdateResult:
    """Reply with a sentence of the locales, in the sender's language."""
    return _message(services, message.chat.id, message.from_user, key, reply_to=message.message_id)


def _message(
    services: Services, chat_id: int, sender: types.User | None, key: str, *, reply_to: int | None = None
) -> UpdateResult:
    """Return a sentence of the locales in a user's language, registered or not."""
    known = services.db.users.get(sender.id) if sender is not None else None
    code = sender.language_code if sender is not None else None
    texts = services.locales[known.language if known is not None else services.locales.language_of(code)]
    params: dict[str, Json] = {
        "text": texts.say(key, link=f"https://t.me/{services.username}?start=new", bot=services.username),
        "parse_mode": "HTML",
    }
    said = as_reply(Outgoing(chat_id, "sendMessage", params), reply_to)
    noticed = sender is not None and reply_to is not None and not sender.is_bot
    return UpdateResult(messages=(only_for(said, sender.id) if sender is not None and noticed else said,))


def _command(services: Services, text: str) -> tuple[str | None, str]:
    """Return a command for this bot and the text with it; None if it is no command, or another bot's."""
    first_word = next(iter(text.split(maxsplit=1)), "")
    rest = text[len(first_word) :].strip()
    command, _, addressee = first_word.lower().partition("@")
    if not command.startswith("/") or (addressee and addressee != services.username.lower()):
        return None, ""
    sold = frozenset() if services.config.packs else SHOP_COMMANDS
    shelf = frozenset() if services.config.shelf == "on" else SHELF_COMMANDS
    if command in COMMANDS - ADMIN_COMMANDS - sold - shelf:
        return command, f"{command} {rest}".strip()
    return (UNKNOWN, "") if addressee else (None, "")


def _is_meant(services: Services, message: types.Message, text: str) -> bool:
    """Whether a message mentions the bot, or replies to one of its own."""
    if text.startswith("/"):
        return False  # a command of another bot
    if not services.username:
        return False
    return _is_own(services, message.reply_to_message) or is_mentioned(text, services.username)


def _is_other_bot(message: types.Message) -> bool:
    """Whether a bot has written this. What is sent in a group's or a channel's name has a bot for a sender too."""
    return message.from_user is not None and message.from_user.is_bot and message.sender_chat is None


def _is_own(services: Services, message: types.Message | None) -> bool:
    """Whether the bot itself has said this."""
    author = message.from_user if message is not None else None
    return author is not None and author.is_bot and str(author.username or "").lower() == services.username.lower()
