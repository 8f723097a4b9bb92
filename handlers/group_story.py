"""A group's story: its card, its beginning, and the words of its members, which continue it.

A member's words reply to the story's last part, so that the group's talk isn't taken for them. Whoever writes pays.
"""

from __future__ import annotations

from dataclasses import replace

from telebot import types

from conversation.keyboards import inline
from conversation.steps import WORD_LIMITS, Step
from conversation.story_draft import Draft, working_title
from core.graphemes import first_letters
from database import GroupDraft, Story
from handlers import story as story_screen
from handlers.context import Services, UpdateContext, now
from handlers.group_context import at_story, open_story, to_sender, wait
from handlers.refusals import over_limit
from handlers.user_message import Quote, user_message
from telegram.update_result import UpdateResult
from turns.group_cards import by_chance, card_of
from turns.message_view import title_of

MOST_LISTED = 8  # stories of a topic
JUST_NOW_S = 60  # a reply to the part before the last one still counts that long
_ASK_FOR_REPLIES = ("group_story.hint", "group_story.kept")  # a reply to these is one to the last part
_GENRES_A_ROW = 2


# ---------------------------------------------------------------------- the card


def begin(context: UpdateContext) -> UpdateResult:
    """/story: show the card of a new story; of a phrase behind the command a model makes it, else chance does."""
    if refusal := over_limit(context, "part", None):
        return refusal
    words = " ".join("".join(context.words.split(maxsplit=1)[1:]).split())
    draft = Draft(extra=first_letters(words, WORD_LIMITS[Step.EXTRA]))
    of_phrase = words and not context.writing and not over_limit(context, "outline", None)
    if not of_phrase:
        draft = by_chance(context.texts, replace(draft, lucky=True))
    card = context.db.group_stories.add_draft(context.chat_id, context.topic_id, context.user.id, draft)
    if of_phrase:
        return context.start_turn("outline", None, None, hint=draft.extra)
    html, keyboard = card_of(context.texts, card)
    return context.send(html, keyboard=keyboard)


def show_genres(context: UpdateContext, card: GroupDraft) -> UpdateResult:
    """«🎭 Другой жанр»: offer the genres under the card."""
    buttons = [(genre.label, f"g_genre:{card.id}.{place}") for place, genre in enumerate(context.texts.genres)]
    rows = [buttons[start : start + _GENRES_A_ROW] for start in range(0, len(buttons), _GENRES_A_ROW)]
    html, _ = card_of(context.texts, card)
    return context.edit_html(html, keyboard=inline(*rows, [context.button("back", f"g_card:{card.id}")]))


def show_card(context: UpdateContext, card: GroupDraft) -> UpdateResult:
    """Show the card again, in place of the genres."""
    html, keyboard = card_of(context.texts, card)
    return context.edit_html(html, keyboard=keyboard)


def take_genre(context: UpdateContext, card: GroupDraft, place: int) -> UpdateResult:
    """Make the card one of another genre, with a hero and a place of that genre."""
    if place >= len(context.texts.genres):
        return context.toast("toast.past")
    draft = by_chance(context.texts, Draft(lucky=True, genre=context.texts.genres[place].label, extra=card.draft.extra))
    return _change(context, card, draft)


def draw_again(context: UpdateContext, card: GroupDraft) -> UpdateResult:
    """«🎲 Ещё раз»: choose everything anew by chance, but for the wishes."""
    return _change(context, card, by_chance(context.texts, Draft(lucky=True, extra=card.draft.extra)))


def _change(context: UpdateContext, card: GroupDraft, draft: Draft) -> UpdateResult:
    context.db.group_stories.change_draft(card.id, draft)
    return show_card(context, replace(card, draft=draft))


def drop(context: UpdateContext, card: GroupDraft) -> UpdateResult:
    """«✖️ Не надо»: forget the card."""
    context.db.group_stories.drop_draft(card.id)
    return context.edit("group_story.dropped")


def start(context: UpdateContext, card: GroupDraft) -> UpdateResult:
    """«✨ Начать историю»: make a story of the card and ask for its first part, which its beginner pays."""
    if context.writing:
        return context.toast("toast.writing")
    if refusal := over_limit(context, "part", None):
        return refusal
    draft, db = card.draft, context.db
    others = {title_of(story) for story in db.stories.of_chat(context.chat_id, context.topic_id, limit=-1)}
    session_id = db.stories.create(
        context.user.id,
        context.chat_id,
        genre=draft.genre,
        hero=draft.hero,
        setting=draft.setting,
        extra=draft.extra,
        title=working_title(draft.hero, draft.setting, others),
        now=now(),
        language=context.user.language,
        topic_id=context.topic_id,
    )
    db.talks.resume(session_id, now())
    db.group_stories.drop_draft(card.id)
    story = db.stories.get(session_id)
    assert story is not None
    begun = context.drop_buttons() + context.track("story_started", language=context.user.language, lucky=draft.lucky)
    begun += context.say("group_story.begin", title=title_of(story), name=context.user.first_name)
    return begun + context.replying_to(context.message_id).start_turn("part", session_id, None)


# ---------------------------------------------------------------------- words


def continues_story(services: Services, message: types.Message, topic_id: int) -> bool:
    """Whether a message replies to a text of a group's story, open or not, or to a message that asks for replies."""
    quote = user_message(message, "").quote
    prompt_id = _replied_to(services, message.chat.id, topic_id, quote)
    session_id = services.db.tree.session_of(prompt_id) if prompt_id else None
    return session_id is not None and services.db.stories.get(session_id) is not None


def _replied_to(services: Services, chat_id: int, topic_id: int, quote: Quote | None) -> int | None:
    """Return the text of a story that a message replies to: the last one, if that message asks for replies to it."""
    if quote is None:
        return None
    shown, locales = services.db.outbox.shown(chat_id, quote.message_id), services.locales
    asking = {locales[code].plain(key) for code in locales for key in _ASK_FOR_REPLIES}
    if shown or quote.text not in asking:
        return shown
    story = services.db.stories.open_in(chat_id, topic_id)
    return story.head_id if story is not None else None


def take_words(context: UpdateContext) -> UpdateResult:
    """Take the words of a member, who has replied to a part, as the next part of the story; in order of arrival."""
    story = open_story(context)
    shown = _replied_to(context.services, context.chat_id, context.topic_id, context.message.quote)
    if story is None or not shown or not context.words:
        return UpdateResult()
    waited = context.update.queued_for == story.session_id
    if not context.db.tree.is_of(shown, story.session_id):
        return to_sender(context, _of_another(context, shown))
    if story.finished:
        return to_sender(context, context.say("group_story.finished", title=title_of(story)))
    if not waited and not _is_newest(context, story, shown):
        return to_sender(context, context.say("group_story.not_last"))
    if context.writing:
        return wait(context, lambda: story.session_id)
    return story_screen.write_from_words(at_story(context, story))


def _is_newest(context: UpdateContext, story: Story, prompt_id: int) -> bool:
    """Whether a part is the last one, or was until a moment ago. While the next one is written, the last one is."""
    head = context.db.tree.get(story.head_id)
    if head is None or prompt_id == head.id:
        return head is not None
    before = context.db.tree.before(head)
    return before is not None and before.id == prompt_id and now() - head.created_at < JUST_NOW_S


def _of_another(context: UpdateContext, prompt_id: int) -> UpdateResult:
    session_id = context.db.tree.session_of(prompt_id)
    other = context.db.stories.get(session_id)
    if other is None:
        return UpdateResult()
    back = context.inline(context.button("story_continue", f"g_open:{other.session_id}"))
    return context.say("group_story.another", title=title_of(other), keyboard=back)


# ---------------------------------------------------------------------- the group's stories


def shelf(context: UpdateContext) -> UpdateResult:
    """/stories: list the stories of the group's topic."""
    stories = context.db.stories.of_chat(context.chat_id, context.topic_id, limit=MOST_LISTED)
    rows = [[(title_of(story), f"g_open:{story.session_id}")] for story in stories]
    return context.say("group_story.shelf", n=len(stories), keyboard=inline(*rows))
