"""/image: the price first, then a picture of one's own words, and nothing spent when it fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour
from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser
from tests.world import BotHarness, until


def photo(message: ChatMessage) -> bool:
    return message.attachment is not None and message.attachment.kind == "photo"


def balance(world: BotHarness) -> int:
    return int(world.value("select balance from user where id = 1"))


def offered(person: ChatUser, words: str = "кот на маяке, ночь") -> ChatMessage:
    person.send(f"/image {words}")
    return person.wait("Нарисую")


def test_the_price_comes_first_and_the_picture_after_the_press(world: BotHarness) -> None:
    person = world.new_person()
    before = balance(world)
    offer = offered(person)
    assert "кот на маяке, ночь" in offer.text and "2 000 токенов" in offer.text.replace("\u00a0", " ")
    assert offer.labels == ("🎨 Нарисовать", "✖️ Не надо") and balance(world) == before
    person.tap("🎨 Нарисовать")
    assert person.wait(photo).text == "🎨 кот на маяке, ночь"
    assert world.models.of("image")[-1].body["prompt"] == "кот на маяке, ночь"
    assert before - balance(world) == 2000 and world.value("select sum(reserved) from user") == 0
    assert world.value("select count(*) from call where session_id is null and purpose = 'image'") == 1
    assert world.value("select sessions from user") == 0


def test_without_words_it_asks_and_leads_back(world: BotHarness) -> None:
    person = world.writer()
    person.send("/image")
    person.wait("Что нарисовать")
    assert person.placeholder == "Что нарисовать?" and person.keyboard == (("✖️ Отмена",),)
    person.send("ж" * 501)
    person.wait("Длинновато")
    person.send("маяк")
    person.wait("Нарисую: маяк")
    assert "▶️ Дальше" in person.keyboard[0]
    person.tap("✖️ Не надо")
    person.wait("не рисую")
    assert not world.models.of("image")


def test_in_the_wizard_the_question_comes_again(world: BotHarness) -> None:
    person = world.new_person()
    person.press("📖 Новая история")
    person.wait("Какую историю")
    offered(person)
    person.wait("Какую историю")
    person.send("/image")
    person.wait("Что нарисовать")
    person.press("✖️ Отмена")
    person.wait("Какую историю")


def test_a_description_that_is_too_long_says_how_long_it_may_be(world: BotHarness) -> None:
    person = world.new_person()
    person.send(f"/image {'ж' * 501}")
    assert "500 знаков" in person.wait("Длинновато для картинки").text.replace("\u00a0", " ")


@pytest.mark.parametrize(("behaviour", "said", "labels"), [
    (Behaviour(end="filter"), "Художник за такое не взялся", ()),
    (Behaviour(status=500), "Не получилось обработать запрос", ("🔁 Повторить",)),
])  # fmt: skip
def test_a_picture_that_fails_costs_nothing(
    world: BotHarness, behaviour: Behaviour, said: str, labels: tuple[str, ...]
) -> None:
    person = world.new_person()
    before = balance(world)
    offered(person)
    world.models.faults.order(behaviour, kind="image")
    person.tap("🎨 Нарисовать")
    failed = person.wait(said)
    assert failed.labels == labels and balance(world) == before
    assert world.value("select sum(reserved) from user") == 0
    if labels:
        person.tap("🔁 Повторить")
        person.wait(photo)


def test_stop_works_and_words_wait_as_while_the_model_writes(world: BotHarness) -> None:
    person = world.writer()
    before = balance(world)
    offered(person)
    world.models.faults.order(Behaviour(first_chunk_s=5.0), kind="image")
    person.tap("🎨 Нарисовать")
    until(lambda: world.models.of("image"))
    person.send("И тут пошёл дождь")
    person.wait("Я ещё пишу")
    world.says("Все промокли.")
    person.send("стоп")
    person.wait("Ничего не списано")
    person.wait("Все промокли.")
    assert not [message for message in person.messages if photo(message)]
    assert world.value("select charged from call where purpose = 'image'") == 0 and balance(world) < before


def test_who_has_too_little_is_told_before(make_world: Callable[..., BotHarness]) -> None:
    world = make_world(USER_TOKENS=1999)
    world.start()
    person = world.new_person()
    offered(person)
    person.tap("🎨 Нарисовать")
    person.wait("Ходы кончились")
    assert not world.models.of("image")


@pytest.mark.parametrize("fails_first", [False, True])
def test_a_second_press_paints_nothing(world: BotHarness, fails_first: bool) -> None:
    person = world.new_person()
    offered(person)
    label = "🎨 Нарисовать"
    if fails_first:
        world.models.faults.order(Behaviour(status=500), kind="image")
        person.tap(label)
        person.wait("Не получилось")
        label = "🔁 Повторить"
    asked = len(world.models.of("image"))
    with world.telegram.state.lock:
        first, second = person.tap(label), person.tap(label)
    assert (first.wait_answer().text, second.wait_answer().text != "") == ("", True)
    person.wait(photo)
    assert len(world.models.of("image")) == asked + 1
