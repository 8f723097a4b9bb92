"""Answers of the chat and of characters, read aloud after their text."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from tests.bot_database import OPEN_TURN
from tests.chatting import chatting
from tests.harness import BotHarness, until
from tests.kinds_of_turn import brings
from tests.recordings import recording
from tests.test_account import pressed
from tests.test_groups import BOT, club
from tests.test_voice import hears
from turns.spoken_text import MOST_CHARS, spoken

VOICE = brings("voice")


@pytest.mark.parametrize(
    ("markdown", "read"),
    [
        ("# Заголовок\n\nПросто **жирно** и `код`.", "Заголовок\nПросто жирно и код."),
        ("До.\n\n```python\nprint(1)\n```\n\nПосле.", "До.\nПосле."),
        ("См. [сайт](https://example.org/a?b=1) и https://example.org/long сам.", "См. сайт и сам."),
        ("- Один 🎉\n- Два\n\n---\n\n№ 3 при 20 °C", "Один\nДва\n№ 3 при 20 °C"),
        ("😀 код:\n```\nx = 1\n```\nконец 😀", "код:\nконец"),
        ("```\nprint(1)\n```", ""),
        ("https://example.org", ""),
        ("", ""),
    ],
)
def test_code_links_and_signs_are_not_read(markdown: str, read: str) -> None:
    assert spoken(markdown) == (read, False)


def test_a_long_answer_is_read_up_to_a_limit_at_the_end_of_a_sentence() -> None:
    text, is_beginning = spoken("Свет погас. " * 300)
    assert is_beginning and MOST_CHARS - 20 < len(text) <= MOST_CHARS and text.endswith("погас.")


def voices(person: ChatUser) -> int:
    return sum(map(VOICE, person.bot_messages))


def turn_on(person: ChatUser, button: str) -> None:
    person.press("🎓 Роль")
    person.wait("Кем мне быть")
    person.tap("🔊 Голос ответов")
    person.wait("Голос ответов: чат")
    person.tap(button)


def test_every_answer_is_read_after_its_text_until_that_is_turned_off(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("Просто текст.")
    person.send("Раз")
    person.wait("Просто текст.")
    until(harness.settled)
    assert not voices(person) and not harness.models.of("tts")
    turn_on(person, "🔊 Читать вслух каждый ответ")
    screen = person.wait("Читать вслух каждый ответ: да").text
    assert "Ответ в 500 знаков стоит" in screen and "(1\xa0626 токенов)" in screen
    balance = harness.db.balance()
    harness.says("Сначала **текст**.\n\n```\ncode()\n```")
    person.send("Два")
    text = person.wait("Сначала текст.")
    assert person.wait(VOICE).id > text.id
    until(harness.settled)
    [call] = harness.models.of("tts")
    assert call.body["text"] == "Сначала текст." and call.body["hints"][0] == {"voice": "dasha"}
    assert harness.db.value("call", "charged", purpose="speaking") == 813 and harness.db.balance() < balance - 812
    harness.check_books()
    person.tap("🔇 Не читать каждый ответ", person.wait("Читать вслух каждый ответ: да", since=0))
    person.wait("Читать вслух каждый ответ: нет")
    harness.says("Снова молча.")
    person.send("Три")
    person.wait("Снова молча.")
    until(harness.settled)
    assert voices(person) == 1


def test_a_spoken_question_is_answered_by_voice_where_that_is_wanted(harness: BotHarness) -> None:
    person = chatting(harness)
    turn_on(person, "🎙 На голосовые: голосом")
    person.wait("Голосом на ваши голосовые: да")
    harness.says("Текстом.")
    person.send("Пишу")
    person.wait("Текстом.")
    until(harness.settled)
    assert not voices(person)
    hears(harness, "Говорю")
    harness.says("Голосом.")
    person.voice(recording())
    person.wait("Голосом.")
    person.wait(VOICE)
    until(harness.settled)
    assert [call.body["text"] for call in harness.models.of("tts")] == ["Голосом."]
    data = harness.app.db.personal_data(1)  # type: ignore[union-attr]
    assert data is not None and '"voice_to_voice": 1' in json.dumps(data["user"])


def test_a_character_has_a_fitting_voice_and_one_that_was_chosen(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("🎭 Персонажи")
    person.wait("С кем поговорим")
    person.tap("Баба-яга на пенсии")
    person.wait("🎭 Отвечает")
    person.press("🎭 Персонажи")
    person.wait("Сменить героя")
    person.tap("🔊 Голос ответов")
    assert "Голос: Марина" in person.wait("Голос ответов: Баба-яга").text
    person.tap("🔊 Читать вслух каждый ответ")
    person.wait("Читать вслух каждый ответ: да")
    harness.says("Садись, чаю налью.")
    person.send("Здравствуй!")
    person.wait(VOICE)
    until(harness.settled)
    person.tap("Филипп", person.wait("Голос ответов: Баба-яга", since=0))
    person.wait("Голос: Филипп")
    harness.says("Пей.")
    person.send("Спасибо.")
    person.wait("Пей.")
    until(lambda: voices(person) == 2 and harness.settled())
    assert [call.body["hints"][0]["voice"] for call in harness.models.of("tts")] == ["marina", "filipp"]
    data = harness.app.db.personal_data(1)  # type: ignore[union-attr]
    assert data is not None and '"aloud": 1, "voice": "filipp"' in json.dumps(data["voices_of_answers"])
    person.send("/forget_me")
    person.wait("Удалить")
    person.tap("🗑 Удалить всё")
    until(lambda: harness.db.count("answer_voice") == 0)


def test_without_tokens_for_a_voice_the_text_comes_with_a_word_why(harness: BotHarness) -> None:
    person = chatting(harness)
    turn_on(person, "🔊 Читать вслух каждый ответ")
    person.wait("Читать вслух каждый ответ: да")
    harness.db.change("user", balance=3_000)
    harness.says("Очень длинный ответ. " * 60)
    person.send("Раз")
    person.wait("Очень длинный ответ.")
    said = person.wait("На голос токенов не хватает: нужно")
    until(harness.settled)
    assert not harness.models.of("tts") and harness.nothing_held() and not voices(person)
    person.tap("🔇 Без голоса", said)
    until(lambda: harness.db.values("answer_voice", "aloud") == [0])
    # Also of a character that has been deleted since.
    harness.db.change("user", voice_to_voice=1)
    texts = {"name": "К", "line": "к", "greeting": "п", "personality": "к"}
    gone = harness.db.insert("character", owner_id=1, language="ru", created_at=1, deleted_at=1, **texts)
    harness.telegram.raw_update({"callback_query": pressed(said, f"aloud:silent:{gone}")})
    until(lambda: harness.db.value("user", "voice_to_voice") == 0)
    harness.telegram.api.violations.clear()  # the invented query has no true id to answer to


def test_a_long_answer_says_that_its_voice_is_the_beginning(harness: BotHarness) -> None:
    person = chatting(harness)
    turn_on(person, "🔊 Читать вслух каждый ответ")
    person.wait("Читать вслух каждый ответ: да")
    harness.says("Свет погас. " * 300)
    person.send("Раз")
    assert "Прочитано начало, до 1\xa0500 знаков" in person.wait(VOICE).text
    until(harness.settled)
    harness.says("```\nx\n```")
    person.send("Два")
    person.wait("Вслух читать нечего")
    until(harness.settled)
    harness.check_books()


def test_after_a_kill_a_voice_comes_once_in_english(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    process = harness.process()
    person = harness.telegram.user(1, "Emma", language_code="en")
    person.send("/chat")
    person.wait("Chat")
    person.press("🎓 Role")
    person.wait("Who")
    person.tap("🔊 Voice of answers")
    person.wait("Voice of answers: the chat")
    person.tap("🔊 Read every answer aloud")
    person.wait("Read every answer aloud: yes")
    harness.says("It was dark.")
    harness.models.faults.order(Behaviour(hang=True), kind="tts")
    person.send("Tell me")
    person.wait("It was dark.")
    assert harness.db.count("turn", kind="chat", state="answered") == 1
    until(lambda: len(harness.models.of("tts")) == 1)
    harness.kill(process)
    harness.process()
    person.wait(VOICE)
    until(lambda: harness.db.count("turn", state=OPEN_TURN) == 0)
    assert voices(person) == 1


def test_in_a_group_only_who_asked_by_voice_hears_and_pays(harness: BotHarness) -> None:
    _, (anna,) = club(harness, 1)
    harness.says("Ответ.")
    anna.send(f"{BOT} расскажи")
    said = anna.wait("Ответ.")
    until(harness.settled)
    assert not voices(anna)
    harness.db.change("user", voice_to_voice=1)
    hears(harness, "Ещё")
    harness.says("Голосом.")
    anna.voice(recording(), reply_to=said.id)
    anna.wait("Голосом.")
    anna.wait(VOICE)
    until(harness.settled)
    harness.check_books()
