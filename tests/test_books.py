"""What a story's file has of the story, and what it leaves out: requests to the model."""

from __future__ import annotations

import io
import zipfile

import pytest

from export.story_book import for_readers, without_requests
from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser
from tests.harness import BotHarness


def file_of(harness: BotHarness, person: ChatUser, kind: str) -> bytes:
    """Download the open story as a file of this kind."""
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("📖 Скачать")
    person.wait("В каком виде")
    person.tap(kind)

    def has_come(message: ChatMessage) -> bool:
        return message.attachment is not None and message.attachment.name.endswith(kind.lower())

    attachment = person.wait(has_come).attachment
    assert attachment is not None
    return harness.telegram.state.files[attachment.file_id][1]


def all_text(content: bytes, kind: str) -> str:
    """Return everything that a file has, decoded."""
    if kind == "EPUB":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = b"".join(archive.read(name) for name in archive.namelist())
    return content.decode("utf-8", "replace")


@pytest.mark.parametrize("kind", ["TXT", "FB2", "EPUB", "HTML"])
def test_a_book_prints_the_story_and_no_request_to_the_model(harness: BotHarness, kind: str) -> None:
    person = harness.new_person()
    person.send("📖 Новая история")
    person.wait("жанр")
    for answer in ("Детектив", "Смотритель Маяк: слеп (пусть хромает)", "Остров", "(пиши короче)", "✅ Готово"):
        person.send(answer)
        person.wait()
    harness.says("Начало.")
    person.press("✨ Начать историю")
    person.wait("Начало.")
    harness.says("Снег пошёл.")
    person.send("Он вышел. (пусть пойдёт снег)\n(и потемнеет)\nДверь (дубовая) скрипнула.")
    person.wait("Снег пошёл.")
    text = all_text(file_of(harness, person, kind), kind)
    assert "Герой: Смотритель Маяк — слеп" in text and "Место: Остров" in text
    assert "Он вышел." in text and "Дверь (дубовая) скрипнула." in text
    assert not [said for said in ("пиши короче", "хромает", "пусть пойдёт снег", "потемнеет") if said in text]


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("(пусть пойдёт снег)", ""),
        ("Он ушёл (навсегда).", "Он ушёл (навсегда)."),
        ("Он (его звали Пётр) ушёл. (короче!)", "Он (его звали Пётр) ушёл."),
        ("(с юмором).\nИ тут она.", "И тут она."),
    ],
)
def test_requests_in_brackets_are_told_from_brackets_of_the_story(words: str, printed: str) -> None:
    assert without_requests(words) == printed


def test_a_ready_hero_reads_as_a_sentence() -> None:
    assert for_readers("Кот Пантелей: боится мышей") == "Кот Пантелей — боится мышей"
    assert for_readers("Старый смотритель (пиши о нём с юмором)") == "Старый смотритель"
