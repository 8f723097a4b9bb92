"""«🌍 На полку»: an author publishes a finished story, with their name or without it, and takes it back at any time.

An admin decides about a reported story: it is shown again, or removed for good.
"""

from __future__ import annotations

from typing import Final

from conversation.keyboards import inline
from conversation.story_draft import short_name
from core.days import DAY_S
from database import Story
from handlers import access_requests
from handlers.context import UpdateContext, now
from handlers.public_shelf import is_on
from telegram.update_result import UpdateResult
from turns.message_view import title_of

MOST_A_DAY: Final = 3
GENRE_CHARS: Final = 60


def row(context: UpdateContext, story: Story) -> list[tuple[str, str]]:
    """Return the button that a story's card has for the shelf, as a row; empty if there is none."""
    found = context.db.shelf.of_session(story.session_id)
    if found is not None and not found.withdrawn:
        return [context.button("unpublish", f"unpublish:{story.session_id}")]
    may = is_on(context) and story.finished
    return [context.button("publish", f"publish:{story.session_id}")] if may else []


def ask(context: UpdateContext, story: Story) -> UpdateResult:
    """Say what the shelf is and what may stand on it, and ask whether the author wishes to be named."""
    if refusal := _refusal(context, story):
        return refusal
    number = story.session_id
    named = context.button("publish_named", f"publish_named:{number}", name=context.user.first_name[:30])
    keyboard = inline(
        [named],
        [context.button("publish_unnamed", f"publish_unnamed:{number}")],
        [context.button("not_needed", f"publish_not:{number}")],
    )
    return context.say("public.rules", keyboard=keyboard, title=title_of(story))


def publish(context: UpdateContext, story: Story, *, named: bool) -> UpdateResult:
    """Put the story on the shelf as it stands now."""
    if refusal := _refusal(context, story):
        return refusal
    assert story.head_id is not None
    context.db.shelf.publish(
        session_id=story.session_id,
        user_id=context.user.id,
        head_id=story.head_id,
        title=title_of(story),
        genre=short_name(story.genre, GENRE_CHARS),
        author=context.user.first_name if named else "",
        now=now(),
    )
    back = context.button("unpublish", f"unpublish:{story.session_id}")
    keyboard = context.inline(back, context.button("public_shelf", "public:open"))
    found = context.db.shelf.of_session(story.session_id)
    key = "public.published" if found is not None and found.state != "reported" else "public.hidden"
    return context.edit(key, keyboard=keyboard, title=title_of(story)) + context.track("story_published", named=named)


def leave(context: UpdateContext, story: Story) -> UpdateResult:
    """«✖️ Не надо»: publish nothing."""
    return context.edit("public.not_published", title=title_of(story))


def withdraw(context: UpdateContext, story: Story) -> UpdateResult:
    """Take the story off the shelf, also if the owner of the bot has switched that off."""
    if not context.db.shelf.withdraw(story.session_id):
        return context.toast("toast.past")
    return context.say("public.withdrawn", title=title_of(story))


def _refusal(context: UpdateContext, story: Story) -> UpdateResult | None:
    if not is_on(context) or not story.finished or story.head_id is None:
        return context.toast("toast.over")
    found = context.db.shelf.of_session(story.session_id)
    if found is not None and found.state == "removed":
        return context.say("public.was_removed", title=title_of(story))
    if found is not None and not found.withdrawn:
        return context.toast("toast.on_shelf")
    if context.db.shelf.published_since(context.user.id, now() - DAY_S) >= MOST_A_DAY:
        return context.say("public.too_many", n=MOST_A_DAY)
    hidden = context.db.shelf.hidden_like(story.head_id, context.user.id)
    if hidden is not None and hidden.session_id != story.session_id:
        key = "public.like_removed" if hidden.state == "removed" else "public.like_reported"
        return context.say(key, title=title_of(story))
    if context.db.shelf.was_removed(story.head_id, context.user.id):
        return context.say("public.like_removed", title=title_of(story))
    return None


# ---------------------------------------------------------------------- the admin


def decide(context: UpdateContext, published_id: int, *, allowed: bool) -> UpdateResult:
    """Carry out an admin's decision on a reported story; the first one counts, and the author is told."""
    if not context.is_admin:
        return context.toast("toast.over")
    found = context.db.shelf.get(published_id)
    if found is None or not context.db.shelf.decide(published_id, allowed=allowed):
        return context.drop_buttons() + context.toast("toast.decided_already")
    account = context.db.accounts.get(found.user_id)
    assert account is not None
    told = access_requests.tell(
        context, account, "public.told_allowed" if allowed else "public.told_removed", title=found.title
    )
    return context.edit("public.allowed" if allowed else "public.removed", title=found.title) + told
