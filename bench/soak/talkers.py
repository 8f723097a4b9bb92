"""People who talk: with the assistant, with characters, by voice and with pictures."""

from __future__ import annotations

import io
from functools import cache, partial
from typing import Final

from PIL import Image

from bench.soak.person import Person
from sandbox.recording import record

PAGE: Final = "🎭 Открыть персонажей"
QUESTIONS: Final = (
    "Сколько будет шесть на семь?",
    "Почему море солёное?",
    "Посоветуй книгу на вечер.",
    "Как назвать рыжего кота?",
    "Что приготовить из яблок и овсянки?",
    "Объясни, почему небо синее.",
)
TO_CHARACTERS: Final = ("Кто ты?", "Что ты сегодня видел?", "Чего ты боишься?", "Расскажи о своём доме.", "Пойдём?")
DOCUMENT: Final = "Старая лампа горела на мысу, и никто не знал, кто её зажёг.".encode()
_CHARACTERS: Final = 6  # of the first page of their list


def chats(person: Person) -> None:
    """Ask the assistant, and now and then have it forget or change its role."""
    person.send("/start")
    person.send("/chat")
    while True:
        what = person.picks({"ask": 12, "forget": 1, "role": 1, "again": 1})
        if what == "ask":
            person.send(person.chance.choice(QUESTIONS), "written", what="a question")
        elif what == "forget":
            person.send("/clear")
        elif what == "role":
            person.send("/modes")
        else:
            person.send("/chat")


def talks_to_characters(person: Person) -> None:
    """Choose a character, talk to it for a while, choose another one."""
    person.send("/start")
    while True:
        shown = person.send("/characters")
        names = [label for label in shown.labels if label != PAGE] if shown else []
        if not names:
            continue
        person.tap(person.chance.choice(names[:_CHARACTERS]))
        for _ in range(person.chance.randint(2, 6)):
            person.send(person.chance.choice(TO_CHARACTERS), "written", what="to a character")


def sends_recordings_and_pictures(person: Person) -> None:
    """Speak in the chat, show photos to it, and have pictures drawn."""
    person.send("/start")
    person.send("/chat")
    while True:
        what = person.picks({"voice": 5, "photo": 2, "image": 1, "document": 1})
        if what == "voice":
            spoken = _spoken(person.chance.choice(QUESTIONS))
            person.does("a voice message", partial(person.user.voice, spoken), "other")
        elif what == "photo":
            person.does("a photo", partial(person.user.photo, _photo(), "Что тут?"), "other")
        elif what == "document":
            person.does("a document", partial(person.user.document, "Маяк.txt", DOCUMENT, "О чём это?"), "other")
        else:
            person.send("/image кот на маяке", what="/image")
            person.tap("🎨 Нарисовать", "other")


@cache
def _spoken(words: str) -> bytes:
    return record(words, 4.0)


@cache
def _photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 240), (200, 120, 40)).save(out, "JPEG")
    return out.getvalue()
