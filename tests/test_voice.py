"""Voice messages: shown as text, taken as typed at any step, paid once or not at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour
from sandbox.models import API_KEY
from sandbox.telegram_state import Attachment
from sandbox.users import ChatUser
from tests.bot_database import Not
from tests.harness import BotHarness, until
from tests.recordings import recording
from tests.test_groups import BOT, club

PRICE = 813


def hears(harness: BotHarness, *words: str, **behaviour: float) -> None:
    """Orders what is recognised next."""
    harness.models.faults.order(*(Behaviour(heard=each, **behaviour) for each in words), kind="stt")  # type: ignore[arg-type]


def say(harness: BotHarness, person: ChatUser, words: str) -> None:
    """Says words and waits until they are shown."""
    hears(harness, words)
    person.voice(recording())
    person.wait(f"🎙 {words.rstrip('.')}")


# ---------------------------------------------------------------------- taken as typed


def test_a_whole_wizard_and_a_story_by_voice(harness: BotHarness) -> None:
    person = harness.new_person()
    steps = (
        ("Новая история", "Какую историю"),
        ("космический вестерн", "Кто герой"),
        ("Смотритель маяка", "Где всё случится"),
        ("Остров в тумане", "Шаг 4"),
        ("Пропустить", "Начинаем?"),
    )
    for words, answer in steps:
        say(harness, person, words)
        person.wait(answer)
    draft = harness.app.db.drafts[1]  # type: ignore[union-attr]
    assert (draft.genre, draft.hero, draft.setting) == ("космический вестерн", "Смотритель маяка", "Остров в тумане")
    harness.says("Туман сгустился.")
    say(harness, person, "Начать историю.")
    person.wait("Туман сгустился.")
    harness.says("Он вошёл.")
    say(harness, person, "Пусть он войдёт <сам> & один")
    person.wait("Он вошёл.")
    assert "Пусть он войдёт <сам> & один" in harness.prompts()[-1][-1]["text"]
    harness.says("Дверь закрылась.")
    say(harness, person, "Дальше.")
    person.wait("Дверь закрылась.")
    say(harness, person, "меню")
    person.wait("Вы в меню")
    assert "токен" not in person.wait("🎙").text


def test_words_that_were_said_are_the_message_that_said_them(harness: BotHarness) -> None:
    person = harness.writer()
    hears(harness, "Он открыл дверь")
    harness.says("За ней море.")
    message_id = person.voice(recording())
    person.wait("За ней море.")
    assert (
        harness.db.value("prompt", "text", id=harness.db.value("sent", "prompt_id", message_id=message_id))
        == "Он открыл дверь"
    )


def test_words_in_the_menu_and_answers_to_questions_by_voice(harness: BotHarness) -> None:
    person = harness.writer()
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    say(harness, person, "А если корабль?")
    person.wait("Сообщение сохранил")
    person.send("/stories")
    person.wait("Ваши истории")
    person.send("/image")
    person.wait("Что нарисовать")
    say(harness, person, "кот на маяке")
    assert "кот на маяке" in person.wait("Нарисую").text


def test_a_tone_and_an_ending_by_voice(harness: BotHarness) -> None:
    person = harness.writer()
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🎭 Тон и стиль")
    person.wait("Каким тоном")
    say(harness, person, "Мрачный.")  # a button's label there
    assert "Мрачный" in person.wait("тон такой").text
    say(harness, person, "финал")
    person.wait("конец")
    harness.says("Все обнялись.")
    harness.says("Объятия")
    say(harness, person, "Пусть все обнимутся")
    person.wait("Все обнялись.")
    assert any("Пусть все обнимутся" in message["text"] for message in harness.prompts()[1])
    until(harness.settled)


def test_somebody_new_may_begin_with_a_voice_message(harness: BotHarness) -> None:
    person = harness.telegram.user(1, "Анна")
    hears(harness, "Жил-был кот")
    person.voice(recording())
    person.wait("Напишем историю вдвоём")
    person.wait("🎙 Жил-был кот")
    person.wait("Сообщение сохранил")


def test_music_is_no_voice_message(harness: BotHarness) -> None:
    person = harness.new_person()
    file_id = harness.telegram.state.add_file("song.mp3", b"ID3")
    person._send(text="", attachment=Attachment("audio", file_id, "song.mp3", "audio/mpeg", 3))
    person.wait("Музыку я пока не слушаю")
    assert not harness.models.of("stt")


# ---------------------------------------------------------------------- money


def test_recognition_is_paid_by_fifteen_seconds_begun(harness: BotHarness) -> None:
    person = harness.new_person()
    before = harness.db.balance()
    say(harness, person, "раз")
    assert before - harness.db.balance() == PRICE
    hears(harness, "два", "три")
    person.voice(recording(40))  # longer than Telegram was told
    person.wait("🎙 два три")
    assert before - harness.db.balance() == PRICE * 4
    assert len(harness.models.of("stt")) == 3
    until(harness.is_idle)
    assert harness.db.count("call", session_id=None, purpose="hearing") == 2
    assert harness.db.value("user", "sessions") == 0
    assert harness.db.count("turn", hint=Not("")) == 0


def test_who_has_too_little_is_told_before_anything_is_fetched(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(USER_TOKENS=PRICE - 1)
    harness.start()
    person = harness.new_person()
    person.voice(recording())
    person.wait("Ходы кончились")
    assert not harness.models.of("stt")


def test_a_recording_that_is_longer_than_was_told_is_refused_where_it_is_too_dear(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness(USER_TOKENS=PRICE)
    harness.start()
    person = harness.new_person()
    person.voice(recording(100))
    person.wait("Ходы кончились")
    assert not harness.models.of("stt") and harness.db.balance() == PRICE


def test_an_openai_compatible_server_hears_a_long_recording_whole(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    harness.settings |= {
        "MODEL_PROVIDER": "openai",
        "OPENAI_BASE_URL": harness.models.openai_url,
        "OPENAI_API_KEY": API_KEY,
        "OPENAI_MODEL": "test-model",
    }
    harness.start()
    person = harness.new_person()
    hears(harness, "долгий рассказ")
    person.voice(recording(100))
    person.wait("🎙 долгий рассказ")
    person.wait("Сообщение сохранил")
    assert [received.path for received in harness.models.of("stt")] == ["/v1/audio/transcriptions"]
    assert harness.db.balance() == 30_000 - 7 * 200  # the default where Yandex doesn't charge for it


# ---------------------------------------------------------------------- failures


def test_silence_costs_nothing_and_is_said(harness: BotHarness) -> None:
    person = harness.new_person()
    before = harness.db.balance()
    for heard in ("", " . "):
        hears(harness, heard)
        person.voice(recording())
        person.wait("Не расслышал")
    assert harness.db.balance() == before
    assert harness.db.value("budget", "lost") == 2 * PRICE  # the vendor bills silence
    assert harness.db.count("turn", hint=Not("")) == 0


@pytest.mark.parametrize("status", [500, 401, 403, 429])
def test_a_service_that_fails_says_so_and_is_asked_again_by_button(harness: BotHarness, status: int) -> None:
    person = harness.writer()
    before = harness.db.balance()
    harness.models.faults.order(*[Behaviour(status=status)] * 3, kind="stt")
    person.voice(recording())
    failed = person.wait("Не получилось обработать запрос", timeout=15)
    assert failed.labels == ("🔁 Повторить",)
    until(harness.is_idle)
    assert harness.db.balance() == before
    harness.models.faults._queues.clear()
    hears(harness, "Дальше")
    harness.says("И стало светло.")
    person.tap("🔁 Повторить")
    person.wait("И стало светло.")
    assert harness.db.count("turn", kind="hearing", state="answered") == 1
    until(harness.is_idle)


def test_a_server_without_recognition_is_named(harness: BotHarness) -> None:
    person = harness.new_person()
    harness.models.faults.order(Behaviour(status=404), kind="stt")
    person.voice(recording())
    assert person.wait("Голосовые здесь не подключены").labels == ()


@pytest.mark.parametrize(
    ("refusal", "said"), [("file is too big", "Голосовое слишком длинное"), ("wrong file_id", "Не получилось")]
)
def test_a_file_that_telegram_does_not_give(harness: BotHarness, refusal: str, said: str) -> None:
    person = harness.new_person()
    harness.telegram.faults.refuse("getFile", 400, f"Bad Request: {refusal}")
    person.voice(recording())
    person.wait(said)
    until(harness.is_idle)


def test_what_is_no_recording_is_said_to_have_failed(harness: BotHarness) -> None:
    person = harness.new_person()
    person.voice(b"OggS")
    assert not person.wait("Не узнаю формат").labels
    until(harness.is_idle)


def test_a_recording_of_an_hour_is_too_long(harness: BotHarness) -> None:
    person = harness.new_person()
    person.voice(recording(25 * 60))
    assert "до 20 минут" in person.wait("Голосовое слишком длинное").text
    until(harness.is_idle)
    assert not harness.models.of("stt")


# ---------------------------------------------------------------------- groups


def test_in_a_group_a_voice_message_that_replies_to_the_bot_is_a_question(harness: BotHarness) -> None:
    _, (anna, boris) = club(harness, 1, 2)
    harness.says("Синее.")
    anna.send(f"{BOT} какое небо?")
    first = anna.wait("Синее.").id
    boris.voice(recording())  # to nobody in particular
    hears(harness, "А ночью?", first_chunk_s=0.3)
    harness.says("Чёрное.")
    harness.says("Красное.")
    said = anna.voice(recording(), reply_to=first)
    until(lambda: harness.models.of("stt"))
    asked = boris.send(f"{BOT} а на Марсе?")
    assert anna.wait("🎙 А ночью?").reply_to == said
    assert anna.wait("Чёрное.").reply_to == said
    assert boris.wait("Красное.").reply_to == asked
    asked_in_order = [prompt[-1]["text"].rpartition(": ")[2] for prompt in harness.prompts()]
    assert asked_in_order == ["какое небо?", "А ночью?", "а на Марсе?"]
    assert len(harness.models.of("stt")) == 1
    until(harness.settled)


def test_in_a_chat_words_that_were_said_are_a_question(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("💬 Чат")
    person.wait("Чат")
    harness.says("Сорок два.")
    hears(harness, "сколько будет 6×7?")
    said = person.voice(recording())
    person.wait("Сорок два.")
    harness.says("Да.")
    person.send("точно?", reply_to=said)
    person.wait("Да.")
    assert "сколько будет 6×7?" in harness.prompts()[-1][-1]["text"]  # what it replies to comes along
