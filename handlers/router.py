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


def register(bot: TeleBot, desk: Services) -> None:
    """Registers one handler a kind of update; each has its envelope from the intake."""
    bot.register_message_handler(
        lambda message: on_message(desk, message), content_types=_ALL_CONTENT, func=lambda message: True
    )
    bot.register_edited_message_handler(
        lambda message: on_edited(desk, message), content_types=_ALL_CONTENT, func=lambda message: True
    )
    bot.register_callback_query_handler(lambda query: on_button(desk, query), func=lambda query: True)
    bot.register_stopped_message_generation_handler(lambda stopped: on_stopped(desk, stopped))
    bot.register_my_chat_member_handler(lambda change: on_membership(desk, change))


_ALL_CONTENT = [
    *("text", "sticker", "photo", "video", "video_note", "animation", "voice", "audio", "document", "location"),
    *("venue", "contact", "poll", "dice", "game", "story", "paid_media", "checklist", "web_app_data"),
    *("invoice", "successful_payment", "users_shared", "chat_shared", "giveaway"),
    "migrate_to_chat_id",
]


def on_message(desk: Services, message: types.Message) -> None:
    """A message in a private chat, or in a group."""
    if message.chat.type != "private":
        if message.chat.type in GROUPS:
            groups.answer(desk, message, partial(_visit, desk))
        return
    asks = readable(message.text).lower() in privacy.COMMANDS
    visit = _visit(desk, message.from_user, message.chat.id, message.message_id, banned_too=asks)
    if visit is None:
        return
    if message.web_app_data is not None:
        characters.from_page(visit, message.web_app_data.data)
        return
    _read(visit, message)
    if visit.first and visit.key != "/start":
        account.first_words(visit)
    if message.content_type == "voice":
        voice.hear(visit, message.json)
    elif voice.stops(visit):
        story_screen.stop_writing(visit)
    elif voice.waits(visit, _OVERTAKING):
        voice.wait(visit)
    else:
        _dispatch(visit)


def on_edited(desk: Services, message: types.Message) -> None:
    """An edited message of the user's: refused words are tried again, what has become story stays as it is."""
    if message.chat.type != "private":
        return
    visit = _visit(desk, message.from_user, message.chat.id, message.message_id)
    if visit is None:
        return
    _read(visit, message)
    if visit.key != WORDS or visit.step not in TALKING | {Step.STORY}:
        return
    rewrite = rewriting.rewrite_words if visit.step is Step.STORY else assistant.rewrite_words
    prompt_id = desk.db.outbox.shown(visit.chat_id, visit.message_id)
    if visit.writing:
        fallback.edited(visit)
    elif prompt_id == REFUSED or (prompt_id is not None and desk.db.turns.failed_under(prompt_id)):
        _dispatch(visit)
    elif prompt_id is None or not rewrite(visit, prompt_id):
        fallback.edited(visit)


def on_button(desk: Services, query: types.CallbackQuery) -> None:
    """A button under a message."""
    envelope = desk.intake.envelope
    toast: button_rows.Toast = None
    message = query.message
    chat_type = message.chat.type if message is not None else ""
    texts = desk.locales[desk.locales.language_of(query.from_user.language_code)]
    if message is not None and chat_type in GROUPS and not _may_press(desk, query.from_user):
        toast = "toast.foreign"
    elif message is not None and chat_type in ("private", *GROUPS):
        asks = query.data == access_requests.ASK_FOR_ACCESS or (query.data or "").startswith(privacy.BUTTON)
        visit = _visit(desk, query.from_user, message.chat.id, message.message_id, banned_too=asks)
        if visit is not None:
            toast, texts = button_rows.press(visit, query.data or ""), visit.texts
    params: dict[str, Json] = {"callback_query_id": query.id}
    if toast is not None:
        params["text"] = texts.plain(toast)
    envelope.outgoing.insert(0, Outgoing(envelope.chat_id, "answerCallbackQuery", params))


def on_stopped(desk: Services, stopped: types.MessageGenerationStopped) -> None:
    """The stop button of a growing answer; a late press names an older turn and does nothing."""
    turn = desk.turns.open_in(stopped.chat.id)
    if turn is None or turn.id != stopped.draft_id:
        return
    for message in desk.turns.end_by_stop(turn):
        desk.intake.envelope.send(message)
    desk.intake.envelope.after.append(lambda: desk.turns.release(turn))


def on_membership(desk: Services, change: types.ChatMemberUpdated) -> None:
    """A user blocks the bot, or comes back."""
    if change.chat.type == "private":
        desk.db.users.set_blocked(change.chat.id, change.new_chat_member.status == "kicked")


def _may_press(desk: Services, presser: types.User) -> bool:
    """Whether a press in a group is looked at: pressing others' buttons registers nobody, and says nothing there."""
    user = desk.db.users.get(presser.id)
    return user is not None and not user.banned


def _visit(
    desk: Services,
    sender: types.User | None,
    chat_id: int,
    message_id: int,
    reply_to: int | None = None,
    *,
    banned_too: bool = False,
) -> UpdateContext | None:
    """The visit of a sender, registered if new; None, and said so, where the bot takes no more users or is closed to
    this one.
    """
    if sender is None or sender.is_bot:
        return None
    envelope = desk.intake.envelope
    user, first = account.known_user(desk, sender, private=chat_id > 0)
    if user is None:
        texts = desk.locales[desk.locales.language_of(sender.language_code)]
        envelope.send(as_reply(sentence(chat_id, access_requests.full(desk, texts)), reply_to))
        return None
    if user.banned and not banned_too and user.id not in desk.config.admin_ids:
        envelope.send(as_reply(access_requests.closed(desk, user, chat_id), reply_to))
        return None
    visit = UpdateContext(desk, envelope, user, desk.locales[user.language], chat_id, message_id, first=first)
    visit.reply_to = reply_to
    visit.writing = envelope.behind or desk.turns.open_in(chat_id) is not None
    return visit


def _read(visit: UpdateContext, message: types.Message) -> None:
    """What a message is: a command, a button's label, words, or something else."""
    visit.kind = message.content_type
    visit.take_reply(message)
    visit.words = text = readable(message.text)
    if message.content_type != "text":
        visit.key = OTHER_CONTENT
    elif text.startswith("/"):
        command = text.split(maxsplit=1)[0].partition("@")[0].lower()
        hidden = command in ADMIN_COMMANDS and not admin.is_admin(visit)
        visit.key = command if command in COMMANDS and not hidden else UNKNOWN_COMMAND
    else:
        visit.key = _key_of(visit, text)


def _key_of(visit: UpdateContext, text: str) -> str:
    """A button's key, or `WORDS`. A label typed without its emoji is a button only where that button works:
    elsewhere «чат» may be a setting, and «назад» a line of the story.
    """
    locales = visit.desk.locales
    key = locales.key_of(text)
    if key is None or key in accepted(visit.step):
        return key or WORDS
    return key if locales.is_label(text) and key not in ONLY_THERE else WORDS


def _where_it_was(visit: UpdateContext) -> bool:
    """Whether somebody whose words waited for a turn is still in the story or chat that they were said to: anywhere
    else they would answer another question, or go on with another story.
    """
    return visit.step in TALKING | {Step.STORY} and visit.envelope.queued == visit.words_go_to


def _dispatch(visit: UpdateContext) -> None:
    if visit.key == WORDS and not visit.words:
        fallback.empty(visit)
        return
    if visit.envelope.queued and not _where_it_was(visit):
        story_screen.keep_words(visit)
        return
    cell = decide(visit.step, visit.key, writing=visit.writing)
    visit.next_step = cell.to
    ACTIONS[cell.action](visit)
    if cell.action in _INFORMING:
        account.repeat_question(visit)
