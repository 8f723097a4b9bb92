"""Turns under way: order, slots and places, words that wait, stop."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from tests.harness import BotHarness, until


def queued(people: list[ChatUser]) -> list[ChatUser]:
    """Return those who are shown their place in the queue."""
    return [person for person in people if any("Вы в очереди" in message.text for message in person.messages)]


def test_two_quick_messages_of_one_user_are_answered_in_order(harness: BotHarness) -> None:
    person = harness.writer()
    held = harness.holds("Ответ первый.", "Ответ второй.")
    person.send("Слова первые.")
    person.send("Слова вторые.")
    assert person.wait("Я ещё пишу", since=0).labels == ("✖️ Не надо", "⏹ Стоп")
    held.set()
    person.wait("Ответ второй.")
    texts = [message.text for message in person.bot_messages]
    assert texts.index("Ответ первый.") < texts.index("Ответ второй.")
    *turns, last = [message["text"] for message in harness.prompts()[-1][2:]]
    assert turns == ["Начало.", "Слова первые.", "Ответ первый."] and last.startswith("Слова вторые.\n\n(Пиши сразу")


def test_at_most_five_messages_wait_and_one_can_be_taken_back(harness: BotHarness) -> None:
    person = harness.writer()
    held = harness.holds("Готово.", *(f"Ответ {number}." for number in range(2, 7)))
    person.press("▶️ Дальше")
    for number in range(1, 16):
        person.send(f"Слова {number}")
    person.wait("Этого я не взял")
    until(lambda: not harness.telegram.updates_left() and not harness.db.count("inbox", state="new", queued=0))
    assert sum("Этого я не взял" in message.text for message in person.bot_messages) == 1  # of ten that aren't taken
    busy = [message for message in person.bot_messages if message.labels == ("✖️ Не надо", "⏹ Стоп")]
    assert len(busy) == 5
    person.tap("✖️ Не надо", busy[0])
    person.wait("Хорошо, этих слов в истории не будет.")
    mark = person.chat.revision
    person.send("Их место занято")  # now that something was taken, it is said again what isn't
    person.send("А это лишнее")
    person.wait("Этого я не взял", since=mark)
    held.set()
    person.wait("Ответ 6.")
    assert "Их место занято" in str(harness.prompts()) and "лишнее" not in str(harness.prompts())
    assert "Слова 1" not in str(harness.prompts()) and "Слова 6" not in str(harness.prompts())


def test_a_second_press_of_next_is_dropped_and_costs_nothing(harness: BotHarness) -> None:
    person = harness.writer()
    asked = len(harness.prompts())
    held = harness.holds("Одна.")
    person.press("▶️ Дальше")
    person.press("▶️ Дальше")
    person.wait("Ход не потрачен")
    held.set()
    person.wait("Одна.")
    until(harness.nothing_held)
    assert len(harness.prompts()) == asked + 1


def test_commands_and_buttons_that_need_no_model_answer_while_it_writes(harness: BotHarness) -> None:
    person = harness.writer()
    held = harness.holds("Наконец.")
    person.press("▶️ Дальше")
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    person.press("🏁 Финал")
    person.wait("✍️ Пишу историю…\nСейчас это не сработает")
    assert not [message for message in person.bot_messages if message.text == "Наконец."]
    held.set()
    person.wait("Наконец.")


@pytest.mark.parametrize("way", ["стоп", "/cancel", "⏹ Стоп", "draft"])
def test_stop_works_at_once_and_keeps_what_was_written(harness: BotHarness, way: str) -> None:
    person = harness.writer()
    before = harness.db.balance()
    harness.says("Он шёл. Он бежал. Он летел.", chunks=3, hang_after=2)
    person.press("▶️ Дальше")
    person.wait_draft("Он бежал.")
    if way == "draft":
        person.stop_draft()
    else:
        person.send(way)
    person.wait("Остановил, написанное осталось", timeout=5)
    assert person.draft is None
    paid = before - harness.db.balance()
    assert paid > 0 and harness.nothing_held()
    harness.says("И вернулся.")
    person.send("Потом он устал.")
    person.wait("И вернулся.")
    assert "Он шёл. Он бежал." in [message["text"] for message in harness.prompts()[-1]]


def test_stop_says_that_waiting_words_go_next(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Он шёл. Он бежал. Он летел.", chunks=3, hang_after=2)
    person.press("▶️ Дальше")
    person.wait_draft("Он бежал.")
    person.send("И тут пошёл снег.")
    person.wait("Я ещё пишу")
    harness.says("Снег лёг.")
    person.send("стоп")
    assert "1 сообщение" in person.wait("Теперь пойдут ваши слова").text
    person.wait("Снег лёг.")


def test_stop_before_a_word_keeps_the_words_and_costs_nothing(harness: BotHarness) -> None:
    person = harness.writer()
    before = harness.db.balance()
    harness.models.faults.order(Behaviour(hang=True))
    person.send("Он открыл дверь.")
    until(lambda: len(harness.prompts()) == 2)
    person.send("стоп")
    person.wait("Ваши слова сохранены", timeout=5)
    assert harness.db.balance() == before and harness.nothing_held()
    harness.says("За дверью море.")
    person.press("▶️ Дальше")
    person.wait("За дверью море.")
    assert "Он открыл дверь." in harness.prompts()[-1][-1]["text"]


def test_a_late_stop_does_not_hit_the_next_turn(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Вторая часть этой истории.", chunks=4, chunk_s=0.1)
    person.press("▶️ Дальше")
    old = person.wait_draft("").draft_id
    person.wait("Вторая часть этой истории.")
    held = harness.holds("Третья.")
    person.press("▶️ Дальше")
    harness.telegram.raw_update(
        {"stopped_message_generation": {"chat": {"id": 1, "type": "private", "first_name": "Анна"}, "draft_id": old}}
    )
    until(harness.db.open_turns)
    held.set()
    person.wait("Третья.")


def test_ten_users_with_ten_slots_wait_for_nobody(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MODEL_SLOTS=10)
    harness.start()
    people = [harness.at_summary(number) for number in range(1, 11)]
    held = harness.holds_all("Начало.", first_chunk_s=0.3)
    for person in people:
        person.press("✨ Начать историю")
    until(lambda: len(harness.prompts()) == 10)
    held.set()
    for person in people:
        person.wait("Начало.")
        assert not [message for message in person.messages if "в очереди" in message.text]
    assert harness.models.peak == 10


def test_with_fewer_slots_the_rest_see_their_places_until_their_turn(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MODEL_SLOTS=8)
    harness.start()
    people = [harness.at_summary(number) for number in range(1, 11)]
    held = harness.holds_all("Начало.", first_chunk_s=0.3)
    for person in people:
        person.press("✨ Начать историю")
    until(lambda: len(harness.prompts()) == 8 and len(queued(people)) == 2)
    held.set()
    waited = queued(people)
    for person in people:
        person.wait("Начало.")
    for person in waited:
        until(lambda person=person: not [m for m in person.shown if "в очереди" in m.text])  # type: ignore[misc]
    assert harness.models.peak == 8


def test_a_waiting_turn_can_be_stopped_in_the_queue(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MODEL_SLOTS=1)
    harness.start()
    first, second = harness.at_summary(1), harness.at_summary(2)
    held = harness.holds("Долгое начало.")
    first.press("✨ Начать историю")
    until(lambda: len(harness.prompts()) == 1)
    second.press("✨ Начать историю")
    assert second.wait("Вы в очереди: место 1").labels == ("⏹ Стоп",)
    second.tap("⏹ Стоп")
    second.wait("ничего не написано и не потрачено")
    held.set()
    first.wait("Долгое начало.")
    assert len(harness.prompts()) == 1 and harness.nothing_held()


def test_waiting_words_never_answer_the_wizard(harness: BotHarness) -> None:
    person = harness.writer()
    held = harness.holds("Часть вторая.")
    person.press("▶️ Дальше")
    person.send("Он открыл дверь.")
    person.wait("Я ещё пишу")
    person.send("/new_story")
    person.wait("Какую историю")
    held.set()
    person.wait("Часть вторая.")
    person.wait("Куда его")
    assert not harness.db.value("draft", "genre")


def test_waiting_words_never_go_into_another_story(harness: BotHarness) -> None:
    person = harness.writer()
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🔀 Ветка")
    person.wait("Ветка готова")
    held = harness.holds("Часть вторая.")
    person.press("▶️ Дальше")
    person.send("Он открыл дверь.")
    person.wait("Я ещё пишу")
    person.send("/stories")
    shelf = person.wait("Ваши истории")
    person.tap(shelf.labels[1])
    person.wait("…")
    person.tap("▶️ Продолжить")
    person.wait("Ваши слова продолжат")
    asked = len(harness.prompts())
    held.set()
    person.wait("Куда его")
    assert len(harness.prompts()) == asked
