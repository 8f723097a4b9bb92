"""The actions: which function each name in the table of steps (`conversation.states.TABLE`) stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handlers import (
    account,
    admin,
    admin_users,
    assistant,
    characters,
    fallback,
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
    wizard,
)
from handlers import story as story_screen
from handlers.context import UpdateContext
from telegram.update_result import UpdateResult

ACTIONS: Mapping[str, Callable[[UpdateContext], UpdateResult]] = {
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
INFORMING = frozenset(
    {"whole_story", "shelf", "language", "model", "prompt", "modes", "forget_chat", "tokens", "sessions", "characters"}
    | {"image", "my_data", "forget_me"}
)  # after these the wizard asks its question again
# These don't wait for the words of a voice message: they change nothing that the words may refer to.
OVERTAKING = (INFORMING - {"image", "prompt", "forget_chat"}) | {"help", "balance", "stats", "info", "stop_writing"}
OVERTAKING |= {"debug", "logs", "users", "grant", "ban", "unban", "stop_bot"}
