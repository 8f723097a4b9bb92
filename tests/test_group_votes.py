"""«▶️ Дальше» in a group's story: by vote, or by who began it."""

from __future__ import annotations

from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from tests.group_stories import NEXT, begun, moves, part
from tests.harness import BotHarness, until
from tests.test_groups import spent
from tests.toasts import ASKED, STRANGER


def test_half_of_those_who_wrote_decide_on_going_on_and_who_has_paid_least_pays(harness: BotHarness) -> None:
    _, (anna, boris, clara, dima), first = begun(harness, 1, 2, 3, 4)
    second = moves(harness, boris, "Дождь.", "Вторая.", first)
    third = moves(harness, clara, "Гром.", "Третья.", second)
    third = moves(harness, clara, "Град.", "Четвёртая.", third)
    fourth = moves(harness, anna, "Снег.", "Пятая.", third)
    assert dima.tap(NEXT, fourth).wait_answer().text == STRANGER  # he hasn't written anything
    assert "За: Имя3. Нужно ещё голосов: 1" in clara.tap(NEXT, fourth).wait_answer().text
    until(lambda: "▶️ Дальше · 1 из 2" in part(anna, "Пятая.").labels)
    harness.restart()  # votes stay
    paid = {number: spent(harness, number) for number in (2, 3)}
    assert paid[2] < paid[3]
    harness.says("Шестая.")
    boris.tap("▶️ Дальше · 1 из 2", fourth)
    anna.wait(lambda message: message.text == "Шестая.")
    until(harness.settled)
    assert spent(harness, 2) > paid[2] and spent(harness, 3) == paid[3]
    assert harness.db.count("story_vote") == 0
    harness.check_books()


def test_a_vote_is_over_after_ten_minutes_and_its_voter_pays_nothing(harness: BotHarness) -> None:
    _, (anna, boris, clara), first = begun(harness, 1, 2, 3)
    second = moves(harness, boris, "Дождь.", "Вторая.", first)
    third = moves(harness, clara, "Гром.", "Третья.", second)
    last = moves(harness, anna, "Снег.", "Четвёртая.", third)

    def votes(person: ChatUser) -> str:
        until(harness.settled)
        return person.tap(part(anna, "Четвёртая.").labels[0], last).wait_answer().text

    paid = {number: spent(harness, number) for number in (2, 3)}
    votes(clara)
    harness.db.add("story_vote", voted_at=-601)
    assert "За: Имя2. Нужно ещё голосов: 1" in votes(boris)
    harness.db.add("story_vote", {"user_id": 2}, voted_at=-601)
    assert "За: Имя2. Нужно ещё голосов: 1" in votes(boris)  # a vote anew: the press takes nothing back
    assert {number: spent(harness, number) for number in (2, 3)} == paid
    harness.says("Пятая.")
    votes(clara)
    anna.wait(lambda message: message.text == "Пятая.")
    until(harness.settled)
    harness.check_books()


def test_who_began_the_story_decides_alone_and_pays(harness: BotHarness) -> None:
    _, (anna, boris), first = begun(harness, 1, 2)
    second = moves(harness, boris, "Дождь.", "Вторая.", first)
    before = spent(harness, 1)
    harness.says("Третья.")
    anna.tap(NEXT, second)
    anna.wait(lambda message: message.text == "Третья.")
    until(harness.settled)
    assert spent(harness, 1) > before
    paid = spent(harness, 1)
    harness.says("Четвёртая.")
    boris.tap(NEXT, part(boris, "Третья."))  # the only one who wrote is more than half of one
    anna.wait(lambda message: message.text == "Четвёртая.")
    until(harness.settled)
    assert spent(harness, 1) == paid


def test_the_ending_and_other_questions_are_asked_once_however_often_the_button_is_pressed(harness: BotHarness) -> None:
    _, (anna,), first = begun(harness, 1)

    def asked(words: str) -> int:
        until(harness.settled)
        return len([message for message in anna.shown if words in message.text])

    with anna.state.lock:  # they come together
        presses = [anna.tap("🏁 Финал", first) for _ in range(3)]
    assert [press.wait_answer().text for press in presses] == ["", ASKED, ASKED]
    assert asked("Каким будет конец") == 1
    anna.tap("⬅️ Пишем дальше")
    anna.wait("Пишем дальше", since=0)
    assert anna.tap("🏁 Финал", first).wait_answer().text == ""  # the answered question is asked anew
    assert asked("Каким будет конец") == 1
    with anna.state.lock:
        presses = [anna.tap("⚙️ Ещё", first) for _ in range(3)]
    assert [press.wait_answer().text for press in presses] == ["", ASKED, ASKED]
    assert asked("что сделать с историей?") == 1


def test_no_vote_counts_while_the_ending_is_asked_and_a_failed_one_is_asked_anew(harness: BotHarness) -> None:
    _, (anna, boris), first = begun(harness, 1, 2)
    second = moves(harness, boris, "Дождь.", "Вторая.", first)
    assert anna.tap("🏁 Финал", second).wait_answer().text == ""
    asked = anna.wait("Каким будет конец")
    assert boris.tap("🏁 Финал", second).wait_answer().text == ASKED
    assert harness.db.count("story_vote") == 0
    harness.models.faults.order(Behaviour(status=400))
    boris.tap("😊 Счастливый", asked)
    boris.wait("Не получилось обработать запрос")
    until(harness.settled)
    assert anna.tap("🏁 Финал", second).wait_answer().text == ""
    anna.wait("Каким будет конец")
