"""/my_data and /forget_me: all that is stored about whoever asks, as a file, and its deletion after a question.

Both work for somebody banned, too. The file is made by who sends it.
"""

from __future__ import annotations

import io
import json
import zipfile
from functools import partial
from typing import Final

from conversation.localization import Locales
from core.schemas import DeferredAttachment, Outgoing, RenderedAttachment
from database import Database
from handlers.context import UpdateContext

Toast = str | None  # the key of a pop-up answer, if there is one

DATA: Final = "my_data"  # the kind of recipe made here
COMMANDS: Final = frozenset({"/my_data", "/forget_me"})  # that a banned user may send
BUTTON: Final = "forget:"
MOST_PLAIN_BYTES = 20_000_000  # a larger file goes compressed: Telegram takes 50 MB
_ZIPPED_AT = (1980, 1, 1, 0, 0, 0)  # the earliest moment that the format knows


def my_data(visit: UpdateContext) -> None:
    """/my_data: a file with everything; one at a time."""
    if visit.desk.db.outbox.has_attachment(visit.chat_id, DATA):
        visit.say("privacy.coming")
        return
    recipe = DeferredAttachment(DATA, visit.user.id, visit.texts.language)
    visit.envelope.send(Outgoing(visit.chat_id, "sendDocument", {}, recipe=recipe))


def data_file(db: Database, locales: Locales, recipe: DeferredAttachment) -> RenderedAttachment | None:
    """The file of a user's data; None where they are gone by now. In a sender's thread."""
    data = db.personal_data(recipe.of)
    if data is None:
        return None
    texts = locales[recipe.how]
    name, content = texts.plain("privacy.file"), json.dumps(data, ensure_ascii=False, indent=1).encode()
    if len(content) > MOST_PLAIN_BYTES:
        name, content = f"{name}.zip", _zipped(name, content)
    return RenderedAttachment({"caption": texts.plain("privacy.caption")}, {"document": (name, content)})


def _zipped(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, _ZIPPED_AT), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def forget_me(visit: UpdateContext) -> None:
    """/forget_me: what would go and what would not, and the question."""
    keyboard = visit.inline(visit.button("forget_all", f"{BUTTON}all"), visit.button("not_needed", f"{BUTTON}keep"))
    visit.say("privacy.ask", keyboard=keyboard, stories=visit.desk.db.stories.count_of(visit.user.id))


def press(visit: UpdateContext, argument: str) -> Toast:
    """The answer to the question."""
    if argument == "keep":
        visit.edit("privacy.kept")
        return None
    if argument != "all":
        return "toast.past"
    if visit.first:  # pressed once more: there is nobody to forget but whom this press has registered
        visit.desk.db.forgetting.forget(visit.user.id, visit.envelope.inbox_id)
        return "toast.forgotten"
    _forget(visit)
    return None


def _forget(visit: UpdateContext) -> None:
    """Ends what is under way for the user, then deletes everything; only the goodbye still goes out."""
    desk, user_id = visit.desk, visit.user.id
    for turn in desk.db.turns.open_by(user_id):
        desk.turns.end_by_stop(turn)
        visit.after(partial(desk.turns.release, turn))
    visit.after(partial(desk.delivery.drop, visit.chat_id, desk.db.outbox.waiting_for(visit.chat_id)))
    desk.db.forgetting.forget(user_id, visit.envelope.inbox_id)
    visit.drop_buttons()
    visit.say("privacy.forgotten", keyboard={"remove_keyboard": True})
