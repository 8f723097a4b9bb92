"""What a user sees of their account: balance, statistics, profile, the picture of 30 days, and asking for more."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable

import pytest
from PIL import Image

from handlers.usage_chart import SIZE, days_chart
from sandbox.telegram_state import ChatMessage
from tests.harness import ADMIN_ID, ROOT, BotHarness, until
from tests.toasts import OVER, PAST

DAY_S = 86_400


def picture_of(harness: BotHarness, message: ChatMessage) -> Image.Image:
    assert message.attachment is not None
    return Image.open(io.BytesIO(harness.telegram.state.files[message.attachment.file_id][1]))


def shown(message: ChatMessage) -> str:
    """Return the message's text, with usual spaces."""
    return message.text.replace("\N{NO-BREAK SPACE}", " ")


def spend(
    harness: BotHarness, user_id: int, tokens: int, days_ago: int = 0, purpose: str = "part", model: str = ""
) -> None:
    """Insert a settled call of that day and count it in the user's sums."""
    harness.db.add_settled_call(user_id, tokens, days_ago=days_ago, purpose=purpose, model=model)
    harness.db.add("user", {"id": user_id}, spent=tokens, requests=1)


# ---------------------------------------------------------------------- /balance, /stats, /info


def test_the_balance_says_what_is_left_and_spent_and_what_of_it_today(harness: BotHarness) -> None:
    person = harness.new_person()
    spend(harness, 1, 1600, days_ago=3)
    spend(harness, 1, 1000)
    harness.db.change("user", balance=27400)
    person.send("/balance")
    said = shown(person.wait("Осталось"))
    assert "≈ 11 ходов (27 400 токенов)" in said
    assert "Потрачено: 2 600 токенов, сегодня 1 000." in said
    assert "Каждый день" not in said and not person.last.labels


def test_the_balance_says_when_tokens_come_back(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(USER_TOKENS_PER_DAY=5000)
    harness.start()
    person = harness.new_person()
    person.send("/balance")
    assert "Каждый день прибавляется 5 000 токенов, пока их меньше 30 000. Следующие через" in shown(person.wait("Ост"))


def test_an_admins_balance_has_no_end(harness: BotHarness) -> None:
    admin = harness.new_person(ADMIN_ID, "Админ")
    harness.db.change("user", balance=0)
    admin.send("/balance")
    assert "без ограничений" in shown(admin.wait("Осталось")) and not admin.last.labels


def test_every_answered_call_counts_for_its_user(harness: BotHarness) -> None:
    person = harness.writer()
    person.send("/stats")
    said = shown(person.wait("Запросов к модели: 1"))
    spent = harness.db.value("user", "spent")
    assert spent > 0 and f"Потрачено: {spent:,}".replace(",", " ") in said
    assert "Последний запрос: сегодня, " in said
    assert harness.db.value("user", "requests") == 1


def test_statistics_of_somebody_who_has_asked_nothing_yet(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("/stats")
    assert "Последний запрос: ещё не было" in shown(person.wait("Запросов к модели: 0"))


def test_info_names_version_models_commands_and_the_open_session(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("/info")
    said = shown(person.wait("Соавтор"))
    assert "Модель: YandexGPT 5 Lite" in said and "Ничего не открыто" in said
    assert "Есть и другие: " in said and "YandexGPT 5 Pro" in said and "Alice AI LLM" in said
    assert "/balance" in said and "/users" not in said
    writer = harness.writer(2)
    writer.send("/info")
    assert "часть 1, потрачено" in shown(writer.wait("Соавтор"))
    writer.send("/chat")
    writer.wait("💬 Чат")
    harness.says("Мяу.")
    writer.send("Про кошек.")
    writer.wait("Мяу.")
    writer.send("/info")
    assert "Открыто: 💬 Про кошек., потрачено" in shown(writer.wait("Соавтор"))
    admin = harness.new_person(ADMIN_ID, "Админ")
    admin.send("/info")
    assert "/users" in shown(admin.wait("Соавтор"))


@pytest.mark.parametrize("command", ["/balance", "/stats", "/info"])
def test_informing_commands_leave_the_wizard_where_it_was(harness: BotHarness, command: str) -> None:
    person = harness.new_person()
    person.press("📖 Новая история")
    person.wait("Шаг 1 из 5")
    person.send(command)
    person.wait("Шаг 1 из 5")
    assert harness.db.value("user", "step") == "genre"


# ---------------------------------------------------------------------- the whole bot, for admins


def test_an_admin_sees_the_whole_bot(harness: BotHarness) -> None:
    harness.writer(1)
    admin = harness.new_person(ADMIN_ID, "Админ")
    harness.db.change("user", {"id": ADMIN_ID}, last_request_at=int(time.time()) - 5 * DAY_S)
    spend(harness, 1, 700, purpose="something_new", model="gone")
    harness.db.change("budget", lost=345)
    admin.send("/stats")
    said = shown(admin.wait("Весь бот"))
    assert "Людей: 2. Спрашивали модель сегодня: 1, за 7 дней: 2" in said
    assert "Запросов к модели: 2" in said and "части историй: 1 раз" in said and "something_new: 1 раз, 700 + 0" in said
    assert "Бюджет за всё время:" in said and "из 1 000 000 токенов" in said
    assert "не больше 345" in said
    roubles = f"{harness.db.value('call', 'charged', purpose='part') * 0.2 / 1000:.2f}".replace(".", ",")
    assert f"примерно {roubles} ₽, не считая вызовов, цена которых неизвестна: 1" in said
    assert harness.app is not None
    harness.app.analytics.flush()
    admin.send("/stats")
    said = shown(admin.wait("События за 7 дней"))
    assert "новые люди: 2" in said and "начаты истории: 1" in said


def test_every_counted_event_has_words_in_each_language(harness: BotHarness) -> None:
    told = re.compile(r'(?:\btrack|\.tell|TrackEvent|written_event =)[\s(]+"(\w+)"')
    sources = [file for folder in ("handlers", "turns", "monitoring") for file in (ROOT / folder).rglob("*.py")]
    names = {name for file in sources for name in told.findall(file.read_text())}
    assert {"registered", "part_written", "story_published", "card_sent", "first_letters_on"} <= names
    assert harness.app is not None
    locales = harness.app.locales
    assert [
        (language, name)
        for language in locales
        for name in names
        if f"event.{name}" not in locales[language].templates()
    ] == []


def test_an_event_of_another_version_is_shown_by_its_own_name(harness: BotHarness) -> None:
    admin = harness.new_person(ADMIN_ID, "Админ")
    assert harness.app is not None
    harness.app.analytics.tell("something_new", ADMIN_ID)
    harness.app.analytics.flush()
    admin.send("/stats")
    assert "something_new: 1" in shown(admin.wait("События за 7 дней"))


def test_the_whole_bot_in_roubles_where_prices_are_known(harness: BotHarness) -> None:
    from core.schemas import DeferredAttachment
    from handlers.usage import TOTALS, Statistics

    admin = harness.new_person(ADMIN_ID, "Админ")
    assert harness.app is not None and admin
    prices = {"known": 0.5}
    spend(harness, ADMIN_ID, 400, model="known")
    spend(harness, ADMIN_ID, 100, model="unknown")
    rubles = Statistics(
        harness.app.config,
        harness.app.db,
        harness.app.locales,
        lambda model, read, written, cached: prices[model] * (read + written) if model in prices else None,
    )
    text = str(rubles.totals(DeferredAttachment(TOTALS, ADMIN_ID, "ru")).params["text"])
    assert "примерно 200 ₽</b>, не считая вызовов, цена которых неизвестна: 1" in text


# ---------------------------------------------------------------------- the profile


def test_the_profile_shows_what_is_left_and_chosen(harness: BotHarness) -> None:
    person = harness.writer()
    harness.db.change("user", balance=21600, spent=8400)
    person.press("🏠 Меню")
    person.wait("меню")
    person.press("👤 Профиль")
    said = shown(person.wait("👤 Анна"))
    assert "▓▓▓▓▓▓▓░░░ 72 %\nПотрачено: 8 400 токенов, сегодня" in said and "(21 600 токенов)" in said
    assert "Сессий: 1 из 100, историй: 1" in said
    assert "YandexGPT 5 Lite" in said and "Русский" in said and "сожму его начало" in said
    assert person.last.labels == ("📊 30 дней", "🧠 Длинный чат: начинать новый", "🤖 Модель", "🌐 Язык")


def test_what_happens_at_a_full_chat_is_switched_in_place(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("👤 Профиль")
    card = person.wait("👤 Анна")
    person.tap("🧠 Длинный чат: начинать новый")
    person.wait("начну новый, прежний останется")
    assert harness.db.value("user", "at_full") == "anew"
    person.tap("🧠 Длинный чат: сжимать")
    assert person.wait("сожму его начало").id == card.id
    assert harness.db.value("user", "at_full") == "summarise"


def test_the_model_is_chosen_from_the_profile(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("👤 Профиль")
    person.wait("👤 Анна")
    person.tap("🤖 Модель")
    person.wait("/model")


def test_the_language_is_chosen_from_the_profile(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("👤 Профиль")
    person.wait("👤 Анна")
    person.tap("🌐 Язык")
    person.wait("На каком языке")


@pytest.mark.parametrize("data", ["account:nonsense", "account:all_days", "account:", "account:ask_access", "users:1"])
def test_an_invented_button_of_the_account_is_past(harness: BotHarness, data: str) -> None:
    person = harness.new_person()
    person.press("👤 Профиль")
    card = person.wait("👤 Анна")
    harness.telegram.raw_update({"callback_query": pressed(card, data)})
    until(lambda: harness.telegram.called("answerCallbackQuery"))
    assert harness.telegram.called("answerCallbackQuery")[-1].params["text"] == (OVER if data == "users:1" else PAST)
    harness.telegram.api.violations.clear()  # the invented query has no true id to answer to


def pressed(message: ChatMessage, data: str) -> dict[str, object]:
    """Return a callback query of user 1 that no button made."""
    chat = {"id": 1, "type": "private", "first_name": "Анна"}
    sender = {"id": 1, "is_bot": False, "first_name": "Анна"}
    shown = {"message_id": message.id, "date": 1, "chat": chat, "text": "…"}
    return {"id": "77", "from": sender, "message": shown, "chat_instance": "1", "data": data}


# ---------------------------------------------------------------------- the picture


def test_the_picture_of_30_days_has_every_number_in_its_caption(harness: BotHarness) -> None:
    person = harness.new_person()
    for days_ago, tokens in ((0, 300), (2, 5000), (29, 40), (30, 999)):
        spend(harness, 1, tokens, days_ago)
    spend(harness, 2, 777)
    person.press("👤 Профиль")
    person.wait("👤 Анна")
    person.tap("📊 30 дней")
    message = person.wait("Токены по дням")
    for number in ("5 340 токенов", ": 300", ": 5 000", ": 40", "178 в день"):
        assert number in shown(message)
    assert "999" not in shown(message) and "777" not in shown(message)
    picture = picture_of(harness, message)
    assert picture.format == "PNG" and picture.size == SIZE and picture.mode == "RGB"


def test_days_are_written_in_the_users_language(harness: BotHarness) -> None:
    person = harness.new_person()
    day = time.gmtime()
    spend(harness, 1, 300)
    person.press("👤 Профиль")
    person.wait("👤 Анна")
    person.tap("📊 30 дней")
    assert time.strftime("%d.%m: 300", day) in shown(person.wait("Токены по дням"))
    harness.db.change("user", {"id": 1}, language="en")
    person.tap("📊 30 дней")
    assert time.strftime("%d %b: 300", day) in shown(person.wait("Tokens by day"))


def test_nothing_is_drawn_of_30_days_without_a_token(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("👤 Профиль")
    person.wait("👤 Анна")
    assert "рисовать нечего" in str(person.tap("📊 30 дней").wait_answer().text)


def test_an_admin_also_gets_the_picture_of_the_whole_bot(harness: BotHarness) -> None:
    admin = harness.new_person(ADMIN_ID, "Админ")
    spend(harness, 1, 1200)
    spend(harness, ADMIN_ID, 300)
    admin.press("👤 Профиль")
    admin.wait("👤 Админ")
    admin.tap("📊 Весь бот")
    assert "1 500 токенов" in shown(admin.wait("Токены всего бота"))


def test_a_picture_is_drawn_anew_after_a_restart(harness: BotHarness) -> None:
    person = harness.new_person()
    spend(harness, 1, 300)
    harness.telegram.faults.refuse("sendPhoto", 502, times=1)
    person.press("👤 Профиль")
    person.wait("👤 Анна")
    person.tap("📊 30 дней")
    until(lambda: harness.telegram.called("sendPhoto"))
    kept = harness.db.value("outbox", "attachment", method="sendPhoto")
    assert kept is None or json.loads(kept) == ["days", 1, "ru"]
    harness.restart()
    person.wait("Токены по дням")


@pytest.mark.parametrize("numbers", [[0] * 30, [1] * 30, [10**12] + [0] * 29, [7] * 29 + [10**9]])
def test_any_days_can_be_drawn(numbers: list[int]) -> None:
    drawn = days_chart([(f"{day:02}.11", number) for day, number in enumerate(numbers, start=1)], str)
    assert Image.open(io.BytesIO(drawn)).size == SIZE
