"""Keyboards as the Bot API's JSON: the reply keyboard of every step, and inline buttons.

Reply keyboards are persistent and set the input's placeholder, so that users see where they are. Inline buttons carry
ids in their callback data (`verb:id`), never texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from conversation.localization import Texts
from conversation.presets import Preset
from conversation.steps import ANSWERS, ENDINGS, IN_WIZARD, LENGTHS, TONES, Step
from conversation.story_draft import Draft, page_of
from core.schemas import Json
from core.text import utf16_length

_ROW_CHARS = 36  # of a row of genres
_DELETING: Final = re.compile(r"delete:\d+|forget:all|halt:\d+")  # callback data
_DELETING_LABELS: Final = frozenset({"forget_chat"})  # of reply keyboards
_DANGER: Final = "danger"  # a red button


class InactiveButton(tuple[str, str]):
    """An arrow at the end of its row: grey, and it does nothing. A server without such buttons shows a live one."""


class CopyButton(tuple[str, str]):
    """A button that copies a text to the clipboard: `(label, text)`, of at most `COPIED_UNITS`."""


COPIED_UNITS: Final = 256


def reply(texts: Texts, step: Step, draft: Draft, *, has_story: bool = False, has_note: bool = False) -> Json:
    """Return the reply keyboard of a step.

    `has_story`: there is a way back to a story: from the menu to an unfinished one, from a talk to its hero's.
    `has_note`: the story that is asked about has a note, which can be dropped.
    """
    rows = [list(row) for row in _rows(texts, step, draft, has_story, has_note)]
    return {
        "keyboard": [[_key(texts, label) for label in row] for row in rows],
        "resize_keyboard": True,
        "is_persistent": True,
        "input_field_placeholder": texts.plain(_placeholder(step)),
    }


def inline(*rows: Sequence[tuple[str, str]], page: tuple[str, str] | None = None) -> Json:
    """Return inline buttons from rows of `(label, callback data)`, and below them a button for the Web App.

    `page` is the Web App button's label and address. Only an inline button tells the Web App who pressed it; a reply
    keyboard's does not.
    """
    buttons: list[Json] = [[_button(button) for button in row] for row in rows]
    if page is not None:
        buttons.append([{"text": page[0], "web_app": {"url": page[1]}}])
    return {"inline_keyboard": buttons}


def link_button(label: str, url: str) -> Json:
    """Return an inline button that opens an address."""
    return {"text": label, "url": url}


def arrows(here: str, place: int, data: Sequence[str]) -> list[tuple[str, str]]:
    """Return the row «◀ 2/3 ▶» at a place of a list whose items have these callback data; `here` is its middle."""
    last = len(data) - 1
    left, right = ("◀", data[place - 1]), ("▶", data[(place + 1) % len(data)])
    return [
        left if place else InactiveButton(left),
        (here, data[place]),
        right if place < last else InactiveButton(right),
    ]


def pages_of(items: int, size: int) -> int:
    """Return how many pages of this size a list takes; an empty list takes one."""
    return max(1, -(-items // size))


def page_row(verb: str, page: int, pages: int) -> list[tuple[str, str]]:
    """Return the row «◀ 2/3 ▶» that turns the pages of a list; `verb:page` is the callback data."""
    return arrows(f"{page + 1}/{pages}", page, [f"{verb}:{number}" for number in range(pages)])


def copy_button(label: str, text: str) -> list[tuple[str, str]]:
    """Return the row of a button that copies a text; empty if the text is too long for one."""
    return [CopyButton((label, text))] if 0 < utf16_length(text) <= COPIED_UNITS else []


def _button(button: tuple[str, str]) -> dict[str, Json]:
    """Return a button with all that a newer Bot API server knows of it (`telegram/newer_fields.py`)."""
    label, data = button
    if isinstance(button, CopyButton):
        return {"text": label, "copy_text": {"text": data}}
    if isinstance(button, InactiveButton):
        return {"text": label, "callback_data": data, "disabled": {}}
    if _DELETING.fullmatch(data):
        return {"text": label, "callback_data": data, "style": _DANGER}
    return {"text": label, "callback_data": data}


def _key(texts: Texts, label: str) -> dict[str, Json]:
    deletes = label in {texts.label(name) for name in _DELETING_LABELS}
    return {"text": label, "style": _DANGER} if deletes else {"text": label}


def presets_shown(texts: Texts, step: Step, draft: Draft) -> tuple[Preset, ...]:
    """Return the four heroes or settings that a step offers now; none at other steps."""
    if step in (Step.HERO, Step.EDIT_HERO):
        return page_of(texts.heroes(draft.genre), draft.page)
    if step in (Step.SETTING, Step.EDIT_SETTING):
        return page_of(texts.settings(draft.genre), draft.page)
    return ()


def _placeholder(step: Step) -> str:
    """Return the key of the text that stands in the empty input field."""
    return f"wizard.{step.text_name}.placeholder" if step in IN_WIZARD else f"{step.text_name}.placeholder"


def _rows(texts: Texts, step: Step, draft: Draft, has_story: bool, has_note: bool) -> list[list[str]]:
    label = texts.label
    back_out = [label("back"), label("cancel")]
    to_story = [[label("to_story")]] if has_story else []
    if step in (Step.GENRE, Step.EDIT_GENRE):
        genres = _in_wide_rows([genre.label for genre in texts.genres])
        if step is Step.EDIT_GENRE:
            return [*genres, back_out]
        return [*genres, [label("bring")], [label("lucky"), label("cancel")]]
    if step in (Step.HERO, Step.SETTING, Step.EDIT_HERO, Step.EDIT_SETTING):
        names = [preset.name for preset in presets_shown(texts, step, draft)]
        return [*_in_rows(names, 2), [label("others")], back_out]
    if step is Step.EXTRA:
        return [[label("done" if draft.extra else "skip")], back_out]
    if step is Step.EDIT_EXTRA:
        return [[label("skip")], back_out]
    if step is Step.SUMMARY:
        again = [label("lucky_again")] if draft.lucky else []
        return [[label("begin")], [label("change"), *again], back_out]
    if step is Step.CHANGE:
        fields = [label(f"field_{name}") for name in ("genre", "hero", "setting", "extra")]
        return [*_in_rows(fields, 2), back_out]
    if step is Step.RESUME:
        return [[label("draft_continue")], [label("draft_restart")], [label("bring")], [label("cancel")]]
    if step is Step.STORY:
        return [
            [label("next"), label("suggest")],
            [label("variant"), label("undo")],
            [label("finale"), label("more"), label("menu")],
        ]
    if step is Step.FINALE:
        return [*_in_rows([label(f"ending_{kind}") for kind in ENDINGS], 2), [label("keep_writing")]]
    if step is Step.FINISHED:
        return [
            [label("another_finale"), label("download")],
            [label("same_settings")],
            [label("new_story"), label("menu")],
        ]
    if step is Step.TONE:
        tones = [label(f"tone_{name}") for name in TONES]
        return [*_in_rows(tones, 2), [label(f"length_{name}") for name in LENGTHS], [label("cancel")]]
    if step is Step.MEMORY:
        return [[label("rebuild")], [label("cancel")]]
    if step is Step.NOTE:
        return [*([[label("drop_note")]] if has_note else []), [label("cancel")]]
    if step is Step.CHAT:
        return [[label("forget_chat"), label("role")], [label("menu")]]
    if step is Step.ROLE:
        return [[label("role_reset")], [label("cancel")]]
    if step is Step.CHARACTER:
        return [*to_story, [label("characters"), label("menu")]]
    if step in ANSWERS:
        return [[label("cancel")]]
    rest = [[label("chat"), label("characters")], [label("profile"), label("help")]]
    return [*to_story, [label("new_story"), label("stories")], *rest]


def _in_wide_rows(labels: Sequence[str]) -> list[list[str]]:
    """Return rows of at most three labels; longer ones stand two or alone, so that a phone shows them whole."""
    rows: list[list[str]] = []
    for label in labels:
        if rows and len(rows[-1]) < 3 and len("".join([*rows[-1], label])) <= _ROW_CHARS:
            rows[-1].append(label)
        else:
            rows.append([label])
    return rows


def _in_rows(items: Sequence[str], width: int) -> list[list[str]]:
    return [list(items[start : start + width]) for start in range(0, len(items), width)]
