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
from turns.media import picture_price, reading_price
from turns.message_view import as_reply
from turns.story_outcomes import title_of

Toast = str | None  # the key of a pop-up answer, if there is one

VOICES_SHOWN = 4


def ask_picture(context: UpdateContext, story: Story) -> Toast:
    """Offers a picture of the story's last part, with its price; a pop-up where nothing is written yet."""
    if _last_part(context, story) is None:
        return "toast.nothing_yet"
    paint = context.inline(context.button("paint", f"paint:{story.session_id}"))
    price = _price(context, picture_price(context.services.config))
    context.say("picture.ask", title=title_of(story), price=price, keyboard=paint)
    return None


def paint(context: UpdateContext, story: Story) -> Toast:
    """A turn that draws the last part."""
    part = _last_part(context, story)
    if part is None:
        return "toast.nothing_yet"
    if story_screen.affordable(context, story, "picture", picture_price(context.services.config)):
        context.drop_buttons()
        context.say("picture.wait")
        context.ask("picture", story.session_id, part.id)
    return None


def ask_voice(context: UpdateContext, story: Story) -> Toast:
    """Offers voices to read the story's last part in, with its price; a pop-up where nothing is written yet."""
    part = _last_part(context, story)
    if part is None:
        return "toast.nothing_yet"
    known = context.texts.templates()
    voices = context.services.media.voices[:VOICES_SHOWN]
    rows = []
    for place, voice in enumerate(voices):
        name = context.texts.plain(f"voice.name.{voice}") if f"voice.name.{voice}" in known else voice.capitalize()
        rows.append((name, f"voice{place}:{story.session_id}"))
    price = _price(context, reading_price(context.services.config, part.text))
    context.say("voice.ask", title=title_of(story), price=price, keyboard=inline(rows[:2], rows[2:]))
    return None


def speak(context: UpdateContext, story: Story, place: int) -> Toast:
    """A turn that reads the last part aloud, in the chosen voice."""
    part, voices = _last_part(context, story), context.services.media.voices
    if part is None or place >= len(voices):
        return "toast.past"
    if story_screen.affordable(context, story, "reading", reading_price(context.services.config, part.text)):
        context.drop_buttons()
        context.say("voice.wait")
        context.ask("reading", story.session_id, part.id, hint=voices[place])
    return None


# ---------------------------------------------------------------------- /image


def ask_image(context: UpdateContext) -> None:
    """/image with what to paint; without it, it asks."""
    words = "".join(context.words.split(maxsplit=1)[1:])
    if not words:
        questions.ask(context, Step.IMAGE, None, "image.ask")
    elif len(words) > WORD_LIMITS[Step.IMAGE]:
        context.say("image.too_long", length=len(words), limit=WORD_LIMITS[Step.IMAGE])
    else:
        _offer_image(context, words)


def take_image(context: UpdateContext) -> None:
    """The answer to the question what to paint."""
    if questions.fits(context):
        questions.leave(context)
        _offer_image(context, context.words)


def _offer_image(context: UpdateContext, words: str) -> None:
    kept_id = context.services.db.users.keep_words(context.user.id, words, None, now())
    price = _price(context, context.services.config.image_tokens)
    buttons = context.inline(
        context.button("paint", f"image:{kept_id}"), context.button("not_needed", f"image_no:{kept_id}")
    )
    context.say("image.offer", words=words, price=price, keyboard=buttons)


def make_image(context: UpdateContext, kept_id: int) -> Toast:
    """A turn that paints kept words."""
    if context.writing:
        return "toast.writing"
    if not affordable(context, "image", context.services.config.image_tokens):
        return None
    words = context.services.db.users.take_words(context.user.id, kept_id)
    if words is None:
        return "toast.words_gone"
    context.drop_buttons()
    context.say("image.wait")
    context.ask("image", None, None, hint=words)
    return None


def drop_image(context: UpdateContext, kept_id: int) -> Toast:
    """Throws away the words kept for a picture; a pop-up where they are gone already."""
    if context.services.db.users.take_words(context.user.id, kept_id) is None:
        return "toast.words_gone"
    context.edit("image.dropped")
    return "toast.dropped"


def once_more(context: UpdateContext, turn: Turn) -> Toast:
    """A failed image, or a failed recognition of a voice message, again."""
    if context.writing:
        return "toast.writing"
    if turn.state != "failed" or not turn.hint:
        return "toast.past"
    config, hears = context.services.config, turn.kind == "hearing"
    if not affordable(context, turn.kind, config.stt_tokens_per_15s if hears else config.image_tokens):
        return None
    context.drop_buttons()
    context.reply_to = turn.reply_to
    context.ask(turn.kind, None, None, hint=context.services.db.turns.take_hint(turn.id))
    if hears:
        context.result.verdict = "hear"
    return None


def affordable(context: UpdateContext, kind: str, tokens: int) -> bool:
    """Whether no limit stands in the way of a turn of no session; says which one does."""
    try:
        context.services.turns.check(context.user.id, None, kind, tokens)
    except LimitReached as limit:
        said = context.services.outcomes.limit(context.user.id, context.chat_id, None, limit, kind)
        context.result.send(as_reply(said, context.reply_to))
        return False
    return True


# ---------------------------------------------------------------------- shared


def _last_part(context: UpdateContext, story: Story) -> Prompt | None:
    head = context.services.db.tree.get(story.head_id)
    if head is not None and head.role == "user":
        return context.services.db.tree.get(head.parent_id)
    return head


def _price(context: UpdateContext, tokens: int) -> Html:
    turns = max(1, round(tokens / limits.turn_price(context.services.config, context.model.weight)))
    return context.texts.say("balance.left", turns=turns, tokens=tokens)
