"""The front door: reads an update, looks its key up in the table of steps, and calls who answers it.

One action a name; which action answers which key at which step stands in `story.TABLE` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from telebot import TeleBot, types

from conversation.states import (
    ADMIN_COMMANDS,
    COMMANDS,
    ONLY_THERE,
    OTHER_CONTENT,
    TALKING,
    UNKNOWN_COMMAND,
    WORDS,
    Step,
    accepted,
    decide,
)
from core.schemas import Json, Outgoing
from database import REFUSED
from handlers import (
    access_requests,
    account,
    admin,
    admin_users,
    assistant,
    characters,
    fallback,
    groups,
    library,
    media,
    models,
    privacy,
    profile_card,
    questions,
    rewriting,
    roles,
    sessions,
    settings,
    usage,
    voice,
    wizard,
)
from handlers import buttons as button_rows
from handlers import story as story_screen
from handlers.context import Services, UpdateContext
from handlers.input_text import readable
from turns.message_view import as_reply, sentence

ACTIONS: Mapping[str, Callable[[UpdateContext], None]] = {
    "welcome": account.welcome,
    "help": account.show_help,
    "open_menu": account.open_menu,
    "new_story": wizard.new_story,
    "start_wizard": wizard.start,
    "resume_draft": wizard.resume,
    "ask_again": wizard.ask_again,
    "take_genre": wizard.take_genre,
    "take_hero": wizard.take_hero,
    "take_setting": wizard.take_setting,
    "other_presets": wizard.other_presets,
    "add_extra": wizard.add_extra,
    "replace_extra": wizard.replace_extra,
    "clear_extra": wizard.clear_extra,
    "lucky": wizard.lucky,
    "begin": wizard.begin,
    "leave_wizard": wizard.leave,
    "open_story": story_screen.open_story,
    "write_from_words": story_screen.write_from_words,
    "write_on": story_screen.write_on,
    "ask_ending": story_screen.ask_ending,
    "write_ending": story_screen.write_ending,
    "write_own_ending": story_screen.write_own_ending,
    "whole_story": story_screen.whole_story,
    "suggest": rewriting.suggest,
    "another_variant": rewriting.another_variant,
    "undo": rewriting.undo,
    "correct": rewriting.correct,
    "more": settings.more,
    "rewrite_memory": settings.rewrite_memory,
    "rebuild_memory": settings.rebuild_memory,
    "set_tone": settings.set_tone,
    "set_length": settings.set_length,
    "same_settings": wizard.same_settings,
    "shelf": library.shelf,
    "download": library.download,
    "rename": library.rename,
    "find": library.find,
    "leave_question": questions.leave,
    "image": media.ask_image,
    "take_image": media.take_image,
    "language": account.ask_language,
    "model": models.show,
    "characters": characters.show,
    "talk_to_character": characters.talk,
    "forget_character": characters.forget,
    "keep_words": story_screen.keep_words,
    "queue_words": story_screen.queue_words,
    "already_writing": story_screen.already_writing,
    "busy_writing": story_screen.busy_writing,
    "stop_writing": story_screen.stop_writing,
    "nothing_to_stop": story_screen.nothing_to_stop,
    "nothing_to_cancel": story_screen.nothing_to_cancel,
    "profile": profile_card.show,
    "balance": profile_card.show_balance,
    "info": profile_card.info,
    "stats": usage.show,
    # the chat
    "open_chat": assistant.open_chat,
    "talk": assistant.talk,
    "forget_chat": assistant.forget,
    "prompt": roles.prompt,
    "modes": roles.modes,
    "set_role": roles.set_own,
    "reset_role": roles.reset,
    "tokens": sessions.tokens,
    "sessions": sessions.sessions,
    # privacy
    "my_data": privacy.my_data,
    "forget_me": privacy.forget_me,
    "debug": admin.debug,
    "logs": admin.logs,
    "users": admin_users.show,
    "grant": admin_users.grant,
    "ban": admin_users.ban,
    "unban": admin_users.unban,
    "stop_bot": admin.ask_to_halt,
    "wrong_state": fallback.wrong_state,
    "unknown_command": fallback.unknown_command,
    "other_content": fallback.other_content,
}
_INFORMING = frozenset(
    {"whole_story", "shelf", "language", "model", "prompt", "modes", "forget_chat", "tokens", "sessions", "characters"}
    | {"image", "my_data", "forget_me"}
)  # after these the wizard repeats its question
# These don't wait for the words of a voice message: they change nothing that the words might be about.
_OVERTAKING = (_INFORMING - {"image", "prompt", "forget_chat"}) | {"help", "balance", "stats", "info", "stop_writing"}
_OVERTAKING |= {"debug", "logs", "users", "grant", "ban", "unban", "stop_bot"}


GROUPS = ("group", "supergroup")


def register(bot: TeleBot, services: Services) -> None:
    """Registers one handler a kind of update; each has its result from the intake."""
    bot.register_message_handler(
        lambda message: on_message(services, message), content_types=_ALL_CONTENT, func=lambda message: True
    )
    bot.register_edited_message_handler(
        lambda message: on_edited(services, message), content_types=_ALL_CONTENT, func=lambda message: True
    )
    bot.register_callback_query_handler(lambda query: on_button(services, query), func=lambda query: True)
    bot.register_stopped_message_generation_handler(lambda stopped: on_stopped(services, stopped))
    bot.register_my_chat_member_handler(lambda change: on_membership(services, change))


_ALL_CONTENT = [
    *("text", "sticker", "photo", "video", "video_note", "animation", "voice", "audio", "document", "location"),
    *("venue", "contact", "poll", "dice", "game", "story", "paid_media", "checklist", "web_app_data"),
    *("invoice", "successful_payment", "users_shared", "chat_shared", "giveaway"),
    "migrate_to_chat_id",
]


def on_message(services: Services, message: types.Message) -> None:
    """A message in a private chat, or in a group."""
    if message.chat.type != "private":
        if message.chat.type in GROUPS:
            groups.answer(services, message, partial(_context_of, services))
        return
    asks = readable(message.text).lower() in privacy.COMMANDS
    context = _context_of(services, message.from_user, message.chat.id, message.message_id, banned_too=asks)
    if context is None:
        return
    if message.web_app_data is not None:
        characters.from_page(context, message.web_app_data.data)
        return
    _read(context, message)
    if context.first and context.key != "/start":
        account.first_words(context)
    if message.content_type == "voice":
        voice.hear(context, message.json)
    elif voice.stops(context):
        story_screen.stop_writing(context)
    elif voice.waits(context, _OVERTAKING):
        voice.wait(context)
    else:
        _dispatch(context)


def on_edited(services: Services, message: types.Message) -> None:
    """An edited message of the user's: refused words are tried again, what has become story stays as it is."""
    if message.chat.type != "private":
        return
    context = _context_of(services, message.from_user, message.chat.id, message.message_id)
    if context is None:
        return
    _read(context, message)
    if context.key != WORDS or context.step not in TALKING | {Step.STORY}:
        return
    rewrite = rewriting.rewrite_words if context.step is Step.STORY else assistant.rewrite_words
    prompt_id = services.db.outbox.shown(context.chat_id, context.message_id)
    if context.writing:
        fallback.edited(context)
    elif prompt_id == REFUSED or (prompt_id is not None and services.db.turns.failed_under(prompt_id)):
        _dispatch(context)
    elif prompt_id is None or not rewrite(context, prompt_id):
        fallback.edited(context)


def on_button(services: Services, query: types.CallbackQuery) -> None:
    """A button under a message."""
    result = services.intake.result
    toast: button_rows.Toast = None
    message = query.message
    chat_type = message.chat.type if message is not None else ""
    texts = services.locales[services.locales.language_of(query.from_user.language_code)]
    if message is not None and chat_type in GROUPS and not _may_press(services, query.from_user):
        toast = "toast.foreign"
    elif message is not None and chat_type in ("private", *GROUPS):
        asks = query.data == access_requests.ASK_FOR_ACCESS or (query.data or "").startswith(privacy.BUTTON)
        context = _context_of(services, query.from_user, message.chat.id, message.message_id, banned_too=asks)
        if context is not None:
            toast, texts = button_rows.press(context, query.data or ""), context.texts
    params: dict[str, Json] = {"callback_query_id": query.id}
    if toast is not None:
        params["text"] = texts.plain(toast)
    result.outgoing.insert(0, Outgoing(result.chat_id, "answerCallbackQuery", params))


def on_stopped(services: Services, stopped: types.MessageGenerationStopped) -> None:
    """The stop button of a growing answer; a late press names an older turn and does nothing."""
    turn = services.turns.open_in(stopped.chat.id)
    if turn is None or turn.id != stopped.draft_id:
        return
    for message in services.turns.end_by_stop(turn):
        services.intake.result.send(message)
    services.intake.result.after.append(lambda: services.turns.release(turn))


def on_membership(services: Services, change: types.ChatMemberUpdated) -> None:
    """A user blocks the bot, or comes back."""
    if change.chat.type == "private":
        services.db.users.set_blocked(change.chat.id, change.new_chat_member.status == "kicked")


def _may_press(services: Services, presser: types.User) -> bool:
    """Whether a press in a group is looked at: pressing others' buttons registers nobody, and says nothing there."""
    user = services.db.users.get(presser.id)
    return user is not None and not user.banned


def _context_of(
    services: Services,
    sender: types.User | None,
    chat_id: int,
    message_id: int,
    reply_to: int | None = None,
    *,
    banned_too: bool = False,
) -> UpdateContext | None:
    """The context of a sender, registered if new; None, and said so, where the bot takes no more users or is closed to
    this one.
    """
    if sender is None or sender.is_bot:
        return None
    result = services.intake.result
    user, first = account.known_user(services, sender, private=chat_id > 0)
    if user is None:
        texts = services.locales[services.locales.language_of(sender.language_code)]
        result.send(as_reply(sentence(chat_id, access_requests.full(services, texts)), reply_to))
        return None
    if user.banned and not banned_too and user.id not in services.config.admin_ids:
        result.send(as_reply(access_requests.closed(services, user, chat_id), reply_to))
        return None
    context = UpdateContext(services, result, user, services.locales[user.language], chat_id, message_id, first=first)
    context.reply_to = reply_to
    context.writing = result.behind or services.turns.open_in(chat_id) is not None
    return context


def _read(context: UpdateContext, message: types.Message) -> None:
    """What a message is: a command, a button's label, words, or something else."""
    context.kind = message.content_type
    context.take_reply(message)
    context.words = text = readable(message.text)
    if message.content_type != "text":
        context.key = OTHER_CONTENT
    elif text.startswith("/"):
        command = text.split(maxsplit=1)[0].partition("@")[0].lower()
        hidden = command in ADMIN_COMMANDS and not admin.is_admin(context)
        context.key = command if command in COMMANDS and not hidden else UNKNOWN_COMMAND
    else:
        context.key = _key_of(context, text)


def _key_of(context: UpdateContext, text: str) -> str:
    """A button's key, or `WORDS`. A label typed without its emoji is a button only where that button works:
    elsewhere «чат» may be a setting, and «назад» a line of the story.
    """
    locales = context.services.locales
    key = locales.key_of(text)
    if key is None or key in accepted(context.step):
        return key or WORDS
    return key if locales.is_label(text) and key not in ONLY_THERE else WORDS


def _where_it_was(context: UpdateContext) -> bool:
    """Whether somebody whose words waited for a turn is still in the story or chat that they were said to: anywhere
    else they would answer another question, or go on with another story.
    """
    return context.step in TALKING | {Step.STORY} and context.result.queued == context.words_go_to


def _dispatch(context: UpdateContext) -> None:
    if context.key == WORDS and not context.words:
        fallback.empty(context)
        return
    if context.result.queued and not _where_it_was(context):
        story_screen.keep_words(context)
        return
    cell = decide(context.step, context.key, writing=context.writing)
    context.next_step = cell.to
    ACTIONS[cell.action](context)
    if cell.action in _INFORMING:
        account.repeat_question(context)
