"""The line of each step: what it says to a user who arrives, and what it waits for."""

from __future__ import annotations

from conversation.keyboards import presets_shown
from conversation.localization import Html, Texts
from conversation.states import ANSWERS, EDITS, IN_WIZARD, TALKING, WORD_LIMITS, Step
from conversation.story_draft import Draft
from core.graphemes import first_letters
from core.text import shorten
from handlers.context import UpdateContext, now
from telegram.update_result import UpdateResult
from turns import chat_roles
from turns.message_view import title_of
from turns.text_cleanup import first_sentences

SILENCE_S = 12 * 3600  # after which a story recalls where it stood
RECALL_CHARS = 400
OPENING_CHARS = 60  # of a talk's first words, that it is called by

_FIELDS = ("genre", "hero", "setting", "extra")


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
        return _question(context, came_from)
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
        character = context.db.characters.chosen(context.user.id)
        return texts.say("character.line", name=character.name) if character else texts.say("character.nobody")
    if story is None:
        return texts.say("menu.no_story")
    if context.step is Step.FINALE:
        return texts.say("finale.ask", title=title_of(story))
    if context.step is Step.FINISHED:
        return texts.say("finished.line", title=title_of(story))
    parts = context.db.tree.parts(story.head_id, story.starts_after)
    line = texts.say("story.line", title=title_of(story), part=max(1, parts))
    if now() - story.touched_at < SILENCE_S:
        return line
    return Html(f"{line}\n\n{_greeting(context)}")


def _chat(context: UpdateContext) -> Html:
    """Return where words go in the chat, the role that is on, and the talk that goes on if there is one."""
    texts, role, talk = context.texts, context.db.roles.get(context.chat_id), context.talk
    lines = [texts.say("chat.line"), texts.say("chat.line_role", role=chat_roles.title(texts, role))]
    if talk is not None and talk.opening:
        lines.append(texts.say("chat.line_goes_on", opening=shorten(" ".join(talk.opening.split()), OPENING_CHARS)))
    return Html("\n".join(lines))


def _greeting(context: UpdateContext) -> Html:
    """Return two sentences of the story's memory, for a user who comes back after a long time."""
    story = context.story
    assert story is not None
    path = context.db.tree.path(story.head_id)
    last = path.prompts[-1].text if path.prompts else ""
    recall = first_letters(first_sentences(path.memory or last, 2), RECALL_CHARS)
    return context.texts.say("story.greeting", recall=recall) if recall else Html("")


def _question(context: UpdateContext, came_from: Step | None) -> Html:
    texts, draft, step = context.texts, context.draft, context.step
    if step is Step.RESUME:
        return texts.say("wizard.draft.ask", filled=filled(texts, draft))
    if step is Step.CHANGE:
        return texts.say("wizard.change.ask")
    name = step.text_name
    if step is Step.SUMMARY:
        line = "line_lucky" if draft.lucky else "line_edit" if came_from in EDITS else "line"
        card = texts.say("wizard.summary.ask", **_card(texts, draft))
        return Html(f"{texts.say(f'wizard.summary.{line}')}\n\n{card}")
    line = texts.say(f"wizard.{name}.{'line_edit' if step in EDITS else 'line'}")
    return Html(f"{line}\n\n{_ask(context, name)}")


def _ask(context: UpdateContext, name: str) -> Html:
    texts, draft = context.texts, context.draft
    if name in ("hero", "setting"):
        shown = presets_shown(texts, context.step, draft)
        presets = [texts.say("wizard.preset", name=preset.name, about=preset.about) for preset in shown]
        return texts.say(f"wizard.{name}.ask", presets=Html("\n".join(presets)))
    if name == "extra":
        if draft.extra and context.step is not Step.EDIT_EXTRA:
            return texts.say("wizard.extra.more", left=WORD_LIMITS[Step.EXTRA] - len(draft.extra))
        if context.step is Step.EDIT_EXTRA:
            return texts.say("wizard.extra.ask_edit", extra=draft.extra or texts.say("wizard.summary.no_extra"))
        examples = texts.extras(draft.genre)
        return texts.say("wizard.extra.ask", example=examples[context.user.id % len(examples)])
    return texts.say(f"wizard.{name}.ask")


def _card(texts: Texts, draft: Draft) -> dict[str, object]:
    return {
        "genre": draft.genre,
        "hero": draft.hero,
        "setting": draft.setting,
        "extra": draft.extra or texts.say("wizard.summary.no_extra"),
    }


def filled(texts: Texts, draft: Draft) -> Html:
    """Return a draft's fields, a line each, without the empty ones."""
    values = {name: getattr(draft, name) for name in _FIELDS}
    return Html(
        "\n".join(texts.say(f"wizard.draft.field_{name}", value=value) for name, value in values.items() if value)
    )
