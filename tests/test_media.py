"""«🎨 Иллюстрация» and «🔊 Озвучить»: the price first, then the file, and nothing spent when it fails."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.model_faults import Behaviour
from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser
from tests.harness import BotHarness, until


def has(kind: str) -> Callable[[ChatMessage], bool]:
    return lambda message: message.attachment is not None and message.attachment.kind == kind


def ask_for(person: ChatUser, button: str) -> None:
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap(button)


def test_a_picture_of_the_last_part_its_price_first(harness: BotHarness) -> None:
    person = harness.writer(words="Смотритель зажёг огонь.")
    before = harness.db.balance()
    ask_for(person, "🎨 Иллюстрация")
    assert "токен" in person.wait("Нарисую последнюю часть").text
    assert harness.db.balance() == before
    harness.says("Старик с фонарём на скале, ночь, волны.")
    person.tap("🎨 Нарисовать")
    picture = person.wait(has("photo"))
    assert "часть 1" in picture.text
    described = harness.prompts()[-1][-1]["text"]
    assert "Смотритель зажёг огонь." in described and "Облик героя, не меняй его: Смотритель Маяк: слеп" in described
    assert harness.models.of("image")[-1].body["prompt"].startswith("Старик с фонарём")
    assert before - harness.db.balance() > 11_200
    assert harness.db.total("user", "reserved") == 0


def test_a_scene_that_the_painter_refuses_costs_nothing(harness: BotHarness) -> None:
    person = harness.writer()
    ask_for(person, "🎨 Иллюстрация")
    person.wait("Нарисую")
    before = harness.db.balance()
    harness.models.faults.order(Behaviour(end="filter"), kind="image")
    person.tap("🎨 Нарисовать")
    person.wait("не пропустил фильтр картинок")
    assert harness.db.balance() == before and harness.db.total("user", "reserved") == 0
    assert int(harness.db.value("budget", "lost")) > 0  # the description was billed all the same


def test_a_part_is_read_aloud_in_the_chosen_voice(harness: BotHarness) -> None:
    person = harness.writer(words="Смотритель зажёг огонь. " * 19 + "Всё.")
    before = harness.db.balance()
    ask_for(person, "🔊 Озвучить")
    assert person.wait("Каким голосом").labels == (
        *("Даша", "Филипп", "Марина", "Кирилл", "Марина, шёпотом", "Александр"),
    )
    person.tap("Филипп")
    assert "часть 1" in person.wait(has("voice")).text
    chosen = next(message for message in person.shown if "голос: Филипп" in message.text)
    assert chosen.labels == () and not any("Каким голосом" in message.text for message in person.shown)
    assert before - harness.db.balance() == 2 * 813  # 460 characters: two units of 250
    until(lambda: harness.db.total("user", "reserved") == 0)


def test_a_picture_takes_no_slot_of_the_model(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MODEL_SLOTS=1)
    harness.start()
    person = harness.writer()
    ask_for(person, "🎨 Иллюстрация")
    person.wait("Нарисую")
    harness.models.faults.order(Behaviour(first_chunk_s=1.0), kind="image")
    person.tap("🎨 Нарисовать")
    until(lambda: harness.models.of("image"))
    other = harness.writer(2, words="Другая история.")
    assert not [message for message in person.messages if has("photo")(message)]
    assert not [message for message in other.messages if "в очереди" in message.text]
    person.wait(has("photo"))


def test_who_has_too_little_for_a_picture_is_told_before(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(USER_TOKENS=3000)
    harness.start()
    person = harness.writer()
    ask_for(person, "🎨 Иллюстрация")
    person.wait("Нарисую")
    person.tap("🎨 Нарисовать")
    person.wait("на финал хватит")
    assert not harness.models.of("image")
