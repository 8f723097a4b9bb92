"""/my_data and /forget_me: all that is stored about the user, as a file, and its deletion after a question.

Both work for banned users too. The file is rendered by the thread that sends it.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Final

from conversation.localization import Html, Locales
from core.schemas import DeferredAttachment, Outgoing, RenderedAttachment
from database import Database
from handlers.context import UpdateContext, after_commit, now
from handlers.refunds import cancel_subscriptions
from telegram.payment_methods import CALLS
from telegram.update_result import DropMessages, ReleaseTurn, UpdateResult
from turns import guest_answers

DATA: Final = "my_data"  # the kind of attachment rendered here
COMMANDS: Final = frozenset({"/my_data", "/forget_me"})  # that a banned user may send
BUTTON: Final = "forget:"
MOST_PLAIN_BYTES = 20_000_000  # a larger file goes compressed: Telegram takes 50 MB
_ZIPPED_AT = (1980, 1, 1, 0, 0, 0)  # the earliest moment that the format knows


def my_data(context: UpdateContext) -> UpdateResult:
    """/my_data: send a file with everything, one at a time."""
    if context.db.outbox.has_attachment(context.chat_id, DATA):
        return context.say("privacy.coming")
    deferred = DeferredAttachment(DATA, context.user.id, context.texts.language)
    return context.deliver(Outgoing(context.chat_id, "sendDocument", {}, deferred=deferred))


def data_file(db: Database, locales: Locales, deferred: DeferredAttachment) -> RenderedAttachment | None:
    """Render the file of a user's data; None if they are gone. Runs in a sender's thread."""
    data = db.personal_data(deferred.of)
    if data is None:
        return None
    texts = locales[deferred.how]
    name, content = texts.plain("privacy.file"), json.dumps(data, ensure_ascii=False, indent=1).encode()
    if len(content) > MOST_PLAIN_BYTES:
        name, content = f"{name}.zip", _zipped(name, content)
    return RenderedAttachment({"caption": texts.plain("privacy.caption")}, {"document": (name, content)})


def _zipped(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, _ZIPPED_AT), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def forget_me(context: UpdateContext) -> UpdateResult:
    """/forget_me: say what would be deleted and what would not, and ask."""
    keyboard = context.inline(
        context.button("forget_all", f"{BUTTON}all"), context.button("not_needed", f"{BUTTON}keep")
    )
    said = context.texts.say("privacy.ask", stories=context.db.stories.count_of(context.user.id), also=_also(context))
    return context.send(said, keyboard=keyboard)


def _also(context: UpdateContext) -> Html:
    """Return what becomes of bought tokens, subscriptions and stories that an admin removed; empty without them."""
    texts, tokens = context.texts, context.user.bought
    said = [texts.say("privacy.bought", tokens=tokens)] if tokens else []
    if any(payment.renews for payment in context.db.payments.subscriptions(context.user.id, now())):
        said.append(texts.say("privacy.subscribed"))
    if context.db.shelf.has_hashes(context.user.id):
        said.append(texts.say("privacy.removed"))
    return Html("".join(f" {sentence}" for sentence in said))


def press(context: UpdateContext, argument: str) -> UpdateResult:
    """Take the answer to the question."""
    if argument == "keep":
        return context.edit("privacy.kept")
    if argument != "all":
        return context.toast("toast.past")
    if context.first:  # pressed again: this press has registered the user anew
        context.db.forgetting.forget(context.user.id, context.update.inbox_id)
        return context.toast("toast.forgotten")
    return _forget(context)


def _forget(context: UpdateContext) -> UpdateResult:
    """End the user's turns, then delete everything; of their messages only the goodbye still goes out."""
    db, turns, user_id = context.db, context.turns, context.user.id
    stopped = db.turns.open_by(user_id)
    unshown = db.guests.unshown(user_id)
    half = [(turn.chat_id, db.growing.message_of(turn.id)) for turn in stopped]
    for turn in stopped:
        turns.end_by_stop(turn)
    for call in unshown:
        db.ledger.refund(call.inbox_id)  # nobody will see that answer
    waiting = tuple(db.outbox.waiting_for(context.chat_id))
    unsent = (*waiting, *(row_id for call in unshown for row_id in call.row_ids))
    db.outbox.withdraw(unsent, but_for=CALLS)  # also if killed now
    unsubscribed = cancel_subscriptions(context.services, context.chat_id, user_id)
    db.forgetting.forget(user_id, context.update.inbox_id)
    goodbye = context.drop_buttons() + context.say("privacy.forgotten", keyboard={"remove_keyboard": True})
    gone = [
        Outgoing(chat_id, "deleteMessage", {"message_id": message_id}) for chat_id, message_id in half if message_id
    ]
    silent = [guest_answers.ended(call, context.texts.say("guest.stopped", name=call.character)) for call in unshown]
    ended = after_commit(
        *(ReleaseTurn(turn) for turn in stopped),
        DropMessages(context.chat_id, waiting),
        *(DropMessages(call.chat_id, call.row_ids) for call in unshown),
    )
    return goodbye + context.deliver(*gone, *silent) + unsubscribed + ended
