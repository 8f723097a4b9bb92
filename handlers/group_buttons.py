"""The buttons of a group's stories. Their data hold ids; each checks that the story is this chat's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from conversation.steps import ENDINGS
from core.numbers import is_number
from database import GroupDraft, Story
from export.formats import FORMATS
from handlers import finished, group_moves, group_settings, group_story, group_votes, library, media, open_questions
from handlers.context import UpdateContext
from handlers.group_context import at_story
from telegram.update_result import UpdateResult


def press(context: UpdateContext, verb: str, argument: str) -> UpdateResult:
    """Do what a button of a group's story says."""
    number, _, place = argument.partition(".")
    if not is_number(number) or (place and not is_number(place)):
        return context.toast("toast.past")
    if verb in _OF_A_CARD:
        card = context.db.group_stories.draft(int(number))
        if card is None or (card.chat_id, card.topic_id) != (context.chat_id, context.topic_id):
            return context.toast("toast.past")
        if card.user_id != context.user.id:
            return context.toast("toast.foreign_card")
        return _OF_A_CARD[verb](context, card, int(place or 0))
    if verb in _OF_A_STORY or verb in _OF_A_SETTING:
        story = context.db.stories.get(int(number))
        if story is None or story.deleted or story.chat_id != context.chat_id:
            return context.toast("toast.past")
        if verb in _OF_A_SETTING:
            return _OF_A_SETTING[verb](context, story, int(place or 0))
        return _OF_A_STORY[verb](context, story)
    return _OF_A_TEXT[verb](context, int(number))


def _at(
    action: Callable[[UpdateContext, Story], UpdateResult], *, replies: bool = False
) -> Callable[[UpdateContext, Story], UpdateResult]:
    """Return an action of a private chat's story for a member of the group; refused while a turn runs.

    `replies`: the answer grows in a reply to the pressed message.
    """

    def act(context: UpdateContext, story: Story) -> UpdateResult:
        if context.writing:
            return context.toast("toast.writing")
        there = at_story(context, story)
        return action(there.replying_to(context.message_id) if replies else there, story)

    return act


def _unshare(context: UpdateContext, story: Story) -> UpdateResult:
    if story.user_id != context.user.id:
        return context.toast("toast.not_yours_to_set")
    return library.unshare(context, story)


def _keep_writing(context: UpdateContext, prompt_id: int) -> UpdateResult:
    return context.edit("group_story.kept") + open_questions.forget_all(context)


_OF_A_CARD: Mapping[str, Callable[[UpdateContext, GroupDraft, int], UpdateResult]] = {
    "g_begin": lambda context, card, _: group_story.start(context, card),
    "g_genres": lambda context, card, _: group_story.show_genres(context, card),
    "g_card": lambda context, card, _: group_story.show_card(context, card),
    "g_genre": group_story.take_genre,
    "g_lucky": lambda context, card, _: group_story.draw_again(context, card),
    "g_drop": lambda context, card, _: group_story.drop(context, card),
}
_OF_A_STORY: Mapping[str, Callable[[UpdateContext, Story], UpdateResult]] = {
    "g_open": group_moves.resume,
    "g_sign": group_moves.sign,
    "g_new": lambda context, _: group_story.begin(context.with_words("")),
    "g_tone": group_settings.show_tone,
    "g_memory": group_settings.show_memory,
    "g_volume": group_settings.second_volume,
    "read": group_moves.read,
    "files": library.ask_format,
    "share": library.share,
    "unshare": _unshare,
    "epilogue": _at(finished.write_epilogue, replies=True),
    "picture": _at(media.ask_picture),
    "paint": _at(media.paint),
    "voice": _at(media.ask_voice),
    **{f"voice{place}": _at(partial(media.speak, place=place)) for place in range(media.VOICES_SHOWN)},
    **{name: partial(library.send_file, name=name) for name in FORMATS},
}
_OF_A_SETTING: Mapping[str, Callable[[UpdateContext, Story, int], UpdateResult]] = {
    "g_set_tone": group_settings.set_tone,
}
_OF_A_TEXT: Mapping[str, Callable[[UpdateContext, int], UpdateResult]] = {
    "g_next": partial(group_votes.press, what=group_votes.NEXT),
    "g_finale": partial(group_votes.press, what=group_votes.FINALE),
    "g_keep": _keep_writing,
    **{f"g_end_{name}": partial(group_votes.write_ending, name=name) for name in ENDINGS},
    "g_variant": group_moves.another_variant,
    "variant": group_moves.show_variant,
    "g_undo": group_moves.undo,
    "redo": group_moves.redo,
    "g_suggest": group_moves.suggest,
    "suggest": group_moves.suggest_again,
    **{f"play{place + 1}": partial(group_moves.play, place=place) for place in range(3)},
    "g_more": group_moves.more,
}

VERBS = frozenset({*_OF_A_CARD, *_OF_A_STORY, *_OF_A_SETTING, *_OF_A_TEXT})
