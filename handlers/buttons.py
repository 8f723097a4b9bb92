"""Buttons under messages.

Their data hold ids only, `verb:id`; whoever presses must own what the id names, or hold the token of a shared link.

Every press is answered, if only by an empty pop-up: otherwise the button keeps its progress indicator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from conversation.steps import IN_WIZARD, TALKING, Step
from core.numbers import is_number
from core.schemas import Json, Outgoing
from database import Story
from export.formats import FORMATS
from handlers import (
    access_requests,
    account,
    admin,
    admin_users,
    answer_voices,
    assistant,
    branches,
    brought_stories,
    card_offers,
    cards,
    characters,
    covers,
    file_choices,
    finished,
    first_letters,
    group_buttons,
    guest_memory,
    heroes,
    kept_words,
    library,
    media,
    models,
    older_parts,
    open_questions,
    payments,
    privacy,
    profile_card,
    public_shelf,
    publishing,
    retries,
    rewriting,
    roles,
    sessions,
    settings,
    shared_characters,
    talk_files,
    wizard,
)
from handlers import story as story_screen
from handlers.context import UpdateContext, after_commit, now, stop_turn
from telegram.update_result import ForgetQueued, UpdateResult

# Each checks whose it is.
IN_GROUPS = frozenset({"stop", "retry", "softer", "mode", "new_talk", "put_back_talk", "ask_file", "ask_who_sees"})


def press(context: UpdateContext, data: str) -> UpdateResult:
    """Do what a button says."""
    verb, _, argument = data.partition(":")
    if verb in open_questions.VERBS:
        what = f"{data} {context.message_id}"
        return open_questions.ask_once(context, what, lambda: _press(context, verb, argument))
    return _press(context, verb, argument)


def _press(context: UpdateContext, verb: str, argument: str) -> UpdateResult:
    if context.group and verb in group_buttons.VERBS:
        return group_buttons.press(context, verb, argument)
    if context.group and verb not in IN_GROUPS:
        return context.toast("toast.past")
    if verb == "language" and argument in context.services.locales:
        return account.set_language(context, argument)
    if verb in _BY_TEXT:
        return _BY_TEXT[verb](context, argument)
    if not is_number(argument):
        return context.toast("toast.past")
    number = int(argument)
    if verb in _OF_A_STORY:
        return _press_of_a_story(context, verb, number)
    if verb in _OF_THE_OPEN_STORY:
        return _press_of_the_open_story(context, verb, number)
    return _BY_NUMBER[verb](context, number) if verb in _BY_NUMBER else context.toast("toast.past")


def _press_of_a_story(context: UpdateContext, verb: str, session_id: int) -> UpdateResult:
    story = context.db.stories.get(session_id)
    if story is None or story.deleted:
        return context.toast("toast.past")
    if not story.is_own_of(context.user.id):
        return context.toast("toast.foreign")
    return _OF_A_STORY[verb](context, story)


def _press_of_the_open_story(context: UpdateContext, verb: str, session_id: int) -> UpdateResult:
    story = context.story
    if story is None or story.session_id != session_id:
        return context.toast("toast.past")
    return context.toast("toast.writing") if context.writing else _OF_THE_OPEN_STORY[verb](context, story)


def _go(context: UpdateContext, name: str) -> UpdateResult:
    """Follow the buttons of the welcome: two ways into a story, and the shelf."""
    if name == "stories":
        return library.shelf(context)
    if context.step in (Step.MENU, Step.FINISHED) or context.step in IN_WIZARD:
        if name == "lucky":
            dealt = context.step is Step.SUMMARY and context.draft.lucky
            return context.toast("toast.dealt") if dealt else wizard.lucky(context)
        if name == "new_story":
            return wizard.new_story(context)
    return context.toast("toast.past")


def _stop(context: UpdateContext, turn_id: int) -> UpdateResult:
    turns = context.turns
    turn = turns.open_in(context.chat_id, context.topic_id)
    if turn is None or turn.id != turn_id:
        return context.toast("toast.nothing_to_stop")
    if turn.user_id != context.user.id:
        return context.toast("group.not_yours")
    return stop_turn(turns, turn) + context.toast("toast.stopping")


def _stop_before(context: UpdateContext, inbox_id: int) -> UpdateResult:
    """Stop the turn that runs while these words wait: it may not be the one that ran when they came."""
    turn = context.turns.open_in(context.chat_id, context.topic_id)
    if turn is None or not context.db.inbox.is_queued(inbox_id, context.chat_id):
        return context.toast("toast.nothing_to_stop")
    return _stop(context, turn.id)


def _drop(context: UpdateContext, inbox_id: int) -> UpdateResult:
    """«✖️ Не надо»: take back words that wait for the running turn."""
    if not context.db.inbox.drop_queued(inbox_id, context.chat_id, now()):
        return context.toast("toast.already_in")
    context.db.outbox.take_notice(inbox_id)  # what is left of it says that the words were dropped
    said = "chat.words_dropped" if context.step in TALKING else "story.words_dropped"
    params: dict[str, Json] = {"message_id": context.message_id, "text": context.texts.plain(said)}
    edited = context.deliver(Outgoing(context.chat_id, "editMessageText", params))
    return (
        edited
        + after_commit(ForgetQueued(context.chat_id, inbox_id, context.topic_id))
        + context.toast("toast.dropped")
    )


def _finale(context: UpdateContext, story: Story) -> UpdateResult:
    return context.toast("toast.past") if story.finished else story_screen.ask_ending(context)


def _volume(context: UpdateContext, story: Story) -> UpdateResult:
    """«📗 Второй том»: begin a story with the same settings, which remembers the first."""
    return context.toast("toast.writing") if context.writing else wizard.second_volume(context, story)


# ---------------------------------------------------------------------- the verbs


# The argument is read by whom the verb names.
_BY_TEXT: Mapping[str, Callable[[UpdateContext, str], UpdateResult]] = {
    "go": _go,
    "mode": roles.choose,
    "aloud": answer_voices.press,
    "example": assistant.ask_example,
    "take": library.take_shared,
    "adopt": shared_characters.take,
    "minds": cards.turn_page,
    "account": profile_card.press,
    "give": access_requests.give,
    "buy": payments.press,
    "users": admin_users.turn_page,
    "public": public_shelf.press,
    "public_read": public_shelf.read,
    "halt": admin.halt,
    "forget": privacy.press,
    # two numbers
    "as_it_was": older_parts.put_back,
    "unbranch": older_parts.take_branch_back,
}
# The number is a session of the user's own.
_OF_A_STORY: Mapping[str, Callable[[UpdateContext, Story], UpdateResult]] = {
    "read": story_screen.read,
    "card": library.card,
    "open": library.open_story,
    "rename": library.ask_name,
    "delete": library.delete,
    "files": library.ask_format,
    "mind": cards.show,
    "note": cards.ask_note,
    "new_card": cards.ask_new,
    "offers": cards.switch_offers,
    "share": library.share,
    "unshare": library.unshare,
    "publish": publishing.ask,
    "publish_named": partial(publishing.publish, named=True),
    "publish_unnamed": partial(publishing.publish, named=False),
    "publish_not": publishing.leave,
    "unpublish": publishing.withdraw,
    "volume": _volume,
    "epilogue": finished.write_epilogue,
    "hero": heroes.meet,
    "cover": covers.ask,
    "draw_cover": covers.draw,
    **{name: partial(library.send_file, name=name) for name in FORMATS},
}
# The number is the session that is open, and no turn may run in it.
_OF_THE_OPEN_STORY: Mapping[str, Callable[[UpdateContext, Story], UpdateResult]] = {
    "finale": _finale,
    "memory": settings.show_memory,
    "tone": settings.ask_tone,
    "correct": rewriting.ask_correction,
    "branch": branches.branch,
    "picture": media.ask_picture,
    "paint": media.paint,
    "bring_more": brought_stories.ask_for_more,
    "remember_all": brought_stories.remember_all,
    "voice": media.ask_voice,
    **{f"voice{place}": partial(media.speak, place=place) for place in range(media.VOICES_SHOWN)},
}
# The number names something else; each checks whose it is.
_BY_NUMBER: Mapping[str, Callable[[UpdateContext, int], UpdateResult]] = {
    "stop": _stop,
    "stop_before": _stop_before,
    "drop": _drop,
    "retry": partial(retries.once_more, soft=False),
    "softer": partial(retries.once_more, soft=True),
    "words_story": kept_words.to_story,
    "words_epilogue": kept_words.to_epilogue,
    "words_new": kept_words.to_new_story,
    # the chat
    "words_chat": assistant.use_words,
    "put_back_talk": assistant.put_back,
    "bring_file": brought_stories.begin_from_file,
    "ask_file": file_choices.ask_kept,
    "ask_who_sees": file_choices.ask_who_sees,
    "new_talk": assistant.new_talk,
    "role_own": roles.ask_own,
    "sessions": sessions.turn_page,
    "session_files": sessions.choose_file,
    "talk_file": talk_files.ask_format,
    **talk_files.SENDERS,
    "resume": sessions.resume,
    "variant": rewriting.show_variant,
    "branch_from": older_parts.branch_from,
    "back_to": older_parts.go_back_to,
    "stay": older_parts.stay,
    "redo": rewriting.redo,
    "suggest": rewriting.suggest_again,
    "play1": partial(rewriting.play, place=0),
    "play2": partial(rewriting.play, place=1),
    "play3": partial(rewriting.play, place=2),
    "shelf": library.turn_page,
    "find": library.ask_words,
    "restore": library.put_back,
    # the public shelf
    "public_story": public_shelf.show_story,
    "public_like": public_shelf.like,
    "public_like_end": partial(public_shelf.like, at_end=True),
    "public_flag": public_shelf.ask_to_report,
    "public_report": public_shelf.report,
    "public_keep": public_shelf.not_reported,
    "public_allow": partial(publishing.decide, allowed=True),
    "public_remove": partial(publishing.decide, allowed=False),
    # cards of a story
    "card_of": cards.show_one,
    "edit_card": cards.ask_change,
    "drop_card": cards.drop,
    "keep_card": card_offers.keep,
    "no_card": card_offers.refuse,
    "no_cards": card_offers.refuse_all,
    "model": models.press,
    "models": models.turn_page,
    "characters": characters.turn_page,
    "character": characters.choose,
    "anew": characters.begin_anew,
    "write_first": first_letters.show,
    "zone": first_letters.choose_zone,
    "zones": first_letters.show_zones,
    "not_first": first_letters.switch_off,
    "guests": guest_memory.show,
    "guest_forget": guest_memory.forget,
    "image": media.make_image,
    "image_no": media.drop_image,
}

VERBS = frozenset({"language", *group_buttons.VERBS, *_BY_TEXT, *_OF_A_STORY, *_OF_THE_OPEN_STORY, *_BY_NUMBER})
