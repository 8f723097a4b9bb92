"""Every limit says its sentence, leaves the conversation where it was, and charges nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from tests.world import ADMIN_ID, BotHarness, until
from turns.limits import kept_for_ending


def money(world: BotHarness) -> tuple[int, ...]:
    """All that counts tokens, and how often the model was asked."""
    sums = ("sum(balance) from user", "sum(spent) from session", "sum(sessions) from user", "count(*) from call")
    held = ("sum(reserved) from user", "sum(reserved) from session", "coalesce(sum(reserved), 0) from budget")
    return (*(int(world.value(f"select {what}") or 0) for what in sums + held), len(world.prompts()))


def refused_at_the_card(world: BotHarness, person: ChatUser, sentence: str) -> None:
    """The card of a new story is refused with this sentence, and stays as it is."""
    before = money(world)
    draft = world.value("select genre || hero || setting from draft where user_id = ?", person.id)
    person.press("✨ Начать историю")
    person.wait(sentence)
    until(world.settled)
    assert money(world) == before
    assert world.value("select genre || hero || setting from draft where user_id = ?", person.id) == draft
    assert world.value("select step from user where id = ?", person.id) == "summary"
    assert "✨ Начать историю" in str(person.keyboard)


def refused_in_the_story(world: BotHarness, person: ChatUser, sentence: str) -> None:
    """Words and ▶️ are refused with this sentence, and the story stays as it is."""
    before, head = money(world), world.value("select head_id from session")
    for words in ("Он открыл дверь.", "▶️ Дальше"):
        person.send(words)
        person.wait(sentence)
    until(world.settled)
    assert money(world) == before
    assert world.value("select head_id from session") == head


def test_when_all_places_are_taken_only_an_admin_enters(make_world: Callable[..., BotHarness]) -> None:
    world = make_world(MAX_USERS=1)
    world.start()
    first = world.new_person(1)
    second = world.telegram.user(2, "Борис")
    second.send("/start")
    second.wait("Мест больше нет: соавторов уже 1")
    second.send("Пустите!")
    second.wait("Мест больше нет")
    world.telegram.user(ADMIN_ID, "Админ", "boss")
    world.new_person(ADMIN_ID, "Админ")
    second.send("/start")
    second.wait("можно спросить у @boss")
    first.send("/help")
    first.wait("Мы пишем историю вдвоём")
    assert world.value("select group_concat(id) from user") == f"1,{ADMIN_ID}"


def test_a_user_begins_so_many_stories_and_can_write_on_in_each(make_world: Callable[..., BotHarness]) -> None:
    world = make_world(MAX_SESSIONS_PER_USER=1)
    world.start()
    person = world.writer()
    for answer in ("🏠 Меню", "📖 Новая история", "Детектив", "Сыщик", "Порт", "Пропустить"):
        person.send(answer)
        person.wait()
    refused_at_the_card(world, person, "начато 1 из 1")
    person.send("/cancel")
    person.wait("Отложили")
    person.send("🔖 К истории")
    person.wait("Ваши слова продолжат её")
    world.says("Пишем дальше.")
    person.press("▶️ Дальше")
    person.wait("Пишем дальше.")


def test_a_full_story_is_warned_of_once_and_can_always_be_ended(make_world: Callable[..., BotHarness]) -> None:
    limit = 40_000
    world = make_world(MAX_TOKENS_PER_SESSION=limit, MAX_TOKENS_PER_REQUEST=1500, MAX_TOKENS_PER_ANSWER=300)
    app = world.start()
    person = world.writer()
    world.change("update session set spent = ?", limit * 79 // 100)
    for text in ("Вторая часть.", "Третья часть."):
        world.says(text)
        person.press("▶️ Дальше")
        person.wait(text)
    person.wait("больше чем на 80 %", since=0)
    until(world.settled)
    assert len([message for message in person.bot_messages if "больше чем на 80 %" in message.text]) == 1
    world.change("update session set spent = ?", limit - kept_for_ending(app.config) - 10)
    refused_in_the_story(world, person, "Место осталось только на финал")
    world.says("И настал конец.")
    person.tap("🏁 Финал")
    person.wait("Каким будет конец")
    person.press("😊 Счастливый")
    person.wait("И настал конец.")
    person.wait("Дописали!")
    assert world.value("select spent from session") <= limit


def test_a_used_up_balance_stops_new_turns_only(world: BotHarness) -> None:
    person = world.writer(words="Жил-был.")
    newcomer = world.at_summary(2)
    world.change("update user set balance = 10")
    refused_in_the_story(world, person, "Ходы кончились")
    refused_at_the_card(world, newcomer, "Ходы кончились")
    person.send("/whole_story")
    person.wait("Жил-был.")
    world.change("update user set balance = 30000")
    world.says("Начало второе.")
    newcomer.press("✨ Начать историю")
    newcomer.wait("Начало второе.")


def test_an_admin_writes_on_with_an_empty_balance(world: BotHarness) -> None:
    admin = world.writer(ADMIN_ID)
    world.change("update user set balance = 0")
    world.says("Дальше.")
    admin.press("▶️ Дальше")
    admin.wait("Дальше.")


def test_what_words_cost_at_most_is_looked_at_before_they_are_taken(make_world: Callable[..., BotHarness]) -> None:
    world = make_world(MAX_TOKENS_PER_REQUEST=1500, MAX_TOKENS_PER_ANSWER=300)
    world.start()
    person = world.writer()
    before = money(world)
    person.send("Слова и ещё слова. " * 200)
    person.wait("сократите")
    assert money(world) == before


@pytest.mark.parametrize("period", ["ever", "month"])
def test_a_spent_project_closes_new_turns_until_there_is_more(
    make_world: Callable[..., BotHarness], period: str
) -> None:
    world = make_world(MAX_PROJECT_TOKENS=50_000, MAX_PROJECT_TOKENS_PERIOD=period)
    world.start()
    person, newcomer = world.writer(1), world.at_summary(2)
    name = "ever" if period == "ever" else time.strftime("%Y-%m", time.gmtime())
    assert world.value("select group_concat(period) from budget") == name
    world.change("update budget set spent = 49999")
    refused_in_the_story(world, person, "Лимит исчерпан: бот потратил всё")
    refused_at_the_card(world, newcomer, "Лимит исчерпан")
    world.change("update budget set period = '2020-01'")  # as it will be in a month that is not this one
    world.says("Новый месяц.")
    person.press("▶️ Дальше")
    person.wait("Новый месяц.")


def test_admins_hear_of_each_share_of_the_budget_once(make_world: Callable[..., BotHarness]) -> None:
    limit = 100_000
    world = make_world(MAX_PROJECT_TOKENS=limit)
    world.start()
    admin, person = world.new_person(ADMIN_ID, "Админ"), world.writer()
    for spent in (limit // 2, limit // 2, limit * 8 // 10, limit * 8 // 10, limit - 2500):
        world.change("update budget set spent = ?", spent)
        world.says("Ещё часть.")
        person.press("▶️ Дальше")
        person.wait("Ещё часть.")
        until(world.settled)
    heard = [message.text for message in admin.bot_messages if "💰" in message.text]
    assert [text.split(":")[0] for text in heard] == [
        "💰 Потрачено 50 % общего лимита",
        "💰 Потрачено 80 % общего лимита",
        "💰 Общий лимит исчерпан",
    ]
    assert not [message for message in person.bot_messages if "💰" in message.text]


def test_users_who_write_at_once_cannot_overspend_the_project(make_world: Callable[..., BotHarness]) -> None:
    limit = 6000
    world = make_world(MODEL_SLOTS=8, MAX_PROJECT_TOKENS=limit)
    world.start()
    people = [world.at_summary(number) for number in range(1, 9)]
    world.models.faults.default = Behaviour(text="Начало. " * 100, first_chunk_s=0.3)
    for person in people:
        person.press("✨ Начать историю")
    for person in people:
        person.wait(lambda message: message.text.startswith(("Начало. Начало.", "Лимит исчерпан")))
    until(world.settled)
    answered = [person for person in people if person.last.text.startswith("Начало. Начало.")]
    assert 0 < len(answered) < len(people)
    assert world.value("select spent + lost from budget") <= limit
    assert world.value("select sum(30000 - balance) from user") == world.value("select spent from budget")
    assert world.value("select reserved from budget") == 0
