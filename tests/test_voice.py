"""Voice messages: shown as text and taken as typed at any step, in order, and paid once or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ai.opus_splitter import Recording, read, write
from sandbox.model_faults import Behaviour
from sandbox.models import API_KEY
from sandbox.telegram_state import Attachment
from sandbox.users import ChatUser
from tests.poisoned_bot import DEADLY, DEATH
from tests.test_groups import BOT, club
from tests.world import BotHarness, until

_WHOLE = read((Path(__file__).parent / "voice.ogg").read_bytes())
PRICE = 200


def recording(seconds: int = 4) -> bytes:
    return write(Recording(_WHOLE.head, (_WHOLE.packets * (seconds // 37 + 1))[: seconds * 50]))


def hears(world: BotHarness, *words: str, **behaviour: float) -> None:
    """Orders what is recognised next."""
    world.models.faults.order(*(Behaviour(heard=each, **behaviour) for each in words), kind="stt")  # type: ignore[arg-type]


def balance(world: BotHarness) -> int:
    return int(world.value("select balance from user where id = 1"))


def say(world: BotHarness, person: ChatUser, words: str) -> None:
    """Says words and waits until they are shown."""
    hears(world, words)
    person.voice(recording())
    person.wait(f"🎙 {words.rstrip('.')}")


def open_books(world: BotHarness) -> int:
    """What is held, waits or runs."""
    return int(
        world.value("select sum(reserved) from user")
        + world.value("select coalesce(sum(reserved), 0) from budget")
        + world.value("select count(*) from call where state = 'asked'")
        + world.value("select count(*) from inbox where state in ('new', 'turn')")
        + world.value("select count(*) from turn where state in ('waiting', 'running')")
    )


# ---------------------------------------------------------------------- taken as typed


def test_a_whole_wizard_and_a_story_by_voice(world: BotHarness) -> None:
    person = world.new_person()
    steps = (
        ("Новая история", "Какую историю"),
        ("космический вестерн", "Кто герой"),
        ("Смотритель маяка", "Где всё случится"),
        ("Остров в тумане", "Шаг 4"),
        ("Пропустить", "Начинаем?"),
    )
    for words, answer in steps:
        say(world, person, words)
        person.wait(answer)
    draft = world.app.db.drafts[1]  # type: ignore[union-attr]
    assert (draft.genre, draft.hero, draft.setting) == ("космический вестерн", "Смотритель маяка", "Остров в тумане")
    world.says("Туман сгустился.")
    say(world, person, "Начать историю.")
    person.wait("Туман сгустился.")
    world.says("Он вошёл.")
    say(world, person, "Пусть он войдёт <сам> & один")
    person.wait("Он вошёл.")
    assert "Пусть он войдёт <сам> & один" in world.prompts()[-1][-1]["text"]
    world.says("Дверь закрылась.")
    say(world, person, "Дальше.")
    person.wait("Дверь закрылась.")
    say(world, person, "меню")
    person.wait("Вы в меню")
    assert "токен" not in person.wait("🎙").text


def test_words_that_were_said_are_the_message_that_said_them(world: BotHarness) -> None:
    person = world.writer()
    hears(world, "Он открыл дверь")
    world.says("За ней море.")
    message_id = person.voice(recording())
    person.wait("За ней море.")
    assert (
        world.value("select text from prompt join sent on prompt_id = prompt.id where message_id = ?", message_id)
        == "Он открыл дверь"
    )


def test_words_in_the_menu_and_answers_to_questions_by_voice(world: BotHarness) -> None:
    person = world.writer()
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    say(world, person, "А если корабль?")
    person.wait("Слова у меня")
    person.send("/stories")
    person.wait("Ваши истории")
    person.send("/image")
    person.wait("Что нарисовать")
    say(world, person, "кот на маяке")
    assert "кот на маяке" in person.wait("Нарисую").text


def test_a_tone_and_an_ending_by_voice(world: BotHarness) -> None:
    person = world.writer()
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🎭 Тон и стиль")
    person.wait("Каким тоном")
    say(world, person, "Мрачный.")  # a button's label there
    assert "Мрачный" in person.wait("🎭 Тон").text
    say(world, person, "финал")
    person.wait("конец")
    world.says("Все обнялись.")
    world.says("Объятия")
    say(world, person, "Пусть все обнимутся")
    person.wait("Все обнялись.")
    assert any("Пусть все обнимутся" in message["text"] for message in world.prompts()[1])
    until(world.settled)


def test_somebody_new_may_begin_with_a_voice_message(world: BotHarness) -> None:
    person = world.telegram.user(1, "Анна")
    hears(world, "Жил-был кот")
    person.voice(recording())
    person.wait("Вы придумываете, я пишу")
    person.wait("🎙 Жил-был кот")
    person.wait("Слова у меня")


def test_music_is_no_voice_message(world: BotHarness) -> None:
    person = world.new_person()
    file_id = world.telegram.state.add_file("song.mp3", b"ID3")
    person._send(text="", attachment=Attachment("audio", file_id, "song.mp3", "audio/mpeg", 3))
    person.wait("Музыку я пока не слушаю")
    assert not world.models.of("stt")


# ---------------------------------------------------------------------- money


def test_recognition_is_paid_by_fifteen_seconds_begun(world: BotHarness) -> None:
    person = world.new_person()
    before = balance(world)
    say(world, person, "раз")
    assert before - balance(world) == PRICE
    hears(world, "два", "три")
    person.voice(recording(40))  # longer than Telegram was told
    person.wait("🎙 два три")
    assert before - balance(world) == PRICE * 4
    assert len(world.models.of("stt")) == 3
    until(lambda: not open_books(world))
    assert world.value("select count(*) from call where session_id is null and purpose = 'hearing'") == 2
    assert world.value("select sessions from user") == 0
    assert world.value("select count(*) from turn where hint <> ''") == 0


def test_who_has_too_little_is_told_before_anything_is_fetched(make_world: Callable[..., BotHarness]) -> None:
    world = make_world(USER_TOKENS=PRICE - 1)
    world.start()
    person = world.new_person()
    person.voice(recording())
    person.wait("Ходы кончились")
    assert not world.models.of("stt")


def test_a_recording_that_is_longer_than_was_told_is_refused_where_it_is_too_dear(
    make_world: Callable[..., BotHarness],
) -> None:
    world = make_world(USER_TOKENS=PRICE)
    world.start()
    person = world.new_person()
    person.voice(recording(100))
    person.wait("Ходы кончились")
    assert not world.models.of("stt") and balance(world) == PRICE


def test_an_openai_compatible_server_hears_a_long_recording_whole(make_world: Callable[..., BotHarness]) -> None:
    world = make_world()
    world.settings |= {
        "MODEL_PROVIDER": "openai",
        "OPENAI_BASE_URL": world.models.openai_url,
        "OPENAI_API_KEY": API_KEY,
        "OPENAI_MODEL": "test-model",
    }
    world.start()
    person = world.new_person()
    hears(world, "долгий рассказ")
    person.voice(recording(100))
    person.wait("🎙 долгий рассказ")
    person.wait("Слова у меня")
    assert [received.path for received in world.models.of("stt")] == ["/v1/audio/transcriptions"]
    assert balance(world) == 30_000 - 7 * PRICE


# ---------------------------------------------------------------------- failures


def test_silence_costs_nothing_and_is_said(world: BotHarness) -> None:
    person = world.new_person()
    before = balance(world)
    for heard in ("", " . "):
        hears(world, heard)
        person.voice(recording())
        person.wait("Не расслышал")
    assert balance(world) == before
    assert world.value("select lost from budget") == 2 * PRICE  # the vendor bills silence
    assert world.value("select count(*) from turn where hint <> ''") == 0


@pytest.mark.parametrize("status", [500, 401, 403, 429])
def test_a_service_that_fails_says_so_and_is_asked_again_by_button(world: BotHarness, status: int) -> None:
    person = world.writer()
    before = balance(world)
    world.models.faults.order(*[Behaviour(status=status)] * 3, kind="stt")
    person.voice(recording())
    failed = person.wait("Не получилось обработать запрос", timeout=15)
    assert failed.labels == ("🔁 Повторить",)
    assert balance(world) == before and not open_books(world)
    world.models.faults._queues.clear()
    hears(world, "Дальше")
    world.says("И стало светло.")
    person.tap("🔁 Повторить")
    person.wait("И стало светло.")
    assert world.value("select count(*) from turn where kind = 'hearing' and state = 'answered'") == 1
    assert not open_books(world)


def test_a_server_without_recognition_is_named(world: BotHarness) -> None:
    person = world.new_person()
    world.models.faults.order(Behaviour(status=404), kind="stt")
    person.voice(recording())
    assert person.wait("распознавание речи не подключено").labels == ()


@pytest.mark.parametrize(("refusal", "said"), [("file is too big", "не осилить"), ("wrong file_id", "Не получилось")])
def test_a_file_that_telegram_does_not_give(world: BotHarness, refusal: str, said: str) -> None:
    person = world.new_person()
    world.telegram.faults.refuse("getFile", 400, f"Bad Request: {refusal}")
    person.voice(recording())
    person.wait(said)
    assert not open_books(world)


def test_what_is_no_recording_is_said_to_have_failed(world: BotHarness) -> None:
    person = world.new_person()
    person.voice(b"OggS")
    person.wait("Не получилось обработать запрос")
    assert not open_books(world)


def test_a_recording_of_an_hour_is_too_long(world: BotHarness) -> None:
    person = world.new_person()
    person.voice(recording(25 * 60))
    assert "до 20 минут" in person.wait("не осилить").text
    assert not world.models.of("stt") and not open_books(world)


# ---------------------------------------------------------------------- order


def test_what_comes_after_a_voice_message_waits_for_its_words(world: BotHarness) -> None:
    person = world.new_person()
    person.press("📖 Новая история")
    person.wait("Какую историю")
    hears(world, "сказка", "кот", first_chunk_s=0.3)
    person.voice(recording())
    person.voice(recording())
    person.send("лес")
    person.send("Пропустить")
    card = person.wait("Начинаем?").text
    assert [line.split(": ")[-1] for line in card.splitlines() if ": " in line][:3] == ["Сказка", "кот", "лес"]
    assert not [message for message in person.bot_messages if "Я ещё пишу" in message.text]


def test_a_chat_that_is_resumed_too_early_loses_no_words(world: BotHarness) -> None:
    person = world.writer()
    world.says("Он шёл долго.", first_chunk_s=0.4)
    person.press("▶️ Дальше")
    hears(world, "Он упал", first_chunk_s=0.4)
    world.says("Ему помогли.")
    world.says("Все рады.")
    person.voice(recording())
    person.send("Он встал")
    until(lambda: world.models.of("stt"))
    assert world.app is not None
    world.app.chats.resume(1)
    person.wait("Все рады.")
    asked = [prompt[-1]["text"] for prompt in world.prompts()][-2:]
    assert "Он упал" in asked[0] and "Он встал" in asked[1]
    until(world.settled)


def test_help_overtakes_a_voice_message(world: BotHarness) -> None:
    person = world.new_person()
    hears(world, "слова", first_chunk_s=0.5)
    person.voice(recording())
    until(lambda: world.models.of("stt"))
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    assert not [message for message in person.bot_messages if message.text.startswith("🎙")]
    person.wait("🎙 слова")


def test_a_voice_message_while_the_model_writes_waits_in_order_as_words_do(world: BotHarness) -> None:
    person = world.writer()
    world.says("Он шёл долго.", first_chunk_s=0.5)
    person.press("▶️ Дальше")
    hears(world, "Он упал")
    world.says("Ему помогли.")
    world.says("Все рады.")
    person.voice(recording())
    assert "✖️ Не надо" in person.wait("Я ещё пишу").labels
    person.send("Он встал")
    person.wait("Все рады.")
    asked = [prompt[-1]["text"] for prompt in world.prompts()][-2:]
    assert "Он упал" in asked[0] and "Он встал" in asked[1]
    until(world.settled)


def test_a_voice_message_is_one_of_the_five_that_wait_and_can_be_taken_back(world: BotHarness) -> None:
    person = world.writer()
    world.says("Он шёл долго.", first_chunk_s=1.0)
    person.press("▶️ Дальше")
    for _ in range(5):
        person.voice(recording())
        person.wait("Я ещё пишу")
    person.voice(recording())
    person.wait("Этого я не взял")
    for message in [message for message in person.bot_messages if "✖️ Не надо" in message.labels]:
        person.tap("✖️ Не надо", message).wait_answer()
    person.wait("Он шёл долго.")
    until(world.settled)
    assert not world.models.of("stt")


def test_a_wizard_goes_on_in_order_while_a_story_is_written_elsewhere(world: BotHarness) -> None:
    person = world.writer()
    world.says("Он шёл долго.", first_chunk_s=0.6)
    person.press("▶️ Дальше")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("📖 Новая история")
    person.wait("Какую историю")
    hears(world, "сказка")
    person.voice(recording())
    person.send("кот учёный")
    person.wait("Где всё случится")
    draft = world.app.db.drafts[1]  # type: ignore[union-attr]
    assert (draft.genre, draft.hero) == ("Сказка", "кот учёный")


@pytest.mark.parametrize("way", ["стоп", "/cancel"])
def test_a_stop_overtakes_and_ends_the_hearing(world: BotHarness, way: str) -> None:
    person = world.writer()
    before = balance(world)
    hears(world, "Он упал", first_chunk_s=5.0)
    person.voice(recording())
    until(lambda: world.models.of("stt"))
    person.send("Все ушли")
    world.says("Стало пусто.")
    person.send(way)
    person.wait("не слушаю")
    person.wait("Стало пусто.")
    assert not [message for message in person.bot_messages if "🎙" in message.text]
    until(world.settled)
    assert world.value("select charged from call where purpose = 'hearing'") == 0 and balance(world) < before
    assert world.value("select count(*) from turn where hint <> ''") == 0


# ---------------------------------------------------------------------- kills


def test_killed_while_it_listens_it_hears_in_the_next_life_in_order_and_charges_once(
    make_world: Callable[..., BotHarness],
) -> None:
    world = make_world()
    process = world.process()
    person = world.new_person()
    person.press("📖 Новая история")
    person.wait("Какую историю")
    hears(world, "не то", first_chunk_s=30.0)
    person.voice(recording())
    until(lambda: world.models.of("stt"))
    person.send("кот")
    until(lambda: world.value("select count(*) from inbox where state = 'new'") == 1)
    world.kill(process)
    hears(world, "сказка", first_chunk_s=0.3)
    world.process()
    person.wait("Где всё случится")
    until(world.settled)
    assert (world.value("select genre from draft"), world.value("select hero from draft")) == ("Сказка", "кот")
    assert world.value("select sum(charged) from call") == PRICE == 30_000 - balance(world)
    assert world.value("select count(*) from call where state = 'lost'") == 1
    assert not open_books(world)


def test_killed_right_after_it_has_heard_the_words_are_taken_once(make_world: Callable[..., BotHarness]) -> None:
    world = make_world()
    process = world.process("-m", "tests.poisoned_bot")
    person = world.new_person()
    person.press("📖 Новая история")
    person.wait("Какую историю")
    hears(world, DEADLY)
    person.voice(recording())
    person.send("кот")
    assert process.wait(10) == DEATH
    assert world.value("select count(*) from call where state = 'settled'") == 1
    world.process()
    person.wait("Где всё случится")
    until(world.settled)
    assert (world.value("select genre from draft"), world.value("select hero from draft")) == (
        DEADLY,
        "кот",
    )
    assert len(world.models.of("stt")) == 1 and balance(world) == 30_000 - PRICE
    assert [message.text for message in person.bot_messages].count(f"🎙 {DEADLY}") in (1, 2)


# ---------------------------------------------------------------------- groups


def test_in_a_group_a_voice_message_that_replies_to_the_bot_is_a_question(world: BotHarness) -> None:
    _, (anna, boris) = club(world, 1, 2)
    world.says("Синее.")
    anna.send(f"{BOT} какое небо?")
    first = anna.wait("Синее.").id
    boris.voice(recording())  # to nobody in particular
    hears(world, "А ночью?", first_chunk_s=0.3)
    world.says("Чёрное.")
    world.says("Красное.")
    said = anna.voice(recording(), reply_to=first)
    until(lambda: world.models.of("stt"))
    asked = boris.send(f"{BOT} а на Марсе?")
    assert anna.wait("🎙 А ночью?").reply_to == said
    assert anna.wait("Чёрное.").reply_to == said
    assert boris.wait("Красное.").reply_to == asked
    asked_in_order = [prompt[-1]["text"].rpartition(": ")[2] for prompt in world.prompts()]
    assert asked_in_order == ["какое небо?", "А ночью?", "а на Марсе?"]
    assert len(world.models.of("stt")) == 1
    until(world.settled)


def test_in_a_chat_words_that_were_said_are_a_question(world: BotHarness) -> None:
    person = world.new_person()
    person.press("💬 Чат")
    person.wait("Чат")
    world.says("Сорок два.")
    hears(world, "сколько будет 6×7?")
    said = person.voice(recording())
    person.wait("Сорок два.")
    world.says("Да.")
    person.send("точно?", reply_to=said)
    person.wait("Да.")
    assert "сколько будет 6×7?" in world.prompts()[-1][-1]["text"]  # what it replies to comes along
