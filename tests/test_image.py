"""/image: the price first, then a picture of one's own words, and nothing spent when it fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour
from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser
from tests.harness import BotHarness


def photo(message: ChatMessage) -> bool:
    return message.attachment is not None and message.attachment.kind == "photo"


def offered(person: ChatUser, words: str = "кот на маяке, ночь") -> ChatMessage:
    person.send(f"/image {words}")
    return person.wait("Нарисую")


def test_the_price_comes_first_and_the_picture_after_the_press(harness: BotHarness) -> None:
    person = harness.new_person()
    before = harness.db.balance()
    offer = offered(person)
    assert "кот на маяке, ночь" in offer.text and "11 200 токенов" in offer.text.replace("\u00a0", " ")
    assert offer.labels == ("🎨 Нарисовать", "✖️ Не надо") and harness.db.balance() == before
    person.tap("🎨 Нарисовать")
    assert person.wait(photo).text == "🎨 кот на маяке, ночь"
    assert harness.models.of("image")[-1].body["prompt"] == "кот на маяке, ночь"
    assert before - harness.db.balance() == 11_200 and harness.db.total("user", "reserved") == 0
    assert harness.db.count("call", session_id=None, purpose="image") == 1
    assert harness.db.value("user", "sessions") == 0


def test_without_words_it_asks_and_leads_back(harness: BotHarness) -> None:
    person = harness.writer()
    person.send("/image")
    person.wait("Что нарисовать")
    assert person.placeholder == "Что нарисовать?" and person.keyboard == (("✖️ Отмена",),)
    person.send("ж" * 501)
    person.wait("Слишком длинно")
    person.send("маяк")
    person.wait("Нарисую: маяк")
    assert "▶️ Дальше" in person.keyboard[0]
    person.tap("✖️ Не надо")
    person.wait("не рисую")
    assert not harness.models.of("image")


def test_in_the_wizard_the_question_comes_again(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("📖 Новая история")
    person.wait("Какую историю")
    offered(person)
    person.wait("Какую историю")
    person.send("/image")
    person.wait("Что нарисовать")
    person.press("✖️ Отмена")
    person.wait("Какую историю")


def test_a_description_that_is_too_long_says_how_long_it_may_be(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send(f"/image {'ж' * 501}")
    assert "500 знаков" in person.wait("Описание слишком длинное").text.replace("\u00a0", " ")


@pytest.mark.parametrize(("behaviour", "said", "labels"), [
    (Behaviour(end="filter"), "Такую картинку не пропустил фильтр", ()),
    (Behaviour(status=500), "Не получилось обработать запрос", ("🔁 Повторить",)),
])  # fmt: skip
def test_a_picture_that_fails_costs_nothing(
    harness: BotHarness, behaviour: Behaviour, said: str, labels: tuple[str, ...]
) -> None:
    person = harness.new_person()
    before = harness.db.balance()
    offered(person)
    harness.models.faults.order(behaviour, kind="image")
    person.tap("🎨 Нарисовать")
    failed = person.wait(said)
    assert failed.labels == labels and harness.db.balance() == before
    assert harness.db.total("user", "reserved") == 0
    if labels:
        person.tap("🔁 Повторить")
        person.wait(photo)


def test_who_has_too_little_is_told_before(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(USER_TOKENS=11_199)
    harness.start()
    person = harness.new_person()
    offered(person)
    person.tap("🎨 Нарисовать")
    person.wait("На это токенов не хватит: нужно 11\xa0200, а свободно 11\xa0199")
    assert not harness.models.of("image")


@pytest.mark.parametrize("fails_first", [False, True])
def test_a_second_press_paints_nothing(harness: BotHarness, fails_first: bool) -> None:
    person = harness.new_person()
    offered(person)
    label = "🎨 Нарисовать"
    if fails_first:
        harness.models.faults.order(Behaviour(status=500), kind="image")
        person.tap(label)
        person.wait("Не получилось")
        label = "🔁 Повторить"
    asked = len(harness.models.of("image"))
    with harness.telegram.state.lock:
        first, second = person.tap(label), person.tap(label)
    assert (first.wait_answer().text, second.wait_answer().text != "") == ("", True)
    person.wait(photo)
    assert len(harness.models.of("image")) == asked + 1
