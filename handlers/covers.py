"""«🎨 Обложка» of a finished story: show the price, then start a turn that draws it."""

from __future__ import annotations

from database import Story
from handlers.balances import price_of
from handlers.context import UpdateContext
from handlers.refusals import over_limit
from telegram.update_result import UpdateResult
from turns.kinds.picture import picture_price
from turns.message_view import title_of


def ask(context: UpdateContext, story: Story) -> UpdateResult:
    """Offer a cover with its price; one that was drawn before is replaced."""
    if not story.finished:
        return context.toast("toast.past")
    drawn = context.db.illustrations.cover(story.session_id) is not None
    draw = context.inline(context.button("paint", f"draw_cover:{story.session_id}"))
    price = price_of(context, picture_price(context.config))
    return context.say("cover.ask_again" if drawn else "cover.ask", title=title_of(story), price=price, keyboard=draw)


def draw(context: UpdateContext, story: Story) -> UpdateResult:
    """Start a turn that draws the cover."""
    if not story.finished or story.head_id is None:
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    if refusal := over_limit(context, "cover", story.session_id, picture_price(context.config)):
        return refusal
    started = context.start_turn("cover", story.session_id, story.head_id)
    return context.drop_buttons() + context.say_meanwhile("cover.wait") + started
