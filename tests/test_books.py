"""What a story's file has of the story, and what it leaves out: requests to the model."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable

import pytest

from conversation.wishes import without_wishes
from export.story_book import for_readers
from sandbox.model_faults import Behaviour
from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser
from tests.harness import BotHarness, until

BROKEN = base64.b64encode(b"\x89PNG\r\n\x1a\nbroken").decode()


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
    assert without_wishes(words) == printed


def test_a_ready_hero_reads_as_a_sentence() -> None:
    assert for_readers("Кот Пантелей: боится мышей") == "Кот Пантелей — боится мышей"
    assert for_readers("Старый смотритель (пиши о нём с юмором)") == "Старый смотритель"


# ── illustrations ──


def illustrate(harness: BotHarness, person: ChatUser) -> None:
    """Have the last part drawn."""
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🎨 Иллюстрация")
    person.wait("Нарисую последнюю часть")
    harness.says("Старик с фонарём на скале.")
    person.tap("🎨 Нарисовать")
    person.wait(lambda message: message.attachment is not None and message.attachment.kind == "photo")
    until(harness.settled)


def pictures_in(content: bytes, kind: str) -> int:
    """Return how many pictures a file shows beside its cover."""
    marks = {"EPUB": 'src="picture-', "FB2": 'l:href="#picture-', "HTML": "<figure>"}
    return all_text(content, kind).count(marks[kind])


@pytest.mark.parametrize("kind", ["FB2", "EPUB", "HTML"])
def test_an_illustration_stands_in_the_book_at_its_part(harness: BotHarness, kind: str) -> None:
    person = harness.writer(words="Смотритель зажёг огонь.")
    illustrate(harness, person)
    harness.says("Пришёл корабль.")
    person.press("▶️ Дальше")
    person.wait("Пришёл корабль.")
    content = file_of(harness, person, kind)
    text = all_text(content, kind)
    assert pictures_in(content, kind) == 1
    place = text.index({"EPUB": 'src="picture-001.jpg"', "FB2": "#picture-001.jpg", "HTML": "<figure>"}[kind])
    assert text.index("Смотритель зажёг огонь.") < place < text.index("Пришёл корабль.")
    assert harness.db.value("picture", "jpeg").startswith(b"\xff\xd8")


def test_a_part_drawn_twice_has_the_later_picture_and_a_rejected_part_none(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness(USER_TOKENS=60_000)
    harness.start()
    person = harness.writer()
    illustrate(harness, person)
    illustrate(harness, person)
    assert harness.db.count("picture") == 1
    assert pictures_in(file_of(harness, person, "FB2"), "FB2") == 1
    harness.says("Иначе.")
    person.press("🔄 Другой вариант")
    person.wait("Иначе.")
    assert pictures_in(file_of(harness, person, "FB2"), "FB2") == 0


def test_a_picture_goes_with_a_correction_and_a_branch_and_is_stored_once(harness: BotHarness) -> None:
    person = harness.writer()
    illustrate(harness, person)
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("✏️ Исправить")
    person.wait("Пришлите последнюю часть")
    person.send("Начало, но лучше.")
    person.wait("Исправлено")
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🔀 Ветка")
    person.wait("Ветка готова")
    content = file_of(harness, person, "FB2")
    assert "Начало, но лучше." in content.decode() and pictures_in(content, "FB2") == 1
    assert (harness.db.count("illustration"), harness.db.count("picture")) == (3, 1)
    person.send("/forget_me")
    person.wait("Удалить всё навсегда?")
    person.tap("🗑 Удалить всё")
    person.wait("я вас больше не помню")
    until(harness.settled)
    assert harness.db.count("picture") == 0


def test_a_picture_that_no_program_reads_is_shown_and_left_out_of_the_book(harness: BotHarness) -> None:
    person = harness.writer()
    harness.models.faults.order(Behaviour(text=json.dumps({"data": [{"b64_json": BROKEN}]})), kind="image")
    illustrate(harness, person)
    assert harness.db.count("picture") == 0
    assert pictures_in(file_of(harness, person, "EPUB"), "EPUB") == 0
