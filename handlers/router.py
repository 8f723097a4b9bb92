"""Reads an update, looks its key up in the table of steps, and runs the action that answers it.

Which action answers which key at which step is in `conversation.states.TABLE`; what each does, in `actions`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

from telebot import TeleBot, types

from conversation.states import accepted, decide
from conversation.steps import (
    ADMIN_COMMANDS,
    COMMANDS,
    FILE,
    ONLY_THERE,
    OTHER_CONTENT,
    SHOP_COMMANDS,
    TALKING,
    UNKNOWN_COMMAND,
    WORDS,
    Step,
)
from core.schemas import Json, Outgoing
from database import REFUSED
from handlers import (
    access_requests,
    account,
    assistant,
    characters,
    checkout,
    fallback,
    file_choices,
    groups,
    guests,
    inline_mode,
    kept_words,
    older_parts,
    pieces,
    privacy,
    reactions,
    rewriting,
    voice,
)
from handlers import buttons as button_rows
from handlers import story as story_screen
from handlers.actions import ACTIONS, INFORMING, OVERTAKING
from handlers.admission import admit, press_refusal
from handlers.context import Services, UpdateContext, stop_turn
from handlers.input_text import readable, start_parameter
from handlers.user_message import UserMessage, user_message, words_of
from telegram.update_fields import CONTENT, OTHER
from telegram.update_result import NOTHING, IncomingUpdate, Queued, UpdateResult
from turns import work_notices

GROUPS = ["group", "supergroup"]
PAYMENTS = ["successful_payment", "refunded_payment"]
_ALL_CONTENT = ["text", *CONTENT, OTHER, "migrate_to_chat_id"]
_Content = TypeVar("_Content")
_Handler = Callable[[Services, IncomingUpdate, _Content], UpdateResult]


class _Current(threading.local):
    """The update that a thread handles, and its result so far: telebot drops what handlers return."""

    incoming: IncomingUpdate
    result: UpdateResult


class Router:
    """Runs the handlers that are registered on the bot, and hands their result to the dispatcher."""

    def __init__(self, bot: TeleBot, services: Services) -> None:
        self._bot = bot
        self._services = services
        self._current = _Current()
        returning = self._returning
        bot.register_message_handler(returning(checkout.on_payment), content_types=PAYMENTS)
        bot.register_message_handler(returning(on_private_message), content_types=_ALL_CONTENT, chat_types=["private"])
        bot.register_message_handler(returning(groups.on_message), content_types=_ALL_CONTENT, chat_types=GROUPS)
        bot.register_edited_message_handler(
            returning(on_edited_message), content_types=_ALL_CONTENT, chat_types=["private"]
        )
        bot.register_guest_message_handler(returning(guests.on_guest_message), func=lambda message: True)
        bot.register_callback_query_handler(returning(on_button), func=lambda query: True)
        bot.register_stopped_message_generation_handler(returning(on_stopped))
        bot.register_message_reaction_handler(returning(reactions.on_reaction), func=lambda reaction: True)
        bot.register_my_chat_member_handler(returning(on_membership))
        bot.register_pre_checkout_query_handler(returning(checkout.on_pre_checkout), func=lambda query: True)
        bot.register_subscription_handler(returning(checkout.on_subscription))
        bot.register_inline_handler(returning(inline_mode.on_query), func=lambda query: True)
        bot.register_chosen_inline_handler(returning(inline_mode.on_chosen), func=lambda chosen: True)

    def handle(self, update: types.Update, incoming: IncomingUpdate) -> UpdateResult:
        """Return what is to happen to an update. Runs in its transaction."""
        self._current.incoming, self._current.result = incoming, NOTHING
        self._bot.process_new_updates([update])
        result = self._current.result
        if not incoming.queued_for or isinstance(result.disposition, Queued):
            return result
        waited = work_notices.deletion(self._services.db, incoming.chat_id, incoming.inbox_id)
        return UpdateResult(messages=tuple(waited)) + result

    def _returning(self, handler: _Handler[_Content]) -> Callable[[_Content], None]:
        """Wrap a handler for telebot: what it returns is added to the current result."""

        def call(content: _Content) -> None:
            current = self._current
            current.result += handler(self._services, current.incoming, content)

        return call


# ---------------------------------------------------------------------- kinds of update


def on_private_message(services: Services, incoming: IncomingUpdate, message: types.Message) -> UpdateResult:
    """Answer a message in a private chat."""
    if inline_mode.is_own_card(services, message):
        return NOTHING
    command = readable(message.text).lower()
    asks = command in privacy.COMMANDS or (command in SHOP_COMMANDS and bool(services.config.packs))
    return admit(
        services,
        incoming,
        message.from_user,
        user_message(message, words_of(message)),
        partial(_answer, message),
        banned_too=asks,
    )


def _answer(message: types.Message, context: UpdateContext) -> UpdateResult:
    if message.web_app_data is not None:
        return characters.from_page(context, message.web_app_data.data)
    _read(context)
    welcome = account.first_words(context) if context.first and context.key != "/start" else NOTHING
    if context.key in (WORDS, FILE, OTHER_CONTENT) and context.step in TALKING | {Step.STORY}:
        late = pieces.take_up(context, message)
        if late is not None:
            return late[1] + _dispatch(late[0])
    if context.message.content_type == "voice":
        return welcome + voice.hear(context, message.json)
    if voice.stops(context):
        return welcome + story_screen.stop_writing(context)
    if voice.waits(context, OVERTAKING):
        return welcome + voice.wait(context)
    return welcome + _dispatch(context)


def on_edited_message(services: Services, incoming: IncomingUpdate, message: types.Message) -> UpdateResult:
    """Answer an edited message: refused words are tried again, what has become story stays as it is."""
    sent = user_message(message, words_of(message))
    return admit(services, incoming, message.from_user, sent, _answer_edited)


def _answer_edited(context: UpdateContext) -> UpdateResult:
    _read(context)
    steps = {WORDS: TALKING | {Step.STORY, Step.FINISHED}, FILE: TALKING}
    if context.step not in steps.get(context.key, ()):
        return NOTHING
    if context.writing:
        return fallback.edited(context) if context.step in TALKING else story_screen.busy_writing(context)
    db = context.db
    prompt_id = db.outbox.shown(context.chat_id, context.message_id)
    if prompt_id is None:
        return fallback.edited(context)
    context = pieces.with_the_rest(context, prompt_id)
    if context.step is not Step.FINISHED and (prompt_id == REFUSED or db.turns.failed_under(prompt_id)):
        return _dispatch(context)
    rewritten = _REWRITERS.get(context.step, assistant.rewrite_words)(context, prompt_id)
    return fallback.edited(context) if rewritten is None else rewritten


# What becomes of edited words, by step; in the chat and with a character, the question is asked again.
_REWRITERS: Mapping[Step, Callable[[UpdateContext, int], UpdateResult | None]] = {
    Step.STORY: rewriting.rewrite_words,
    Step.FINISHED: older_parts.ask_about_edit,
}


def on_button(services: Services, incoming: IncomingUpdate, query: types.CallbackQuery) -> UpdateResult:
    """Answer the press of a button under a message: always with a pop-up, which may be empty."""
    result = _press(services, incoming, query)
    params: dict[str, Json] = {"callback_query_id": query.id}
    if result.toast:
        params["text"] = result.toast
    return UpdateResult(messages=(Outgoing(incoming.chat_id, "answerCallbackQuery", params),)) + result


def _press(services: Services, incoming: IncomingUpdate, query: types.CallbackQuery) -> UpdateResult:
    message, data = query.message, query.data or ""
    if message is None or message.chat.type not in ("private", *GROUPS):
        return NOTHING
    refusal = press_refusal(services, query.from_user) if message.chat.type in GROUPS else ""
    if refusal:
        return UpdateResult(toast=refusal)
    asks = data == access_requests.ASK_FOR_ACCESS or data.startswith(privacy.BUTTON)
    return admit(
        services,
        incoming,
        query.from_user,
        UserMessage(message.chat.id, message.message_id),
        lambda context: button_rows.press(context, data),
        banned_too=asks,
    )


def on_stopped(services: Services, incoming: IncomingUpdate, stopped: types.MessageGenerationStopped) -> UpdateResult:
    """Stop the turn whose growing answer was stopped; a late press names an older turn and does nothing."""
    turn = services.turns.open_in(stopped.chat.id, incoming.topic_id)
    return stop_turn(services.turns, turn) if turn is not None and turn.id == stopped.draft_id else NOTHING


def on_membership(services: Services, incoming: IncomingUpdate, change: types.ChatMemberUpdated) -> UpdateResult:
    """Note that a user has blocked the bot, or come back; greet a group that has added it."""
    if change.chat.type == "private":
        services.db.users.set_blocked(change.chat.id, change.new_chat_member.status == "kicked")
    return groups.greet(services, change) if change.chat.type in GROUPS else NOTHING


# ---------------------------------------------------------------------- what a message means


def _read(context: UpdateContext) -> None:
    """Name what a message is: a command, a button's label, words, or something else.

    A link to this bot that was sent as text is what Telegram makes of it when it is followed: a /start.
    """
    parameter = start_parameter(context.words, lambda: context.services.username)
    words = f"/start {parameter}" if parameter else context.words
    context.message = replace(context.message, words=words)
    context.message = replace(context.message, key=_key_of(context))


def _key_of(context: UpdateContext) -> str:
    text = context.words
    if context.message.content_type != "text":
        return FILE if context.message.attachments.files else OTHER_CONTENT
    if text.startswith("/"):
        command = text.split(maxsplit=1)[0].partition("@")[0].lower()
        hidden = command in ADMIN_COMMANDS and not context.is_admin
        return command if command in COMMANDS and not hidden else UNKNOWN_COMMAND
    return _label_of(context, text)


def _label_of(context: UpdateContext, text: str) -> str:
    """Return a label's key, or `WORDS`.

    A label typed without its emoji is a button only at the steps that have it: elsewhere «чат» may be a setting, and
    «назад» a line of the story.
    """
    locales = context.services.locales
    key = locales.key_of(text)
    if key is None or key in accepted(context.step):
        return key or WORDS
    return key if locales.is_label(text) and key not in ONLY_THERE else WORDS


def _dispatch(context: UpdateContext) -> UpdateResult:
    """Run the action that the table of steps has for the message."""
    if context.key == WORDS and not context.words:
        return fallback.empty(context)
    if context.update.queued_for and not _where_it_was(context):
        return file_choices.keep(context) if context.key == FILE else kept_words.ask_purpose(context)
    action = decide(context.step, context.key, writing=context.writing).action
    result = ACTIONS[action](context)
    return result + account.repeat_question(context) if action in INFORMING else result


def _where_it_was(context: UpdateContext) -> bool:
    """Whether a user whose words waited for a turn is still where they said them.

    Anywhere else the words would answer another question, or go on with another story.
    """
    return context.step in TALKING | {Step.STORY} and context.update.queued_for == context.words_go_to
