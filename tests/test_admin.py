"""What admins do: see who uses the bot, give, ban, stop the bot. For everybody else none of it exists."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conversation.steps import ADMIN_COMMANDS
from sandbox.model_faults import Behaviour
from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser
from tests.bot_database import Not
from tests.harness import ADMIN_ID, BotHarness, until
from tests.test_account import shown
from tests.toasts import OVER


@pytest.fixture
def admin(harness: BotHarness) -> ChatUser:
    return harness.new_person(ADMIN_ID, "Админ")


@pytest.mark.parametrize("command", sorted(ADMIN_COMMANDS))
def test_hidden_commands_are_answered_as_any_unknown_one(harness: BotHarness, command: str) -> None:
    person = harness.new_person()
    person.send("/nonsense 1 5")
    unknown = person.wait("Такой команды я не знаю")
    person.send(f"{command} 1 5")
    hidden = person.wait("Такой команды я не знаю")
    assert (hidden.text, hidden.labels) == (unknown.text, unknown.labels)
    assert harness.db.balance() == 30_000


def test_help_names_an_admins_commands_to_admins_only(harness: BotHarness, admin: ChatUser) -> None:
    admin.send("/help")
    said = admin.wait("Администратору").text
    unsaid = {command for command in ADMIN_COMMANDS if command not in said}
    assert unsaid == {"/refund", "/payments"}  # nothing is sold here
    person = harness.new_person()
    person.send("/help")
    assert "Администратору" not in person.wait("Мы пишем историю вдвоём").text


# ---------------------------------------------------------------------- /users


def test_users_are_listed_with_what_they_spent_and_found_by_name_username_or_id(
    harness: BotHarness, admin: ChatUser
) -> None:
    harness.telegram.user(41, "Анна", username="Annushka", last_name="Каренина")
    harness.new_person(41)
    harness.new_person(42, "Борис")
    harness.db.change("user", {"id": 41}, balance=12300, spent=17700)
    admin.send("/users")
    everybody = shown(admin.wait("Людей: 3"))
    assert (
        "Анна Каренина @Annushka (41)\nосталось: 12 300 · потрачено: 17 700 · последний запрос: ещё не было"
        in everybody
    )
    assert "Админ (900)\nосталось: без ограничений" in everybody
    for words in ("каренина", "@annush", "41", "АННА"):
        admin.send(f"/users {words}")
        assert "Борис" not in admin.wait("Людей: 1\n\nАнна").text
    admin.send("/users Вронский")
    admin.wait("Никого с «Вронский»")


def test_users_come_in_pages_also_those_who_were_searched(harness: BotHarness, admin: ChatUser) -> None:
    for number in range(1, 21):
        name = f"Анна{number}" if number > 3 else f"Пётр{number}"
        harness.db.insert("user", id=number, first_name=name, registered_at=1000 - number, balance=0)
    admin.send("/users анна")
    first = admin.wait("Людей: 17")
    assert first.labels == ("◀", "1/3", "▶") and "Анна4 (4)" in first.text
    assert [button.disabled for button in first.buttons[0]] == [True, False, False]
    admin.tap("▶")
    assert "Анна12 (12)" in admin.wait(lambda message: "2/3" in message.labels).text
    admin.tap("▶")
    last = admin.wait(lambda message: "3/3" in message.labels)
    assert last.id == first.id and last.text.count("Анна") == 1 and "Пётр" not in last.text
    assert [button.disabled for button in last.buttons[0]] == [False, False, True]
    admin.tap("◀")
    admin.wait(lambda message: "2/3" in message.labels)


# ---------------------------------------------------------------------- /grant


@pytest.mark.parametrize(
    "words",
    [
        "",
        "1",
        "1 много",
        "1 0",
        "1 -5",
        "1 1.5",
        "1 9999999999",
        "1 5 слонов",
        "1 5 сессий ещё",
        "1 ٣",
        "1 " + "9" * 60,
    ],
)
def test_a_grant_that_cannot_be_read_says_how_it_is_written(harness: BotHarness, admin: ChatUser, words: str) -> None:
    harness.new_person()
    admin.send(f"/grant {words}")
    admin.wait("Так: /grant 123456 10000")
    assert harness.db.total("user", "balance") + harness.db.total("user", "more_sessions") == 60_000


@pytest.mark.parametrize("named", ["777", "@nobody", "nobody", "9" * 18, "9" * 60, "1e3", "'; drop table user"])
@pytest.mark.parametrize("command", ["/grant {} 5", "/ban {}", "/unban {}"])
def test_somebody_unknown_is_named(harness: BotHarness, admin: ChatUser, command: str, named: str) -> None:
    admin.send(command.format(named.replace(" ", "")))
    admin.wait("Всех покажет /users")


def test_granted_tokens_are_told_to_the_user_in_their_language(harness: BotHarness, admin: ChatUser) -> None:
    harness.telegram.user(5, "Ann", username="Ann_Lee", language_code="en").send("/start")
    person = harness.telegram.user(5)
    person.wait("Hello")
    admin.send("/grant @ann_lee 12000")
    assert "плюс 12 000 токенов" in shown(admin.wait("✅ Ann @Ann_Lee (5)"))
    person.wait("The admin has given you")
    assert harness.db.balance(5) == 42_000


@pytest.mark.parametrize("word", ["sessions", "session", "сессий", "Сессии", "сессия"])
def test_sessions_are_granted_beyond_the_limit(harness: BotHarness, admin: ChatUser, word: str) -> None:
    person = harness.new_person()
    admin.send(f"/grant 1 3 {word}")
    admin.wait("плюс 3 сессии сверх лимита")
    person.wait("разрешил вам ещё 3 сессии")
    person.send("👤 Профиль")
    person.wait("Сессий: 0 из 103")


def test_an_admin_needs_no_tokens_but_may_need_sessions(harness: BotHarness, admin: ChatUser) -> None:
    admin.send(f"/grant {ADMIN_ID} 5")
    admin.wait("и так не кончаются")
    admin.send(f"/grant {ADMIN_ID} 5 сессий")
    admin.wait("плюс 5 сессий сверх лимита")


# ---------------------------------------------------------------------- /ban, /unban


def test_a_banned_user_reads_one_sentence_whatever_they_do(harness: BotHarness, admin: ChatUser) -> None:
    person = harness.writer()
    admin.send("/ban 1")
    admin.wait("доступ закрыт")
    asked = len(harness.prompts())
    for words in ("▶️ Дальше", "/start", "/help", "Он открыл дверь.", "/balance", "меню", "/nonsense"):
        person.send(words)
        assert person.wait("Доступ закрыт").labels == ("🙋 Попросить доступ",)
    person.sticker()
    person.wait("Доступ закрыт")
    harness.telegram.raw_update({"callback_query": press_of(person, "go:lucky")})
    until(lambda: harness.telegram.called("answerCallbackQuery"))
    person.wait("Доступ закрыт")
    assert len(harness.prompts()) == asked and harness.db.value("user", "step", id=1) == "story"
    harness.telegram.api.violations.clear()  # the invented query has no true id to answer to


def press_of(person: ChatUser, data: str) -> dict[str, object]:
    chat = {"id": person.id, "type": "private", "first_name": "Анна"}
    sender = {"id": person.id, "is_bot": False, "first_name": "Анна"}
    shown = {"message_id": person.last.id, "date": 1, "chat": chat, "text": "…"}
    return {"id": "77", "from": sender, "message": shown, "chat_instance": "1", "data": data}


def test_a_banned_user_asks_to_be_let_in_and_is(harness: BotHarness, admin: ChatUser) -> None:
    person = harness.writer()
    admin.send("/ban 1")
    admin.wait("доступ закрыт")
    person.send("/help")
    person.wait("Доступ закрыт")
    person.tap("🙋 Попросить доступ")
    person.wait("Передал администратору")
    admin.wait("просит снова открыть доступ")
    admin.tap("🔓 Открыть доступ")
    admin.wait("доступ открыт")
    person.wait("Доступ снова открыт")
    harness.says("И пошло дальше.")
    person.send("▶️ Дальше")
    person.wait("И пошло дальше.")


def test_a_no_to_a_banned_user_holds_for_a_while(harness: BotHarness, admin: ChatUser) -> None:
    person = harness.new_person()
    admin.send("/ban 1")
    admin.wait("доступ закрыт")
    person.send("/help")
    person.wait("Доступ закрыт")
    person.tap("🙋 Попросить доступ")
    admin.wait("просит снова открыть доступ")
    admin.tap("🚫 Отказать")
    person.wait("пока не дал")
    assert "уже у администратора" in str(person.tap("🙋 Попросить доступ").wait_answer().text)


def test_a_ban_stops_what_is_being_written(harness: BotHarness, admin: ChatUser) -> None:
    person = harness.writer()
    harness.models.faults.order(Behaviour(text="Слово за словом. " * 50, chunk_s=0.3))
    person.press("▶️ Дальше")
    until(lambda: len(harness.prompts()) == 2)
    person.send("И ещё слова.")
    person.wait("Я ещё пишу")
    admin.send("/ban @nobody")
    admin.wait("Никого")
    admin.send("/ban 1")
    admin.wait("доступ закрыт")
    person.wait("Доступ закрыт")  # the words that waited
    until(harness.settled)
    assert harness.db.count("turn", state="stopped") == 1
    assert len(harness.prompts()) == 2
    harness.check_books()


def test_admins_cannot_be_banned_and_nobody_is_twice(harness: BotHarness, admin: ChatUser) -> None:
    harness.new_person()
    admin.send(f"/ban {ADMIN_ID}")
    admin.wait("закрыть ему доступ нельзя")
    for command, said in (
        ("/unban 1", "доступ и так открыт"),
        ("/ban 1", "доступ закрыт. Открыть: /unban 1"),
        ("/ban 1", "доступ и так закрыт"),
        ("/unban 1", "доступ открыт"),
        ("/ban", "Так: /ban 123456"),
        ("/unban 1 2", "Так: /unban 123456"),
    ):
        admin.send(command)
        admin.wait(said)
    assert harness.db.values("user", "banned") == [0, 0]


@pytest.mark.parametrize("data", ["give:tokens:5000:1:1", "give:", "give:all:1:1:1", "halt:1", "users:0:0"])
def test_an_admins_button_works_for_admins_only(harness: BotHarness, admin: ChatUser, data: str) -> None:
    person = harness.new_person()
    harness.telegram.raw_update({"callback_query": press_of(person, data)})
    until(lambda: harness.telegram.called("answerCallbackQuery"))
    assert harness.telegram.called("answerCallbackQuery")[-1].params["text"] == OVER
    assert harness.db.total("user", "balance") == 60_000
    harness.telegram.api.violations.clear()  # the invented query has no true id to answer to


# ---------------------------------------------------------------------- /stop


def asked_to_stop(admin: ChatUser) -> ChatMessage:
    admin.send("/stop")
    return admin.wait("Остановить бота?")


def test_a_stop_is_asked_about_first(harness: BotHarness, admin: ChatUser) -> None:
    question = asked_to_stop(admin)
    assert question.labels == ("⏹ Остановить", "✖️ Не надо")
    admin.tap("✖️ Не надо")
    admin.wait("работаю дальше")
    admin.send("/help")
    admin.wait("Мы пишем историю вдвоём")


def test_a_stop_ends_the_process_in_good_order_and_the_next_one_runs_on(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness()
    process = harness.process()
    admin, person = harness.new_person(ADMIN_ID, "Админ"), harness.writer()
    harness.says("Последнее слово.", first_chunk_s=0.7)
    person.press("▶️ Дальше")
    until(lambda: len(harness.prompts()) == 2)
    question = asked_to_stop(admin)
    data = question.buttons[0][0].data
    admin.tap("⏹ Остановить")
    admin.wait("Останавливаюсь")
    assert process.wait(25) == 0
    person.wait("Последнее слово.")
    assert harness.db.count("inbox", state=Not("done")) == 0
    harness.check_books()
    pressed_id = max(harness.db.values("inbox", "update_id"))
    # The next run gets the press once more, under its number and under a new one.
    again = harness.process()
    query = press_of(admin, str(data))
    harness.telegram.raw_update({"update_id": pressed_id, "callback_query": query})
    harness.telegram.raw_update({"callback_query": query})
    until(lambda: [call for call in harness.telegram.called("answerCallbackQuery") if call.params.get("text")])
    assert harness.telegram.called("answerCallbackQuery")[-1].params["text"] == OVER
    admin.send("/help")
    admin.wait("Мы пишем историю вдвоём")
    assert again.poll() is None
    harness.telegram.api.violations.clear()  # the invented query has no true id to answer to


def test_a_question_of_an_earlier_life_is_past(harness: BotHarness, admin: ChatUser) -> None:
    question = asked_to_stop(admin)
    app = harness.restart()
    for label in question.labels:
        assert admin.tap(label, question).wait_answer().text == OVER
    assert not app.halted.is_set()


@pytest.mark.parametrize("command", ["/debug", "/logs"])
def test_hidden_commands_do_not_exist_for_others(harness: BotHarness, command: str) -> None:
    person = harness.new_person()
    person.send(command)
    hidden = person.wait("Такой команды я не знаю").text
    person.send("/nonsense")
    assert person.wait("Такой команды я не знаю").text == hidden


def test_logs_come_as_a_file_for_the_admin(harness: BotHarness) -> None:
    (harness.folder / "log.txt").write_text("строка журнала\n", "utf-8")
    admin = harness.new_person(ADMIN_ID, "Админ")
    admin.send("/logs")
    message = admin.wait(lambda message: message.attachment is not None)
    assert message.attachment is not None and message.attachment.name == "log.txt"
