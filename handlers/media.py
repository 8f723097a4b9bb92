"""«🎨 Иллюстрация», «🔊 Озвучить» and /image: the price first, then a turn that makes it."""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.localization import Html
from conversation.states import WORD_LIMITS, Step
from core.errors import LimitReached
from database import Prompt, Story, Turn
from handlers import questions
from handlers import story as story_screen
from handlers.context import UpdateContext, now
from turns import limits
from turns.kinds.picture import picture_price
from turns.kinds.reading import reading_price
from turns.message_view import as_reply, title_of

Toast = str | None  # the key of a pop-up answer, if there is one

VOICES_SHOWN = 4


def ask_picture(visit: UpdateContext, story: Story) -> Toast:
    """Offers a picture of the story's last part, with its price; a pop-up where nothing is written yet."""
    if _last_part(visit, story) is None:
        return "toast.nothing_yet"
    paint = visit.inline(visit.button("paint", f"paint:{story.session_id}"))
    price = _price(visit, picture_price(visit.desk.config))
    visit.say("picture.ask", title=title_of(story), price=price, keyboard=paint)
    return None


def paint(visit: UpdateContext, story: Story) -> Toast:
    """A turn that draws the last part."""
    part = _last_part(visit, story)
    if part is None:
        return "toast.nothing_yet"
    if story_screen.affordable(visit, story, "picture", picture_price(visit.desk.config)):
        visit.drop_buttons()
        visit.say("picture.wait")
        visit.ask("picture", story.session_id, part.id)
    return None


def ask_voice(visit: UpdateContext, story: Story) -> Toast:
    """Offers voices to read the story's last part in, with its price; a pop-up where nothing is written yet."""
    part = _last_part(visit, story)
    if part is None:
        return "toast.nothing_yet"
    known = visit.texts.templates()
    voices = visit.desk.voices[:VOICES_SHOWN]
    rows = []
    for place, voice in enumerate(voices):
        name = visit.texts.plain(f"voice.name.{voice}") if f"voice.name.{voice}" in known else voice.capitalize()
        rows.append((name, f"voice{place}:{story.session_id}"))
    price = _price(visit, reading_price(visit.desk.config, part.text))
    visit.say("voice.ask", title=title_of(story), price=price, keyboard=inline(rows[:2], rows[2:]))
    return None


def speak(visit: UpdateContext, story: Story, place: int) -> Toast:
    """A turn that reads the last part aloud, in the chosen voice."""
    part, voices = _last_part(visit, story), visit.desk.voices
    if part is None or place >= len(voices):
        return "toast.past"
    if story_screen.affordable(visit, story, "reading", reading_price(visit.desk.config, part.text)):
        visit.drop_buttons()
        visit.say("voice.wait")
        visit.ask("reading", story.session_id, part.id, hint=voices[place])
    return None


# ---------------------------------------------------------------------- /image


def ask_image(visit: UpdateContext) -> None:
    """/image with what to paint; without it, it asks."""
    words = "".join(visit.words.split(maxsplit=1)[1:])
    if not words:
        questions.ask(visit, Step.IMAGE, None, "image.ask")
    elif len(words) > WORD_LIMITS[Step.IMAGE]:
        visit.say("image.too_long", length=len(words), limit=WORD_LIMITS[Step.IMAGE])
    else:
        _offer_image(visit, words)


def take_image(visit: UpdateContext) -> None:
    """The answer to the question what to paint."""
    if questions.fits(visit):
        questions.leave(visit)
        _offer_image(visit, visit.words)


def _offer_image(visit: UpdateContext, words: str) -> None:
    kept_id = visit.desk.db.users.keep_words(visit.user.id, words, None, now())
    price = _price(visit, visit.desk.config.image_tokens)
    buttons = visit.inline(visit.button("paint", f"image:{kept_id}"), visit.button("not_needed", f"image_no:{kept_id}"))
    visit.say("image.offer", words=words, price=price, keyboard=buttons)


def make_image(visit: UpdateContext, kept_id: int) -> Toast:
    """A turn that paints kept words."""
    if visit.writing:
        return "toast.writing"
    if not affordable(visit, "image", visit.desk.config.image_tokens):
        return None
    words = visit.desk.db.users.take_words(visit.user.id, kept_id)
    if words is None:
        return "toast.words_gone"
    visit.drop_buttons()
    visit.say("image.wait")
    visit.ask("image", None, None, hint=words)
    return None


def drop_image(visit: UpdateContext, kept_id: int) -> Toast:
    """Throws away the words kept for a picture; a pop-up where they are gone already."""
    if visit.desk.db.users.take_words(visit.user.id, kept_id) is None:
        return "toast.words_gone"
    visit.edit("image.dropped")
    return "toast.dropped"


def once_more(visit: UpdateContext, turn: Turn) -> Toast:
    """A failed image, or a failed recognition of a voice message, again."""
    if visit.writing:
        return "toast.writing"
    if turn.state != "failed" or not turn.hint:
        return "toast.past"
    if not affordable(visit, turn.kind):
        return None
    visit.drop_buttons()
    visit.reply_to = turn.reply_to
    visit.ask(turn.kind, None, None, hint=visit.desk.db.turns.take_hint(turn.id))
    if visit.desk.kinds[turn.kind].keeps_update:
        visit.envelope.verdict = "hear"
    return None


def affordable(visit: UpdateContext, kind: str, tokens: int | None = None) -> bool:
    """Whether no limit stands in the way of a turn of no session; says which one does."""
    try:
        visit.desk.turns.check(visit.user.id, None, kind, tokens)
    except LimitReached as limit:
        said = visit.desk.kinds[kind].limit_message(visit.user.id, visit.chat_id, None, limit)
        visit.envelope.send(as_reply(said, visit.reply_to))
        return False
    return True


# ---------------------------------------------------------------------- shared


def _last_part(visit: UpdateContext, story: Story) -> Prompt | None:
    head = visit.desk.db.tree.get(story.head_id)
    if head is not None and head.role == "user":
        return visit.desk.db.tree.get(head.parent_id)
    return head


def _price(visit: UpdateContext, tokens: int) -> Html:
    turns = max(1, round(tokens / limits.turn_price(visit.desk.config, visit.model.weight)))
    return visit.texts.say("balance.left", turns=turns, tokens=tokens)
