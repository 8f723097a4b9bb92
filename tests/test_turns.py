"""Turns under way: order, slots and places, words that wait, stop, and every way a model can fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour
from tests.world import ADMIN_ID, BotHarness, until

AWAY = "Не получилось обработать запрос, попробуйте позже"


def balance(world: BotHarness, user_id: int = 1) -> int:
    return int(world.value("select balance from user where id = ?", user_id))


def nothing_held(world: BotHarness) -> bool:
    held = [int(world.value(f"select sum(reserved) from {table}")) for table in ("user", "session", "budget")]
    return held == [0, 0, 0] and not world.value("select count(*) from call where state = 'asked'")


def test_two_quick_messages_of_one_user_are_answered_in_order(world: BotHarness) -> None:
    person = world.writer()
    world.says("Ответ первый.", first_chunk_s=0.2)
    world.says("Ответ второй.", first_chunk_s=0.1)
    person.send("Слова первые.")
    person.send("Слова вторые.")
    assert person.wait("Я ещё пишу", since=0).labels == ("✖️ Не надо", "⏹ Стоп")
    person.wait("Ответ второй.")
    texts = [message.text for message in person.bot_messages]
    assert texts.index("Ответ первый.") < texts.index("Ответ второй.")
    turns = [message["text"] for message in world.prompts()[-1][1:]]
    assert turns[1:] == ["Начало.", "Слова первые.", "Ответ первый.", "Слова вторые."]


def test_at_most_five_messages_wait_and_one_can_be_taken_back(world: BotHarness) -> None:
    person = world.writer()
    world.says("Готово.", first_chunk_s=1.0)
    person.press("▶️ Дальше")
    for number in range(1, 7):
        person.send(f"Слова {number}")
    person.wait("Этого я не взял")
    busy = [message for message in person.bot_messages if message.labels == ("✖️ Не надо", "⏹ Стоп")]
    assert len(busy) == 5
    person.tap("✖️ Не надо", busy[0])
    person.wait("Хорошо, этих слов в истории не будет.")
    for number in range(2, 6):
        world.says(f"Ответ {number}.")
    person.wait("Ответ 5.")
    assert "Слова 1" not in str(world.prompts()) and "Слова 6" not in str(world.prompts())


def test_a_second_press_of_next_is_dropped_and_costs_nothing(world: BotHarness) -> None:
    person = world.writer()
    asked = len(world.prompts())
    world.says("Одна.", first_chunk_s=0.4)
    person.press("▶️ Дальше")
    person.press("▶️ Дальше")
    person.wait("Ход не потрачен")
    person.wait("Одна.")
    until(lambda: nothing_held(world))
    assert len(world.prompts()) == asked + 1


def test_commands_and_buttons_that_need_no_model_answer_while_it_writes(world: BotHarness) -> None:
    person = world.writer()
    world.says("Наконец.", first_chunk_s=1.0)
    person.press("▶️ Дальше")
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    person.press("🏁 Финал")
    person.wait("Сейчас это не сработает: я пишу")
    assert not [message for message in person.bot_messages if message.text == "Наконец."]
    person.wait("Наконец.")


@pytest.mark.parametrize("way", ["стоп", "/cancel", "⏹ Стоп", "draft"])
def test_stop_works_at_once_and_keeps_what_was_written(world: BotHarness, way: str) -> None:
    person = world.writer()
    before = balance(world)
    world.says("Он шёл. Он бежал. Он летел.", chunks=3, hang_after=2)
    person.press("▶️ Дальше")
    person.wait_draft("Он бежал.")
    if way == "draft":
        person.stop_draft()
    else:
        person.send(way)
    person.wait("Остановился. Написанное осталось", timeout=2)
    assert person.draft is None
    paid = before - balance(world)
    assert paid > 0 and nothing_held(world)
    world.says("И вернулся.")
    person.send("Потом он устал.")
    person.wait("И вернулся.")
    assert "Он шёл. Он бежал." in [message["text"] for message in world.prompts()[-1]]


def test_stop_says_that_waiting_words_go_next(world: BotHarness) -> None:
    person = world.writer()
    world.says("Он шёл. Он бежал. Он летел.", chunks=3, hang_after=2)
    person.press("▶️ Дальше")
    person.wait_draft("Он бежал.")
    person.send("И тут пошёл снег.")
    person.wait("Я ещё пишу")
    world.says("Снег лёг.")
    person.send("стоп")
    assert "1 сообщение" in person.wait("Теперь пойдут ваши слова").text
    person.wait("Снег лёг.")


def test_stop_before_a_word_keeps_the_words_and_costs_nothing(world: BotHarness) -> None:
    person = world.writer()
    before = balance(world)
    world.models.faults.order(Behaviour(hang=True))
    person.send("Он открыл дверь.")
    until(lambda: len(world.prompts()) == 2)
    person.send("стоп")
    person.wait("Ваши слова остались в истории", timeout=2)
    assert balance(world) == before and nothing_held(world)
    world.says("За дверью море.")
    person.press("▶️ Дальше")
    person.wait("За дверью море.")
    assert "Он открыл дверь." in world.prompts()[-1][-1]["text"]


def test_a_late_stop_does_not_hit_the_next_turn(world: BotHarness) -> None:
    person = world.writer()
    world.says("Вторая часть этой истории.", chunks=4, chunk_s=0.1)
    person.press("▶️ Дальше")
    old = person.wait_draft("").draft_id
    person.wait("Вторая часть этой истории.")
    world.says("Третья.", first_chunk_s=0.3)
    person.press("▶️ Дальше")
    world.telegram.raw_update(
        {"stopped_message_generation": {"chat": {"id": 1, "type": "private", "first_name": "Анна"}, "draft_id": old}}
    )
    person.wait("Третья.")


def test_ten_users_with_ten_slots_wait_for_nobody(make_world: Callable[..., BotHarness]) -> None:
    world = make_world(MODEL_SLOTS=10)
    world.start()
    people = [world.at_summary(number) for number in range(1, 11)]
    world.models.faults.default = Behaviour(text="Начало.", first_chunk_s=0.5)
    for person in people:
        person.press("✨ Начать историю")
    for person in people:
        person.wait("Начало.")
        assert not [message for message in person.messages if "в очереди" in message.text]
    assert world.models.peak == 10


def test_with_fewer_slots_the_rest_see_their_places_until_their_turn(make_world: Callable[..., BotHarness]) -> None:
    world = make_world(MODEL_SLOTS=8)
    world.start()
    people = [world.at_summary(number) for number in range(1, 11)]
    world.models.faults.default = Behaviour(text="Начало.", first_chunk_s=1.0)
    for person in people:
        person.press("✨ Начать историю")
    for person in people:
        person.wait("Начало.")
    waited = [person for person in people if any("Вы в очереди" in message.text for message in person.messages)]
    assert len(waited) == 2
    for person in waited:
        until(lambda person=person: not [m for m in person.shown if "в очереди" in m.text])  # type: ignore[misc]
    assert world.models.peak == 8


def test_a_waiting_turn_can_be_stopped_in_the_queue(make_world: Callable[..., BotHarness]) -> None:
    world = make_world(MODEL_SLOTS=1)
    world.start()
    first, second = world.at_summary(1), world.at_summary(2)
    world.says("Долгое начало.", first_chunk_s=1.0)
    first.press("✨ Начать историю")
    until(lambda: len(world.prompts()) == 1)
    second.press("✨ Начать историю")
    assert second.wait("Вы в очереди: 1-й").labels == ("⏹ Стоп",)
    second.tap("⏹ Стоп")
    second.wait("ничего не написано и не потрачено")
    first.wait("Долгое начало.")
    assert len(world.prompts()) == 1 and nothing_held(world)


FAILURES = {
    "500": Behaviour(status=500),
    "403": Behaviour(status=403),
    "400": Behaviour(status=400),
    "shape B": Behaviour(status=400, shape="B"),
    "not JSON": Behaviour(status=500, shape="text"),
    "error under 200": Behaviour(error_after=0),
    "cut": Behaviour(cut_after=0),
    "garbage": Behaviour(garbage_after=0),
    "empty alternatives": Behaviour(empty_alternatives=True),
    "empty text": Behaviour(text=" "),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_call_says_so_costs_nothing_and_can_be_repeated(world: BotHarness, name: str) -> None:
    person = world.writer()
    before = balance(world)
    world.models.faults.order(FAILURES[name])
    person.send("Он встал.")
    assert person.wait(AWAY).labels == ("🔁 Повторить",)
    assert balance(world) == before and nothing_held(world)
    world.says("Стало светло.")
    person.tap("🔁 Повторить")
    person.wait("Стало светло.")
    assert [message["text"] for message in world.prompts()[-1][1:]][-1] == "Он встал."


def test_a_quota_that_does_not_free_says_that_many_are_writing(world: BotHarness) -> None:
    person = world.writer()
    world.models.faults.order(*[Behaviour(status=429)] * 3)
    person.press("▶️ Дальше")
    assert person.wait("Сейчас пишут сразу многие").labels == ("🔁 Повторить",)


def test_a_hiccup_is_healed_without_a_word(world: BotHarness) -> None:
    person = world.writer()
    world.models.faults.order(Behaviour(status=503))
    world.says("Дошло.")
    person.press("▶️ Дальше")
    person.wait("Дошло.")
    assert not [message for message in person.bot_messages if AWAY in message.text]


def test_a_stream_cut_in_the_middle_keeps_what_came(world: BotHarness) -> None:
    person = world.writer()
    before = balance(world)
    world.says("Он шёл. Он бежал. Он летел.", chunks=3, cut_after=2)
    person.press("▶️ Дальше")
    person.wait("Он шёл. Он бежал.")
    assert person.wait("Не получилось дописать").labels == ("🔁 Повторить",)
    assert balance(world) < before and nothing_held(world)
    world.says("Целая часть.")
    person.tap("🔁 Повторить")
    person.wait("Целая часть.")
    assert "Он бежал" not in str(world.prompts()[-1])


@pytest.mark.parametrize("end", ["filter", "silent_filter"])
def test_a_refused_turn_stays_out_of_the_story_and_can_be_asked_softer(world: BotHarness, end: str) -> None:
    person = world.writer()
    before = balance(world)
    world.models.faults.order(Behaviour(end=end))  # type: ignore[arg-type]
    person.send("Он взял топор.")
    assert person.wait("Модель не взялась за этот поворот").labels == ("🔁 Мягче",)
    assert balance(world) == before
    world.says("Топор он отложил.")
    person.tap("🔁 Мягче")
    person.wait("Топор он отложил.")
    last = world.prompts()[-1][-1]["text"]
    assert last.startswith("Он взял топор.") and "намёком" in last
    world.says("Дальше.")
    person.press("▶️ Дальше")
    person.wait("Дальше.")
    assert "не могу обсуждать" not in str(world.prompts()[-1])


def test_refused_words_can_be_edited_and_tried_again(world: BotHarness) -> None:
    person = world.writer()
    world.models.faults.order(Behaviour(end="filter"))
    message = person.send("Он взял топор.")
    person.wait("Модель не взялась за этот поворот")
    world.says("Лопата звякнула.")
    person.edit(message, "Он взял лопату.")
    person.wait("Лопата звякнула.")
    assert "топор" not in str(world.prompts()[-1])


def test_a_hanging_model_ends_at_its_deadline(make_world: Callable[..., BotHarness]) -> None:
    world = make_world(MODEL_TIMEOUT_S=1)
    world.start()
    person = world.writer()
    world.models.faults.order(Behaviour(hang=True))
    person.press("▶️ Дальше")
    person.wait(AWAY, timeout=5)
    assert nothing_held(world)


def test_a_button_pressed_twice_or_by_somebody_else_does_nothing(world: BotHarness) -> None:
    person = world.writer()
    world.models.faults.order(Behaviour(status=500))
    person.press("▶️ Дальше")
    failed = person.wait(AWAY)
    data = failed.buttons[0][0].data or ""
    world.says("Один раз.")
    person.tap("🔁 Повторить")
    person.wait("Один раз.")
    stranger = world.writer(2)
    asked = len(world.prompts())
    forged = ((person, data), (stranger, data), (person, "retry:999999"), (person, "nonsense"), (person, "stop:x"))
    for who, sent in forged:
        with world.telegram.state.lock:
            query = {
                "id": str(asked),
                "from": {"id": who.id, "is_bot": False, "first_name": "Х"},
                "message": {"message_id": failed.id, "date": 1, "chat": {"id": who.id, "type": "private"}, "text": "х"},
                "chat_instance": "1",
                "data": sent,
            }
        world.telegram.raw_update({"callback_query": query})
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    assert len(world.prompts()) == asked
    world.telegram.api.violations.clear()  # the invented queries have no true id to answer to


def test_debug_mode_sends_the_admin_every_fault_without_keys(world: BotHarness) -> None:
    admin = world.new_person(ADMIN_ID, "Админ")
    person = world.writer()
    world.models.faults.order(Behaviour(status=500, message="boom sandbox-key"))
    person.press("▶️ Дальше")
    person.wait(AWAY)
    admin.send("/debug")
    admin.wait("Отладка включена")
    world.restart()
    world.models.faults.order(Behaviour(status=500, message="boom sandbox-key"))
    person.tap("🔁 Повторить")
    person.wait(AWAY)
    report = admin.wait("🐞 part").text
    assert "HTTP 500" in report and "пользователь 1" in report and "boom" in report and "sandbox-key" not in report
    assert not [message for message in person.bot_messages if "🐞" in message.text]
    admin.send("/debug")
    admin.wait("Отладка выключена")


@pytest.mark.parametrize("command", ["/debug", "/logs"])
def test_hidden_commands_do_not_exist_for_others(world: BotHarness, command: str) -> None:
    person = world.new_person()
    person.send(command)
    hidden = person.wait("Такой команды я не знаю").text
    person.send("/nonsense")
    assert person.wait("Такой команды я не знаю").text == hidden


def test_logs_come_as_a_file_for_the_admin(world: BotHarness) -> None:
    (world.folder / "log.txt").write_text("строка журнала\n", "utf-8")
    admin = world.new_person(ADMIN_ID, "Админ")
    admin.send("/logs")
    message = admin.wait(lambda message: message.attachment is not None)
    assert message.attachment is not None and message.attachment.name == "log.txt"


def test_waiting_words_never_answer_the_wizard(world: BotHarness) -> None:
    person = world.writer()
    world.says("Часть вторая.", first_chunk_s=0.6)
    person.press("▶️ Дальше")
    person.send("Он открыл дверь.")
    person.wait("Я ещё пишу")
    person.send("/new_story")
    person.wait("Какую историю")
    person.wait("Часть вторая.")
    person.wait("Куда их?")
    assert not world.value("select genre from draft")


def test_waiting_words_never_go_into_another_story(world: BotHarness) -> None:
    person = world.writer()
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🔀 Ветка")
    person.wait("Ветка готова")
    world.says("Часть вторая.", first_chunk_s=0.6)
    person.press("▶️ Дальше")
    person.send("Он открыл дверь.")
    person.wait("Я ещё пишу")
    person.send("/stories")
    shelf = person.wait("Ваши истории")
    person.tap(shelf.labels[1])
    person.wait("…")
    person.tap("▶️ Продолжить")
    person.wait("Ваши слова продолжат")
    asked = len(world.prompts())
    person.wait("Куда их?")
    assert len(world.prompts()) == asked


def test_nothing_is_asked_again_in_a_deleted_story(world: BotHarness) -> None:
    person = world.writer()
    for _ in range(6):
        world.models.faults.order(Behaviour(status=400))
    person.press("▶️ Дальше")
    failed = person.wait("Не получилось")
    person.send("/stories")
    shelf = person.wait("Ваши истории")
    person.tap(shelf.labels[0])
    person.wait("Начало.")
    person.tap("🗑 Удалить")
    person.wait("удалена")
    assert person.tap("🔁 Повторить", failed).wait_answer().text == "Это уже прошлое"
