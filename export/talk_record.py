"""A talk with the assistant or a character as a document: who said what, and when.

It has what was said and no more: no role, no memory, no prompt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from conversation.localization import Locales, Texts
from core.schemas import DeferredAttachment, Json, Outgoing, RenderedAttachment
from core.text import shorten
from database import Database, Prompt, Talk
from export.formats import name_of

ATTACHMENT: Final = "talk"
_TITLE_CHARS: Final = 60

# Markdown in; text and entities out, as Telegram shows them.
Formatter = Callable[[str], Sequence[tuple[str, Sequence[Mapping[str, Json]]]]]


@dataclass(frozen=True, slots=True)
class Said:
    """One message: its speaker, day and time in UTC, the message that it replies to, and its Markdown."""

    name: str
    by_user: bool
    day: str
    clock: str
    quoted: str
    text: str


@dataclass(frozen=True, slots=True)
class TalkRecord:
    """A talk to export. `about` says with whom and when it was."""

    title: str
    about: str
    language: str
    messages: tuple[Said, ...]


def record_of(db: Database, texts: Texts, talk: Talk) -> TalkRecord:
    """Return a talk from its first message to its last one."""
    character = db.characters.get(talk.character_id)
    partner = character.name if character is not None else texts.plain("profile.name")
    names: dict[int, str] = {}
    messages = []
    for prompt in db.tree.whole(talk.head_id):
        by_user = prompt.role == "user"
        if by_user and prompt.user_id not in names:
            user = db.users.get(prompt.user_id)
            names[prompt.user_id] = user.first_name if user is not None else "—"
        name = names[prompt.user_id] if by_user else partner
        day, clock = _moment(texts, prompt.created_at)
        text = f"{_files(texts, prompt)}\n{prompt.text.strip()}".strip()
        messages.append(Said(name, by_user, day, clock, prompt.quoted, text))
    opening = shorten(" ".join(talk.opening.split()), _TITLE_CHARS)
    title = character.name if character is not None else opening or texts.plain("sessions.unnamed")
    days = list(dict.fromkeys(message.day for message in messages))
    period = "–".join([days[0], days[-1]] if len(days) > 1 else days)
    key = "talk_file.about" if character is None else "talk_file.about_character"
    return TalkRecord(title, texts.plain(key, name=partner, period=period), texts.language, tuple(messages))


def _files(texts: Texts, prompt: Prompt) -> str:
    """Return the line that names the files of a question; empty if it has none. The files themselves aren't kept."""
    documents = [" ".join(file.name.split()) for file in prompt.files if file.kind == "text"]
    pictures = len(prompt.files) - len(documents)
    named = [*documents, *([texts.plain("talk_file.pictures", n=pictures)] if pictures else [])]
    return f"📎 {', '.join(named)}" if named else ""


def document(talk: Talk, extension: str, language: str) -> Outgoing:
    """Return a message with the talk as a file, which is made when it is sent."""
    deferred = DeferredAttachment(ATTACHMENT, talk.session_id, f"{extension}:{language}")
    return Outgoing(talk.chat_id, "sendDocument", {}, deferred=deferred)


def file_of(
    db: Database,
    locales: Locales,
    formatter: Formatter,
    writers: Mapping[str, Callable[[TalkRecord, Formatter], bytes]],
    deferred: DeferredAttachment,
) -> RenderedAttachment | None:
    """Return the talk's file, or None if the talk is gone."""
    talk = db.talks.get(deferred.of)
    extension, _, language = deferred.how.partition(":")
    if talk is None or talk.deleted or talk.head_id is None or extension not in writers:
        return None
    texts = locales[language]
    record = record_of(db, texts, talk)
    name = name_of(record.title, texts.plain("sessions.unnamed"), extension)
    return RenderedAttachment({}, {"document": (name, writers[extension](record, formatter))})


def _moment(texts: Texts, moment: int) -> tuple[str, str]:
    year, month, date, clock = time.strftime("%Y %m %d %H:%M", time.gmtime(moment)).split()
    return texts.plain("day.date", year=year, month=month, date=date), clock
