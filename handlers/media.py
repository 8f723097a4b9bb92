"""«🎨 Иллюстрация», «🔊 Озвучить» and /image: show the price, then start a turn."""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.steps import WORD_LIMITS, Step
from database import Prompt, Story, Turn
from handlers import questions
from handlers.balances import price_of
from handlers.context import UpdateContext, now
from handlers.refusals import over_limit, over_step
from telegram.update_result import RecognitionStarted, TurnStarted, UpdateResult
from turns.kinds.picture import picture_price
from turns.kinds.reading import reading_price
from turns.message_view import title_of

VOICES_SHOWN = 6
_VOICES_A_ROW = 2


def ask_picture(context: UpdateContext, story: Story) -> UpdateResult:
    """Offer a picture of the story's last part, with its price."""
    if _last_part(context, story) is None:
        return context.toast("toast.nothing_yet")
    paint = context.inline(context.button("paint", f"paint:{story.session_id}"))
    price = price_of(context, picture_price(context.config))
    return context.say("picture.ask", title=title_of(story), price=price, keyboard=paint)


def paint(context: UpdateContext, story: Story) -> UpdateResult:
    """Start a turn that draws the last part."""
    part = _last_part(context, story)
    if part is None:
        return context.toast("toast.nothing_yet")
    if refusal := over_limit(context, "picture", story.session_id, picture_price(context.config)):
        return refusal
    started = context.start_turn("picture", story.session_id, part.id)
    return context.drop_buttons() + context.say_meanwhile("picture.wait") + started


def ask_voice(context: UpdateContext, story: Story) -> UpdateResult:
    """Offer voices to read the story's last part, with the price."""
    part = _last_part(context, story)
    if part is None:
        return context.toast("toast.nothing_yet")
    voices = enumerate(context.services.voices[:VOICES_SHOWN])
    buttons = [(name_of_voice(context, voice), f"voice{place}:{story.session_id}") for place, voice in voices]
    rows = [buttons[start : start + _VOICES_A_ROW] for start in range(0, len(buttons), _VOICES_A_ROW)]
    price = price_of(context, reading_price(context.config, part.text))
    return context.say("voice.ask", title=title_of(story), price=price, keyboard=inline(*rows))


def speak(context: UpdateContext, story: Story, place: int) -> UpdateResult:
    """Start a turn that reads the last part aloud, in the chosen voice."""
    part, voices = _last_part(context, story), context.services.voices
    if part is None or place >= len(voices):
        return context.toast("toast.past")
    price = reading_price(context.config, part.text)
    if refusal := over_limit(context, "reading", story.session_id, price):
        return refusal
    started = context.start_turn("reading", story.session_id, part.id, hint=voices[place])
    chosen = context.edit("voice.chosen", title=title_of(story), voice=name_of_voice(context, voices[place]))
    return chosen + context.say_meanwhile("voice.wait") + started


def name_of_voice(context: UpdateContext, voice: str) -> str:
    """Return a voice's name in the user's language."""
    known = f"voice.name.{voice}" in context.texts.templates()
    return context.texts.plain(f"voice.name.{voice}") if known else voice.capitalize()


# ---------------------------------------------------------------------- /image


def ask_image(context: UpdateContext) -> UpdateResult:
    """/image: offer a picture of the words behind it; without words, ask what to paint."""
    words = "".join(context.words.split(maxsplit=1)[1:])
    if not words:
        return questions.ask(context, Step.IMAGE, None, "image.ask")
    if len(words) > WORD_LIMITS[Step.IMAGE]:
        return context.say("image.too_long", length=len(words), limit=WORD_LIMITS[Step.IMAGE])
    return _offer_image(context, words)


def take_image(context: UpdateContext) -> UpdateResult:
    """Take the answer to the question what to paint."""
    return over_step(context) or questions.leave(context) + _offer_image(context, context.words)


def _offer_image(context: UpdateContext, words: str) -> UpdateResult:
    kept_id = context.db.users.keep_words(context.user.id, words, None, now())
    price = price_of(context, context.config.image_tokens)
    buttons = context.inline(
        context.button("paint", f"image:{kept_id}"), context.button("not_needed", f"image_no:{kept_id}")
    )
    return context.say("image.offer", words=words, price=price, keyboard=buttons)


def make_image(context: UpdateContext, kept_id: int) -> UpdateResult:
    """Start a turn that paints kept words."""
    if context.writing:
        return context.toast("toast.writing")
    if refusal := over_limit(context, "image", None, context.config.image_tokens):
        return refusal
    words = context.db.users.take_words(context.user.id, kept_id)
    if words is None:
        return context.toast("toast.words_gone")
    started = context.start_turn("image", None, None, hint=words)
    return context.drop_buttons() + context.say_meanwhile("image.wait") + started


def drop_image(context: UpdateContext, kept_id: int) -> UpdateResult:
    """Forget the words that were kept for a picture."""
    if context.db.users.take_words(context.user.id, kept_id) is None:
        return context.toast("toast.words_gone")
    return context.edit("image.dropped") + context.toast("toast.dropped")


def once_more(context: UpdateContext, turn: Turn) -> UpdateResult:
    """Start a failed image, or a failed recognition of a voice message, again."""
    if context.writing:
        return context.toast("toast.writing")
    if turn.state != "failed" or not turn.hint:
        return context.toast("toast.past")
    if refusal := over_limit(context, turn.kind, None):
        return refusal
    started = context.replying_to(turn.reply_to).start_turn(
        turn.kind,
        None,
        None,
        hint=context.db.turns.take_hint(turn.id),
        disposition=RecognitionStarted() if context.kinds[turn.kind].keeps_update else TurnStarted(),
    )
    return context.drop_buttons() + started


# ---------------------------------------------------------------------- shared


def _last_part(context: UpdateContext, story: Story) -> Prompt | None:
    head = context.db.tree.get(story.head_id)
    if head is not None and head.role == "user":
        return context.db.tree.get(head.parent_id)
    return head
