"""«Пиши мне сам»: a character writes first, to who asked for it, once a day, in their daytime, and falls silent."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversation.time_zones import APART_S, CITIES, OFFSETS, is_due, minute_of, name_of
from core.days import DAY_S
from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from tests.harness import BotHarness, until

Make = Callable[..., BotHarness]
CAT = "Кот-писарь Пантелей"
MOSCOW = 180


def asker(harness: BotHarness, user_id: int = 1) -> ChatUser:
    """Return somebody to whom the cat writes first, by Moscow time."""
    person = harness.new_person(user_id)
    person.press("🎭 Персонажи")
    person.wait("С кем поговорим")
    person.tap(CAT)
    person.wait("🎭 Отвечает")
    harness.says("Мур.")
    person.send("Скоро отпуск.")
    person.wait("Мур.")
    until(harness.settled)
    person.send("/characters")
    person.wait(f"🎭 Отвечает {CAT}")
    person.tap("✉️ Пиши мне сам")
    about = person.wait("может писать вам без приглашения")
    assert "≈" in about.text or "токен" in about.text  # the price is said before
    person.tap("Москва, UTC+3")
    person.wait("Договорились")
    until(harness.settled)
    return person


def noon(days: int, user_id: int = 1) -> int:
    """Return a time some days from now at which the letter of the day is due in Moscow: 20:45."""
    day = (int(time.time()) + MOSCOW * 60) // DAY_S + days
    return day * DAY_S + (20 * 60 + 45 - MOSCOW) * 60


def due(harness: BotHarness, now: int) -> int:
    assert harness.app is not None
    return harness.app.letters.send_due(now)


def letter(harness: BotHarness, person: ChatUser, now: int, text: str) -> None:
    harness.says(text)
    assert due(harness, now) == 1
    shown = person.wait(text)
    assert shown.labels == ("💬 Ответить", "🔕 Не пиши первым")
    until(harness.settled)


def test_it_writes_once_a_day_and_falls_silent_after_two_unanswered(harness: BotHarness) -> None:
    person = asker(harness)
    before = harness.db.balance()
    letter(harness, person, noon(1), "Как сборы в отпуск?")
    assert "Скоро отпуск." in str(harness.prompts()[-1]) and "Напиши ему первым" in str(harness.prompts()[-1])
    assert harness.db.balance() < before
    assert not due(harness, noon(1) + 60)
    letter(harness, person, noon(2), "Мурчу в одиночку.")
    assert not due(harness, noon(3)) and not due(harness, noon(4))
    person.send("/characters")
    person.wait("🎭 Отвечает")
    person.tap("✉️ Пишет первым")
    person.wait("Два письма остались без ответа")
    harness.says("Наконец-то!")
    person.send("Я вернулся.")  # an answer counts, and so the letters go on
    person.wait("Наконец-то!")
    assert "Мурчу в одиночку." in str(harness.prompts()[-1])  # the letter is in the talk
    until(harness.settled)
    letter(harness, person, noon(5), "С возвращением.")
    harness.check_books()


def test_a_letter_is_not_read_aloud_at_a_price_that_nobody_was_told(harness: BotHarness) -> None:
    person = asker(harness)
    assert harness.app is not None
    voices, character_id = harness.app.db.answer_voices, harness.db.value("user", "character_id")
    voices.put(1, character_id, replace(voices.get(1, character_id), aloud=True))
    letter(harness, person, noon(1), "Как сборы в отпуск?")
    assert harness.db.count("turn", kind="speaking") == 0


def test_one_press_under_a_letter_ends_them(harness: BotHarness) -> None:
    person = asker(harness)
    letter(harness, person, noon(1), "Как сборы?")
    assert person.tap("🔕 Не пиши первым").wait_answer().text == "Хорошо, первым писать не буду"
    until(harness.settled)
    assert not due(harness, noon(2))
    person.send("/characters")
    person.wait("🎭 Отвечает")
    person.tap("✉️ Пиши мне сам")
    person.tap("🌍 Другое время", person.wait("может писать вам без приглашения"))
    person.tap("UTC+5:30", person.wait("Какое у вас время"))
    person.wait("(UTC+5:30)")
    until(harness.settled)
    assert not due(harness, noon(1))  # switched on again, it doesn't write twice that day
    assert harness.db.value("first_letter", "zone_minutes") == 330


def test_nobody_is_disturbed(harness: BotHarness) -> None:
    person = asker(harness)
    stranger = harness.new_person(2)
    now = noon(1)
    harness.db.change("user", {"id": 1}, last_request_at=now - 7000)
    assert not due(harness, now)  # within two hours of the last talk
    harness.db.change("user", {"id": 1}, last_request_at=1)
    for night in (now + 16 * 60, now + 6 * 3600, now + 12 * 3600):  # 21:01, 2:45, 8:45
        assert not due(harness, night)
    for change, back in (({"blocked": 1}, {"blocked": 0}), ({"banned": 1}, {"banned": 0})):
        harness.db.change("user", {"id": 1}, **change)
        assert not due(harness, now)
        harness.db.change("user", {"id": 1}, **back)
    tokens = harness.db.balance()
    harness.db.change("user", {"id": 1}, balance=10)
    assert not due(harness, now)
    person.send("/characters")
    person.wait("🎭 Отвечает")
    person.tap("✉️ Пишет первым")
    person.wait("токенов на письмо не хватает")
    until(harness.settled)
    harness.db.change("user", {"id": 1}, balance=tokens)
    other = harness.db.insert("turn", chat_id=1, user_id=1, kind="chat", state="running", topic_id=7, created_at=1)
    assert not due(harness, now)  # a turn runs in another topic
    harness.db.delete("turn", id=other)
    held = harness.holds_all("Мур.")
    person.send("Подожди.")
    until(lambda: harness.db.open_turns())
    assert not due(harness, now)  # a turn runs
    held.set()
    person.wait("Мур.")
    until(harness.settled)
    assert not [message for message in stranger.bot_messages if "пиши" in message.text.lower()]


def test_a_letter_that_fails_says_nothing_and_costs_nothing(harness: BotHarness) -> None:
    person = asker(harness)
    shown, before = len(person.bot_messages), harness.db.balance()
    harness.models.faults.rule = lambda received: Behaviour(status=500)
    assert due(harness, noon(1)) == 1
    until(harness.is_idle)
    harness.models.faults.rule = None
    assert len(person.bot_messages) == shown and harness.db.balance() == before
    assert not due(harness, noon(1) + 600) and harness.db.value("first_letter", "unanswered") == 0
    letter(harness, person, noon(2), "Вот и я.")


def test_a_restart_writes_a_letter_once(harness: BotHarness) -> None:
    person = asker(harness)
    harness.models.faults.order(Behaviour(hang=True))
    asked = len(harness.prompts())
    assert due(harness, noon(1)) == 1
    until(lambda: len(harness.prompts()) > asked)
    harness.says("Вот и я.")
    harness.restart()
    person.wait("Вот и я.")
    until(harness.settled)
    assert not due(harness, noon(1) + 60)
    # Killed while another one waits, it starts again at night: nothing comes, and nothing of it counts.
    shown, asked, unanswered = len(person.bot_messages), len(harness.prompts()), 1
    harness.models.faults.order(Behaviour(hang=True))
    assert due(harness, noon(2)) == 1
    until(lambda: len(harness.prompts()) > asked)
    harness.stop(0.0)
    now = int(time.time())
    night = next(zone for zone in OFFSETS if (now + zone * 60) % DAY_S // 3600 == 2)
    harness.db.change("first_letter", zone_minutes=night, last_at=now)
    harness.start()
    until(harness.settled)
    assert len(person.bot_messages) == shown and harness.db.value("first_letter", "unanswered") == unanswered
    assert len([message for message in person.bot_messages if "Вот и я." in message.text]) == 1
    harness.check_books()


def test_words_that_come_meanwhile_wait_and_are_answered(harness: BotHarness) -> None:
    person = asker(harness)
    held = harness.holds("Как сборы?", "Рад слышать.")
    asked = len(harness.prompts())
    assert due(harness, noon(1)) == 1
    until(lambda: len(harness.prompts()) > asked)
    person.send("А вот и я.")
    until(lambda: not harness.telegram.updates_left())
    held.set()
    person.wait("Рад слышать.")
    until(harness.settled)
    harness.check_books()


def test_who_is_elsewhere_answers_by_one_press(harness: BotHarness) -> None:
    person = asker(harness)
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    letter(harness, person, noon(1), "Как сборы?")
    person.tap("💬 Ответить")
    assert "Как сборы?" in person.wait("помнит вашу беседу").text


@pytest.mark.parametrize("data", ["zone:99999999", "zone:11", "write_first:9999", "not_first:9999", "zones:9999"])
def test_no_forged_press_switches_anything_on(harness: BotHarness, data: str) -> None:
    person = harness.new_person()
    message = person.last
    value = {
        "id": "4294967297",
        "from": {"id": 1, "is_bot": False, "first_name": "Анна"},
        "message": {"message_id": message.id, "date": 1, "chat": {"id": 1, "type": "private"}, "text": "x"},
        "chat_instance": "1",
        "data": data,
    }
    harness.telegram.raw_update({"callback_query": value})
    until(lambda: harness.telegram.called("answerCallbackQuery"))
    until(harness.settled)
    assert not harness.db.count("first_letter")


@given(
    user_id=st.integers(1, 2**52),
    zone=st.sampled_from([*OFFSETS, *(minutes for _, minutes in CITIES)]),
    last_at=st.integers(0, 2**31),
    now=st.integers(1, 2**31),
)
def test_a_letter_is_due_only_by_day_and_on_another_day(user_id: int, zone: int, last_at: int, now: int) -> None:
    assert 600 <= minute_of(user_id, now // DAY_S) < 1260
    if is_due(user_id, zone, last_at, now):
        assert 10 <= (now + zone * 60) % DAY_S // 3600 < 21
        assert last_at == 0 or now - last_at >= APART_S or last_at - now > DAY_S
        assert not is_due(user_id, zone, now, now)


def test_letters_are_spread_over_the_day_and_missed_days_are_not_made_up_for() -> None:
    minutes = [minute_of(user_id, 20_000) for user_id in range(1_000)]
    assert max(minutes.count(minute) for minute in set(minutes)) < 12
    for zone in (-720, 0, 180, 840):
        last_at, written = 0, 0
        for now in range(20_000 * DAY_S, 20_010 * DAY_S, 600):
            if is_due(7, zone, last_at, now):
                last_at, written = now, written + 1
        assert written in (10, 11)
    assert name_of(180) == "UTC+3" and name_of(-210) == "UTC−3:30" and name_of(330) == "UTC+5:30"
