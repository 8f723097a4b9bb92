"""Every limit says its sentence, leaves the conversation where it was, and charges nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from tests.harness import ADMIN_ID, BotHarness, until
from turns.limits import kept_for_ending, kept_of_balance, turn_price


def money(harness: BotHarness) -> tuple[int, ...]:
    """All that counts tokens, and how often the model was asked."""
    sums = (("user", "balance"), ("session", "spent"), ("user", "sessions"))
    totals = (harness.db.total(table, column) for table, column in sums)
    return (*totals, harness.db.count("call"), harness.db.held(), len(harness.prompts()))


def refused_at_the_card(harness: BotHarness, person: ChatUser, sentence: str) -> None:
    """Return the card of a new story is refused with this sentence, and stays as it is."""
    before = money(harness)
    draft = harness.db.rows("draft", user_id=person.id)
    person.press("✨ Начать историю")
    person.wait(sentence)
    until(harness.settled)
    assert money(harness) == before
    assert harness.db.rows("draft", user_id=person.id) == draft
    assert harness.db.value("user", "step", id=person.id) == "summary"
    assert "✨ Начать историю" in str(person.keyboard)


def refused_in_the_story(harness: BotHarness, person: ChatUser, sentence: str) -> None:
    """Words and ▶️ are refused with this sentence, and the story stays as it is."""
    before, head = money(harness), harness.db.value("session", "head_id")
    for words in ("Он открыл дверь.", "▶️ Дальше"):
        person.send(words)
        person.wait(sentence)
    until(harness.settled)
    assert money(harness) == before
    assert harness.db.value("session", "head_id") == head


def test_when_all_places_are_taken_only_an_admin_enters(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_USERS=1)
    harness.start()
    first = harness.new_person(1)
    second = harness.telegram.user(2, "Борис")
    second.send("/start")
    second.wait("Доступ закрыт: все места (1) заняты")
    second.send("Пустите!")
    second.wait("Доступ закрыт: все места")
    harness.telegram.user(ADMIN_ID, "Админ", "boss")
    harness.new_person(ADMIN_ID, "Админ")
    second.send("/start")
    second.wait("Попросите место у @boss")
    first.send("/help")
    first.wait("Мы пишем историю вдвоём")
    assert harness.db.values("user", "id") == [1, ADMIN_ID]


def test_a_user_begins_so_many_stories_and_can_write_on_in_each(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_SESSIONS_PER_USER=1)
    harness.start()
    person = harness.writer()
    for answer in ("🏠 Меню", "📖 Новая история", "Детектив", "Сыщик", "Порт", "Пропустить"):
        person.send(answer)
        person.wait()
    refused_at_the_card(harness, person, "начато 1 из 1")
    person.send("/cancel")
    person.wait("Черновик сохранён")
    person.send("🔖 К истории")
    person.wait("Ваши слова продолжат её")
    harness.says("Пишем дальше.")
    person.press("▶️ Дальше")
    person.wait("Пишем дальше.")


def test_a_full_story_is_warned_of_once_and_can_always_be_ended(make_harness: Callable[..., BotHarness]) -> None:
    limit = 40_000
    harness = make_harness(MAX_TOKENS_PER_SESSION=limit, MAX_TOKENS_PER_REQUEST=1500, MAX_TOKENS_PER_ANSWER=300)
    app = harness.start()
    person = harness.writer()
    harness.db.change("session", spent=limit * 79 // 100)
    for text in ("Вторая часть.", "Третья часть."):
        harness.says(text)
        person.press("▶️ Дальше")
        person.wait(text)
    person.wait("больше чем на 80 %", since=0)
    until(harness.settled)
    assert len([message for message in person.bot_messages if "больше чем на 80 %" in message.text]) == 1
    harness.db.change("session", spent=limit - kept_for_ending(app.config) - 10)
    refused_in_the_story(harness, person, "осталось место только на финал")
    harness.says("И настал конец.")
    person.tap("🏁 Финал")
    person.wait("Каким будет конец")
    person.press("😊 Счастливый")
    person.wait("И настал конец.")
    person.wait("Дописали!")
    assert harness.db.value("session", "spent") <= limit


def end(person: ChatUser) -> None:
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    person.press("😊 Счастливый")


def test_a_balance_too_small_for_a_turn_still_pays_the_ending(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    app = harness.start()
    person = harness.writer(words="Жил-был.")
    newcomer = harness.at_summary(2)
    harness.db.change("user", balance=kept_of_balance(app.config) + 100)
    refused_in_the_story(harness, person, "на финал хватит")
    refused_at_the_card(harness, newcomer, "На новую историю с финалом токенов уже не хватит")
    person.send("/balance")
    person.wait("Осталось: только финал (7\xa0600 токенов)")
    person.send("/chat")
    person.wait("Чат")
    person.send("Как дела?")
    person.wait("Токенов осталось только на финал истории")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("🔖 К истории")
    person.wait("Ваши слова продолжат её")
    harness.says("И настал конец.")
    harness.says("Свет")
    end(person)
    person.wait("И настал конец.")
    person.wait("Свет")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.send("/balance")
    assert "финал" not in person.wait("Осталось: ≈").text  # nothing is kept when no story waits for its ending


def test_an_ending_that_cannot_be_paid_is_refused_before_it_is_announced(harness: BotHarness) -> None:
    person = harness.writer(words="Жил-был кот." + " И ещё кот." * 150)
    harness.db.change("user", balance=1500)  # enough for the shortest prompt, not for this story's
    end(person)
    person.wait("Ходы кончились")
    until(harness.settled)
    assert not [message for message in person.bot_messages if "Пишу финал" in message.text]


def test_three_turns_and_one_are_said_to_be_left(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    app = harness.start()
    person, kept = harness.writer(), kept_of_balance(app.config)
    turn = turn_price(app.config)
    for left, said in ((5, ""), (4, "примерно 3 хода и финал"), (3, ""), (2, "примерно 1 ход и финал")):
        harness.db.change("user", balance=kept + left * turn)
        seen = len(person.bot_messages)
        harness.says(f"Часть при {left}.")
        person.press("▶️ Дальше")
        person.wait(f"Часть при {left}.")
        until(harness.settled)
        told = [message.text for message in person.bot_messages[seen:] if "⏳" in message.text]
        assert len(told) == bool(said) and said in "".join(told)
    harness.db.change("session", spent=app.config.max_tokens_per_session - kept_for_ending(app.config) - 2 * turn)
    harness.db.change("session", warned=1)
    harness.db.change("user", balance=30_000)
    harness.says("Мало места.")
    person.press("▶️ Дальше")
    person.wait("Мало места.")
    person.wait("примерно 1 ход и финал", since=len(person.bot_messages) - 1)


def test_who_only_chats_hears_of_the_last_turns_too(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness()
    app = harness.start()
    harness.new_person(ADMIN_ID, "Админ")
    person = harness.new_person()
    person.send("/chat")
    person.wait("Чат")
    harness.db.change("user", {"id": 1}, balance=4 * turn_price(app.config))
    harness.says("Хорошо.")
    person.send("Как дела?")
    person.wait("Хорошо.")
    assert person.wait("Осталось примерно 3 хода. Если нужно больше").labels == ("🙋 Попросить ещё",)


def test_a_used_up_balance_stops_new_turns_only(harness: BotHarness) -> None:
    person = harness.writer(words="Жил-был.")
    newcomer = harness.at_summary(2)
    harness.db.change("user", balance=10)
    refused_in_the_story(harness, person, "Ходы кончились")
    refused_at_the_card(harness, newcomer, "Ходы кончились")
    person.send("/whole_story")
    person.wait("Жил-был.")
    harness.db.change("user", balance=30000)
    harness.says("Начало второе.")
    newcomer.press("✨ Начать историю")
    newcomer.wait("Начало второе.")


def test_an_admin_writes_on_with_an_empty_balance(harness: BotHarness) -> None:
    admin = harness.writer(ADMIN_ID)
    harness.db.change("user", balance=0)
    harness.says("Дальше.")
    admin.press("▶️ Дальше")
    admin.wait("Дальше.")


def test_what_words_cost_at_most_is_looked_at_before_they_are_taken(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_REQUEST=1500, MAX_TOKENS_PER_ANSWER=300)
    harness.start()
    person = harness.writer()
    before = money(harness)
    person.send("Слова и ещё слова. " * 200)
    person.wait("Сократите")
    assert money(harness) == before


@pytest.mark.parametrize("period", ["ever", "month"])
def test_a_spent_project_closes_new_turns_until_there_is_more(
    make_harness: Callable[..., BotHarness], period: str
) -> None:
    harness = make_harness(MAX_PROJECT_TOKENS=50_000, MAX_PROJECT_TOKENS_PERIOD=period)
    harness.start()
    person, newcomer = harness.writer(1), harness.at_summary(2)
    name = "ever" if period == "ever" else time.strftime("%Y-%m", time.gmtime())
    assert harness.db.values("budget", "period") == [name]
    harness.db.change("budget", spent=49999)
    refused_in_the_story(harness, person, "общий лимит бота исчерпан")
    refused_at_the_card(harness, newcomer, "лимит бота исчерпан")
    harness.db.change("budget", period="2020-01")  # as it will be in a month that is not this one
    harness.says("Новый месяц.")
    person.press("▶️ Дальше")
    person.wait("Новый месяц.")


def test_admins_hear_of_each_share_of_the_budget_once(make_harness: Callable[..., BotHarness]) -> None:
    limit = 100_000
    harness = make_harness(MAX_PROJECT_TOKENS=limit)
    harness.start()
    admin, person = harness.new_person(ADMIN_ID, "Админ"), harness.writer()
    for spent in (limit // 2, limit // 2, limit * 8 // 10, limit * 8 // 10, limit - 2500):
        harness.db.change("budget", spent=spent)
        harness.says("Ещё часть.")
        person.press("▶️ Дальше")
        person.wait("Ещё часть.")
        until(harness.settled)
    heard = [message.text for message in admin.bot_messages if "💰" in message.text]
    assert [text.split(":")[0] for text in heard] == [
        "💰 Потрачено 50 % общего лимита",
        "💰 Потрачено 80 % общего лимита",
        "💰 Общий лимит исчерпан",
    ]
    assert not [message for message in person.bot_messages if "💰" in message.text]


def test_users_who_write_at_once_cannot_overspend_the_project(make_harness: Callable[..., BotHarness]) -> None:
    limit = 6000
    harness = make_harness(MODEL_SLOTS=8, MAX_PROJECT_TOKENS=limit)
    harness.start()
    people = [harness.at_summary(number) for number in range(1, 9)]
    harness.models.faults.default = Behaviour(text="Начало. " * 100, first_chunk_s=0.3)
    for person in people:
        person.press("✨ Начать историю")
    for person in people:
        person.wait(lambda message: message.text.startswith(("Начало. Начало.", "Доступ временно закрыт")))
    until(harness.settled)
    answered = [
        person for person in people if any(shown.text.startswith("Начало. Начало.") for shown in person.bot_messages)
    ]
    assert 0 < len(answered) < len(people)
    assert harness.db.total("budget", "spent") + harness.db.total("budget", "lost") <= limit
    assert sum(30_000 - left for left in harness.db.values("user", "balance")) == harness.db.value("budget", "spent")
    assert harness.db.value("budget", "reserved") == 0
