"""What each step says to somebody who arrives at it, or asks what is awaited there."""

from __future__ import annotations

from conversation.keyboards import presets_shown
from conversation.localization import Html, Texts
from conversation.states import ANSWERS, EDITS, IN_WIZARD, TALKING, WORD_LIMITS, Step
from conversation.story_draft import Draft
from core.text import shorten
from database import Role
from handlers.context import UpdateContext, now
from turns import chat_roles
from turns.message_view import title_of
from turns.text_cleanup import first_sentences

SILENCE_S = 12 * 3600  # after which a story recalls where it stood
RECALL_CHARS = 400
OPENING_CHARS = 60  # of a talk's first words, that it is called by

_NOW = {
    Step.MENU: "menu",
    Step.RESUME: "draft",
    Step.GENRE: "genre",
    Step.EDIT_GENRE: "genre",
    Step.HERO: "hero",
    Step.EDIT_HERO: "hero",
    Step.SETTING: "setting",
    Step.EDIT_SETTING: "setting",
    Step.EXTRA: "extra",
    Step.EDIT_EXTRA: "extra",
    Step.SUMMARY: "summary",
    Step.CHANGE: "change",
    Step.STORY: "story",
    Step.FINALE: "finale",
    Step.FINISHED: "finished",
    Step.CORRECT: "correct",
    Step.MEMORY: "memory",
    Step.TONE: "tone",
    Step.RENAME: "rename",
    Step.FIND: "find",
    Step.CHAT: "chat",
    Step.ROLE: "role",
    Step.CHARACTER: "character",
    Step.IMAGE: "image",
}
_FIELDS = ("genre", "hero", "setting", "extra")


def awaited(visit: UpdateContext) -> Html:
    """What the user's step waits for and what works there, to end a sentence with."""
    name = _NOW[visit.step]
    if visit.writing and visit.step in TALKING | {Step.STORY, Step.FINALE}:
        name = "writing"
    elif visit.step is Step.EXTRA and visit.draft.extra:
        name = "extra_more"
    return visit.texts.say(f"now.{name}")


def announce(visit: UpdateContext, came_from: Step | None = None) -> None:
    """Says where the user is now, with the reply keyboard of that step."""
    visit.send(where(visit, came_from), keyboard=visit.keyboard())


def where(visit: UpdateContext, came_from: Step | None = None) -> Html:
    """The line of the user's step; in the wizard its question."""
    if visit.step in IN_WIZARD:
        return _question(visit, came_from)
    story = visit.story
    texts = visit.texts
    if visit.step is Step.MENU:
        if story is None or story.finished:
            return texts.say("menu.line")
        return texts.say("menu.line_with_story", title=title_of(story))
    if visit.step in ANSWERS:
        return texts.say(f"{_NOW[visit.step]}.ask_again")
    if visit.step is Step.CHAT:
        return _chat(visit)
    if visit.step is Step.CHARACTER:
        character = visit.desk.db.characters.chosen(visit.user.id)
        return texts.say("character.line", name=character.name) if character else texts.say("character.nobody")
    if story is None:
        return texts.say("menu.no_story")
    if visit.step is Step.FINALE:
        return texts.say("finale.ask", title=title_of(story))
    if visit.step is Step.FINISHED:
        return texts.say("finished.line", title=title_of(story))
    parts = visit.desk.db.tree.parts(story.head_id, story.starts_after)
    line = texts.say("story.line", title=title_of(story), part=max(1, parts))
    if now() - story.touched_at < SILENCE_S:
        return line
    return Html(f"{line}\n\n{_greeting(visit)}")


def _chat(visit: UpdateContext) -> Html:
    """Where words go in the chat; the role and the talk that goes on, where there are any."""
    texts, role, talk = visit.texts, visit.desk.db.roles.get(visit.chat_id), visit.talk
    lines = [texts.say("chat.line")]
    if role != Role():
        lines.append(texts.say("chat.line_role", role=chat_roles.title(texts, role)))
    if talk is not None and talk.opening:
        lines.append(texts.say("chat.line_goes_on", opening=shorten(" ".join(talk.opening.split()), OPENING_CHARS)))
    return Html("\n".join(lines))


def _greeting(visit: UpdateContext) -> Html:
    """Two sentences of what the story remembers, for somebody who comes back after a long time."""
    story = visit.story
    assert story is not None
    path = visit.desk.db.tree.path(story.head_id)
    last = path.prompts[-1].text if path.prompts else ""
    recall = first_sentences(path.memory or last, 2)[:RECALL_CHARS]
    return visit.texts.say("story.greeting", recall=recall) if recall else Html("")


def _question(visit: UpdateContext, came_from: Step | None) -> Html:
    texts, draft, step = visit.texts, visit.draft, visit.step
    if step is Step.RESUME:
        return texts.say("wizard.draft.ask", filled=filled(texts, draft))
    if step is Step.CHANGE:
        return texts.say("wizard.change.ask")
    name = _NOW[step]
    if step is Step.SUMMARY:
        line = "line_lucky" if draft.lucky else "line_edit" if came_from in EDITS else "line"
        card = texts.say("wizard.summary.ask", **_card(texts, draft))
        return Html(f"{texts.say(f'wizard.summary.{line}')}\n\n{card}")
    line = texts.say(f"wizard.{name}.{'line_edit' if step in EDITS else 'line'}")
    return Html(f"{line}\n\n{_ask(visit, name)}")


def _ask(visit: UpdateContext, name: str) -> Html:
    texts, draft = visit.texts, visit.draft
    if name in ("hero", "setting"):
        shown = presets_shown(texts, visit.step, draft)
        presets = [texts.say("wizard.preset", name=preset.name, about=preset.about) for preset in shown]
        return texts.say(f"wizard.{name}.ask", presets=Html("\n".join(presets)))
    if name == "extra":
        if draft.extra and visit.step is not Step.EDIT_EXTRA:
            return texts.say("wizard.extra.more", left=WORD_LIMITS[Step.EXTRA] - len(draft.extra))
        if visit.step is Step.EDIT_EXTRA:
            return texts.say("wizard.extra.ask_edit", extra=draft.extra or texts.say("wizard.summary.no_extra"))
        examples = texts.extras(draft.genre)
        return texts.say("wizard.extra.ask", example=examples[visit.user.id % len(examples)])
    return texts.say(f"wizard.{name}.ask")


def _card(texts: Texts, draft: Draft) -> dict[str, object]:
    return {
        "genre": draft.genre,
        "hero": draft.hero,
        "setting": draft.setting,
        "extra": draft.extra or texts.say("wizard.summary.no_extra"),
    }


def filled(texts: Texts, draft: Draft) -> Html:
    """What a draft holds, a line a field, empty ones left out."""
    values = {name: getattr(draft, name) for name in _FIELDS}
    return Html(
        "\n".join(texts.say(f"wizard.draft.field_{name}", value=value) for name, value in values.items() if value)
    )
