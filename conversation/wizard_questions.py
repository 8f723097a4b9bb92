"""What each step of the wizard asks, as Telegram HTML."""

from __future__ import annotations

from conversation.keyboards import presets_shown
from conversation.localization import Html, Texts
from conversation.steps import EDITS, WORD_LIMITS, Step
from conversation.story_draft import Draft

_FIELDS = ("genre", "hero", "setting", "extra")


def question(texts: Texts, step: Step, draft: Draft, *, user_id: int, card_line: str = "") -> Html:
    """Return the question of a step. `card_line`: the name of the card's first line, if it is not the usual one."""
    if step is Step.RESUME:
        return texts.say("wizard.draft.ask", filled=filled_fields(texts, draft))
    if step is Step.CHANGE:
        return texts.say("wizard.change.ask")
    name = step.text_name
    if step is Step.SUMMARY:
        line = card_line or ("line_lucky" if draft.lucky else "line")
        return Html(
            f"{texts.say(f'wizard.summary.{line}')}\n\n{texts.say('wizard.summary.ask', **_card(texts, draft))}"
        )
    line = texts.say(f"wizard.{name}.{'line_edit' if step in EDITS else 'line'}")
    return Html(f"{line}\n\n{_ask(texts, step, draft, user_id)}")


def filled_fields(texts: Texts, draft: Draft) -> Html:
    """Return a draft's fields, a line each, without the empty ones."""
    values = {name: getattr(draft, name) for name in _FIELDS}
    return Html(
        "\n".join(texts.say(f"wizard.draft.field_{name}", value=value) for name, value in values.items() if value)
    )


def _ask(texts: Texts, step: Step, draft: Draft, user_id: int) -> Html:
    name = step.text_name
    if name in ("hero", "setting"):
        shown = presets_shown(texts, step, draft)
        presets = [texts.say("wizard.preset", name=preset.name, about=preset.about) for preset in shown]
        return texts.say(f"wizard.{name}.ask", presets=Html("\n".join(presets)))
    if step is Step.EDIT_EXTRA:
        return texts.say("wizard.extra.ask_edit", extra=draft.extra or texts.say("wizard.summary.no_extra"))
    if step is Step.EXTRA:
        if draft.extra:
            return texts.say("wizard.extra.more", left=WORD_LIMITS[Step.EXTRA] - len(draft.extra))
        examples = texts.extras(draft.genre)
        return texts.say("wizard.extra.ask", example=examples[user_id % len(examples)])
    asked = texts.say(f"wizard.{name}.ask")
    return Html(" ".join((asked, texts.say("wizard.genre.own")))) if step is Step.GENRE else asked


def _card(texts: Texts, draft: Draft) -> dict[str, object]:
    return {
        "genre": draft.genre,
        "hero": draft.hero,
        "setting": draft.setting,
        "extra": draft.extra or texts.say("wizard.summary.no_extra"),
        "tip": f"\n\n{tip}" if (tip := texts.tip_of(draft.genre)) else "",
    }
