"""«🎨 Иллюстрация» and «🔊 Озвучить»: the price first, then a turn that makes it."""

from __future__ import annotations

from database import Prompt, Story
from handlers import story as story_screen
from handlers.visit import Visit
from keyboards import inline
from storytelling import allowance
from storytelling.media import picture_price, reading_price
from storytelling.outcomes import title_of
from texts import Html

Toast = str | None  # the key of a pop-up answer, if there is one

VOICES_SHOWN = 4


def ask_picture(visit: Visit, story: Story) -> Toast:
    if _last_part(visit, story) is None:
        return "toast.nothing_yet"
    paint = visit.inline(visit.button("paint", f"paint:{story.session_id}"))
    price = _price(visit, picture_price(visit.desk.config))
    visit.say("picture.ask", title=title_of(story), price=price, keyboard=paint)
    return None


def paint(visit: Visit, story: Story) -> Toast:
    """A turn that draws the last part."""
    part = _last_part(visit, story)
    if part is None:
        return "toast.nothing_yet"
    if story_screen.affordable(visit, story, "picture", picture_price(visit.desk.config)):
        visit.drop_buttons()
        visit.say("picture.wait")
        visit.ask("picture", story.session_id, part.id)
    return None


def ask_voice(visit: Visit, story: Story) -> Toast:
    part = _last_part(visit, story)
    if part is None:
        return "toast.nothing_yet"
    known = visit.texts.templates()
    voices = visit.desk.media.voices[:VOICES_SHOWN]
    rows = []
    for place, voice in enumerate(voices):
        name = visit.texts.plain(f"voice.name.{voice}") if f"voice.name.{voice}" in known else voice.capitalize()
        rows.append((name, f"voice{place}:{story.session_id}"))
    price = _price(visit, reading_price(visit.desk.config, part.text))
    visit.say("voice.ask", title=title_of(story), price=price, keyboard=inline(rows[:2], rows[2:]))
    return None


def speak(visit: Visit, story: Story, place: int) -> Toast:
    """A turn that reads the last part aloud, in the chosen voice."""
    part, voices = _last_part(visit, story), visit.desk.media.voices
    if part is None or place >= len(voices):
        return "toast.past"
    if story_screen.affordable(visit, story, "reading", reading_price(visit.desk.config, part.text)):
        visit.drop_buttons()
        visit.say("voice.wait")
        visit.ask("reading", story.session_id, part.id, hint=voices[place])
    return None


def _last_part(visit: Visit, story: Story) -> Prompt | None:
    head = visit.desk.db.tree.get(story.head_id)
    if head is not None and head.role == "user":
        return visit.desk.db.tree.get(head.parent_id)
    return head


def _price(visit: Visit, tokens: int) -> Html:
    turns = max(1, round(tokens / allowance.turn_price(visit.desk.config, visit.model.weight)))
    return visit.texts.say("balance.left", turns=turns, tokens=tokens)
