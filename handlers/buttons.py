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
from database import Story, Turn
from export.story_book import FORMATS
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
    library,
    media,
    models,
    older_parts,
    payments,
    privacy,
    profile_card,
    public_shelf,
    publishing,
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
from handlers.refusals import over_limit
from telegram.update_result import ForgetQueued, UpdateResult
from turns.kinds.speaking import SpokenAnswer
from turns.message_view import title_of
from turns.turn_kind import BelongsTo

# Each checks whose it is.
IN_GROUPS = frozenset({"stop", "retry", "softer", "mode", "new_talk", "put_back_talk", "ask_file", "ask_who_sees"})


def press(context: UpdateContext, data: str) -> UpdateResult:
    """Do what a button says."""
    verb, _, argument = data.partition(":")
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
        return context.toast("toast.foreign")
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


def _once_more(context: UpdateContext, turn_id: int, *, soft: bool) -> UpdateResult:
    """Ask a failed turn again, if the story still stands where it failed."""
    db = context.db
    turn = db.turns.get(turn_id)
    if turn is None or turn.user_id != context.user.id or turn.chat_id != context.chat_id:
        return context.toast("toast.foreign")
    belongs_to = context.kinds[turn.kind].belongs_to
    if turn.kind == SpokenAnswer.name:
        return answer_voices.once_more(context, turn)
    if belongs_to is BelongsTo.TALK:
        return assistant.once_more(context, turn, soft=soft)
    if belongs_to is BelongsTo.NOTHING:
        return media.once_more(context, turn)
    story = db.stories.get(turn.session_id)
    if turn.state != "failed" or story is None or story.deleted or not _stands_at(context, story, turn):
        return context.toast("toast.past")
    if context.writing or context.turns.writes_in(story.session_id):  # it may write in another topic
        return context.toast("toast.writing")
    if refusal := over_limit(context, turn.kind, story.session_id):
        return refusal
    result = context.drop_buttons()
    if context.user.session_id == story.session_id and context.step in (Step.MENU, Step.FINALE):
        result += _enter(context, story)
    return result + context.replying_to(turn.reply_to).start_turn(
        turn.kind, turn.session_id, turn.prompt_id, hint=turn.hint, soft=soft or turn.soft, variant=turn.variant
    )


def _stands_at(context: UpdateContext, story: Story, turn: Turn) -> bool:
    """Whether nothing was written since: the head is what the turn began from, or what it left unfinished."""
    head_id = story.head_id
    if head_id == turn.prompt_id:
        return True
    tree = context.db.tree
    begun_from = tree.get(turn.prompt_id) if turn.prompt_id is not None else None
    if begun_from is not None and begun_from.role == "user" and begun_from.parent_id == head_id:
        return True
    head = tree.get(head_id)
    if head is None:
        return False
    if head.turn_id == turn.id or (turn.variant and head.parent_id == turn.prompt_id):
        return True
    half = context.db.turns.get(head.turn_id) if head.turn_id is not None else None
    return half is not None and half.state == "failed" and head.parent_id == turn.prompt_id


def _finale(context: UpdateContext, story: Story) -> UpdateResult:
    return context.toast("toast.past") if story.finished else story_screen.ask_ending(context)


def _volume(context: UpdateContext, story: Story) -> UpdateResult:
    """«📗 Второй том»: begin a story with the same settings, which remembers the first."""
    return context.toast("toast.writing") if context.writing else wizard.second_volume(context, story)


# ---------------------------------------------------------------------- kept words


def _words_story(context: UpdateContext, kept_id: int) -> UpdateResult:
    """Put kept words into the story that was offered for them, as its next part."""
    story = _story_of_words(context, kept_id)
    if story is None or story.finished:
        return context.toast("toast.words_gone")
    return _use_words(context, kept_id, story, "part")


def _words_epilogue(context: UpdateContext, kept_id: int) -> UpdateResult:
    story = _story_of_words(context, kept_id)
    if story is None or not story.finished:
        return context.toast("toast.words_gone")
    return _use_words(context, kept_id, story, "epilogue")


def _story_of_words(context: UpdateContext, kept_id: int) -> Story | None:
    session_id = context.db.users.session_of_words(context.user.id, kept_id)
    story = context.db.stories.get(session_id) if session_id is not None else None
    return story if story is not None and story.is_own_of(context.user.id) and not story.deleted else None


def _use_words(context: UpdateContext, kept_id: int, story: Story, kind: str) -> UpdateResult:
    if context.writing or context.turns.writes_in(story.session_id):
        return context.toast("toast.writing")
    if refusal := over_limit(context, kind, story.session_id):
        return refusal
    words = context.db.users.take_words(context.user.id, kept_id)
    if words is None:
        return context.toast("toast.words_gone")
    context.open(story.session_id)
    said = _enter(context, story) if kind == "part" else context.say_meanwhile("finale.epilogue_writing")
    return context.drop_buttons() + said + story_screen.write_words(context, story, story.head_id, words, kind)


def _words_new(context: UpdateContext, kept_id: int) -> UpdateResult:
    """Make kept words a wish of a new story."""
    words = context.db.users.take_words(context.user.id, kept_id)
    if words is None:
        return context.toast("toast.words_gone")
    return context.drop_buttons() + wizard.start_with(context, words)


def _enter(context: UpdateContext, story: Story) -> UpdateResult:
    """Move the user to their open story, and say where it stands."""
    context.go(Step.STORY)
    parts = context.db.tree.parts(story.head_id, story.starts_after)
    return context.say_here("story.line", title=title_of(story), part=max(1, parts))


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
    "retry": partial(_once_more, soft=False),
    "softer": partial(_once_more, soft=True),
    "words_story": _words_story,
    "words_epilogue": _words_epilogue,
    "words_new": _words_new,
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
