"""The line of each step: what it says to a user who arrives, and what it waits for."""

from __future__ import annotations

from conversation.localization import Html
from conversation.steps import ANSWERS, EDITS, IN_WIZARD, TALKING, Step
from conversation.wizard_questions import question
from core.graphemes import first_letters
from core.text import shorten
from database import Story
from handlers.context import UpdateContext, now
from telegram.update_result import UpdateResult
from turns import chat_roles
from turns.message_view import title_of
from turns.text_cleanup import first_sentences

SILENCE_S = 12 * 3600  # after which a story recalls where it stood
RECALL_CHARS = 400
OPENING_CHARS = 60  # of a talk's first words, that it is called by


def awaited(context: UpdateContext) -> Html:
    """Return what the user's step waits for and what works there, to end a message with."""
    name = context.step.text_name
    if context.writing and context.step in TALKING | {Step.STORY, Step.FINALE}:
        name = "writing"
    elif context.step is Step.EXTRA and context.draft.extra:
        name = "extra_more"
    return context.texts.say(f"now.{name}")


def announce(context: UpdateContext, came_from: Step | None = None) -> UpdateResult:
    """Say where the user is now, with the reply keyboard of that step."""
    return context.send(where(context, came_from), keyboard=context.keyboard())


def where(context: UpdateContext, came_from: Step | None = None) -> Html:
    """Return the line of the user's step; in the wizard its question."""
    if context.step in IN_WIZARD:
        line = "line_edit" if came_from in EDITS and context.step is Step.SUMMARY and not context.draft.lucky else ""
        return question(context.texts, context.step, context.draft, user_id=context.user.id, card_line=line)
    story = context.story
    texts = context.texts
    if context.step is Step.MENU:
        if story is None or story.finished:
            return texts.say("menu.line")
        return texts.say("menu.line_with_story", title=title_of(story))
    if context.step in ANSWERS:
        return texts.say(f"{context.step.text_name}.ask_again")
    if context.step is Step.CHAT:
        return _chat(context)
    if context.step is Step.CHARACTER:
        return _character(context)
    if story is None:
        return texts.say("menu.no_story")
    if context.step is Step.FINALE:
        return texts.say("finale.ask", title=title_of(story))
    if context.step is Step.FINISHED:
        return texts.say("finished.line", title=title_of(story))
    line = story_line(context, story)
    if now() - story.touched_at < SILENCE_S:
        return line
    return Html(f"{line}\n\n{_greeting(context)}")


def story_line(context: UpdateContext, story: Story) -> Html:
    """Return where a story stands: its title and the number of its part."""
    parts = context.db.tree.parts(story.head_id, story.starts_after)
    return context.texts.say("story.line", title=title_of(story), part=max(1, parts))


def _chat(context: UpdateContext) -> Html:
    """Return where words go in the chat, the role that is on, and the talk that goes on if there is one."""
    texts, role, talk = context.texts, context.db.roles.get(context.chat_id, context.topic_id), context.talk
    lines = [texts.say("chat.line"), texts.say("chat.line_role", role=chat_roles.title(texts, role))]
    if talk is not None and talk.opening:
        lines.append(texts.say("chat.line_goes_on", opening=shorten(" ".join(talk.opening.split()), OPENING_CHARS)))
    return Html("\n".join(lines))


def _character(context: UpdateContext) -> Html:
    """Return who answers: a character, or the hero of a story."""
    character, hero_story = context.db.characters.chosen(context.user.id), context.hero_story
    if character is None:
        return context.texts.say("character.nobody")
    if hero_story is not None:
        title = title_of(hero_story)
        if title == character.name:  # a story without a title of its own is called by its hero
            return context.texts.say("hero.line_of_same_name", name=character.name)
        return context.texts.say("hero.line", name=character.name, title=title)
    return context.texts.say("character.line", name=character.name)


def _greeting(context: UpdateContext) -> Html:
    """Return two sentences of the story's memory, for a user who comes back after a long time."""
    story = context.story
    assert story is not None
    path = context.db.tree.path(story.head_id)
    last = path.prompts[-1].text if path.prompts else ""
    recall = first_letters(first_sentences(path.memory or last, 2), RECALL_CHARS)
    return context.texts.say("story.greeting", recall=recall) if recall else Html("")
