"""Guest mode: a character answers where the bot is called, remembers each chat by itself, and the caller pays."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from core.guest_chats import guest_chat_id
from sandbox.guests import GuestMode
from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from tests.chatting import asked, system
from tests.harness import BotHarness, until

BOT = "@soavtor_demo_bot"
CLUB, DACHA = -100900, -100901
Make = Callable[..., BotHarness]


def guests(harness: BotHarness, *user_ids: int, chat_id: int = CLUB) -> list[ChatUser]:
    """Return people in a chat that the bot is no member of, acting there."""
    until(lambda: harness.db.count("setting", key="bot_username"))
    people = [harness.telegram.user(user_id, f"Имя{user_id}") for user_id in user_ids]
    group = harness.telegram.guest_chat(chat_id, "Клуб", people)
    return [group.member(person) for person in people]


def balance(harness: BotHarness, user_id: int) -> int:
    return int(harness.db.value("user", "balance", id=user_id) or 0)


def only_guest_calls(harness: BotHarness) -> bool:
    """Return whether nothing but answers to queries and their edits was sent."""
    sent = {call.method for call in harness.telegram.calls if call.method.startswith(("send", "edit", "answer"))}
    return sent <= {"answerGuestQuery", "editMessageText"}


def test_a_call_is_answered_by_one_message_which_becomes_the_answer(harness: BotHarness) -> None:
    (anna,) = guests(harness, 1)
    held = harness.holds("*чешет бороду* **Ничего** не знаю, кроме этого.")
    anna.send(f"{BOT} Сократ, что ты <b>знаешь</b>?")
    posted = anna.wait("🎭 Сократ думает…")
    held.set()
    answer = anna.wait("🎭 Сократ\n\nНичего не знаю, кроме этого.")
    until(harness.settled)
    assert answer.id == posted.id and len(anna.bot_messages) == 1
    assert asked(harness)[0][1].startswith("что ты <b>знаешь</b>?")
    assert "Сократ" in system(harness) and "в гостях" in asked(harness)[0][1] and "Имя1" not in str(harness.prompts())
    assert only_guest_calls(harness)
    assert balance(harness, 1) < 30_000 and harness.db.count("growing") == 0
    assert not anna.chat.started  # nothing else could have come
    harness.check_books()


def test_the_character_of_the_caller_answers_from_its_memory_of_that_chat_alone(harness: BotHarness) -> None:
    person = harness.new_person(1)
    person.press("🎭 Персонажи")
    person.wait("С кем поговорим")
    person.tap("Кот-писарь Пантелей")
    person.wait("🎭 Отвечает")
    harness.says("Мур.")
    person.send("Мой пароль — рыба.")
    person.wait("Мур.")
    anna, boris = guests(harness, 1, 2)
    harness.says("Запомнил.")
    anna.send(f"{BOT} встреча в семь")
    anna.wait("Кот-писарь Пантелей\n\nЗапомнил.")
    paid = balance(harness, 1)
    harness.says("В семь.")
    boris.send(f"{BOT}, во сколько?")
    boris.wait("Кот-писарь Пантелей\n\nВ семь.")  # who has chosen nobody is answered by who answered last
    said = [text for _, text in asked(harness)]
    assert said[:2] == ["Собеседник 1: встреча в семь", "Запомнил."]
    assert said[2].startswith("Собеседник 2: во сколько?")
    assert balance(harness, 1) == paid and balance(harness, 2) < 30_000
    (elsewhere,) = guests(harness, 1, chat_id=DACHA)
    harness.says("Не знаю.")
    elsewhere.send(f"{BOT} какой у меня пароль и когда встреча?")
    elsewhere.wait("Не знаю.")
    assert "рыба" not in str(harness.prompts()[-1]) and "в семь" not in str(harness.prompts()[-1])


def test_chats_of_two_people_that_share_an_id_share_no_memory(harness: BotHarness) -> None:
    anna, boris, clara = (harness.new_person(number) for number in (1, 2, 3))
    for caller, text in ((anna, "секрет Анны"), (clara, "что сказала Анна?")):
        harness.says("Да.")
        harness.telegram.call_between(caller, boris, f"{BOT} {text}")
        until(harness.settled)
    assert len(harness.telegram.called("answerGuestQuery")) == len(harness.prompts()) == 2
    assert "секрет" not in str(harness.prompts()[-1])
    assert not [message for message in boris.bot_messages if "🎭" in message.text]
    harness.check_books()


def test_a_call_takes_the_message_that_it_replies_to_and_nothing_else(harness: BotHarness) -> None:
    anna, boris = guests(harness, 1, 2)
    boris.send("Это никому не для бота.")
    said = boris.send("Маяк построили в 1883 году.")
    anna.send("Просто разговор")
    harness.says("Верю.")
    anna.send(f"{BOT} Сократ, правда ли?", reply_to=said)
    answer = anna.wait("Верю.")
    question = asked(harness)[-1][1]
    assert "Маяк построили в 1883 году." in question and "Просто разговор" not in str(harness.prompts())
    assert "не для бота" not in str(harness.prompts())
    harness.says("Стоит на том.")
    anna.send(f"{BOT} а теперь?", reply_to=answer.id)
    anna.wait("Стоит на том.")
    assert [role for role, _ in asked(harness)] == ["user", "assistant", "user"]
    assert "Это ответ на сообщение" not in asked(harness)[-1][1]  # its own words it remembers
    harness.says("1883.")
    anna.send(BOT, reply_to=said)
    anna.wait("1883.")
    assert asked(harness)[-1][1].startswith("Маяк построили в 1883 году.")


def test_an_empty_call_tells_how_and_asks_nothing(harness: BotHarness) -> None:
    (anna,) = guests(harness, 1)
    anna.send(f"{BOT} Шахерезада!")
    anna.wait("Шахерезада слушает")
    assert not harness.prompts()


def test_who_has_no_tokens_is_told_so_in_private_only(harness: BotHarness) -> None:
    person = harness.new_person(1)
    anna, boris = guests(harness, 1, 2)
    harness.says("Раз.")
    boris.send(f"{BOT} Сократ, начнём")
    boris.wait("Раз.")
    for user_id in (1, 2):
        harness.db.change("user", {"id": user_id}, balance=10)
    anna.send(f"{BOT} Сократ, ещё")
    anna.wait("Сократ сейчас не ответит")
    person.wait("Токены кончились", since=0)
    boris.send(f"{BOT} Сократ, и мне")  # he hasn't opened the private chat
    boris.wait("Сократ сейчас не ответит")
    until(harness.settled)
    assert not [message for message in anna.bot_messages if "окен" in message.text]
    assert len(harness.prompts()) == 1


@pytest.mark.parametrize(
    ("behaviour", "said"), [({"status": 500}, "слова не нашлись"), ({"end": "filter"}, "говорить не станет")]
)
def test_a_model_that_fails_costs_nothing(harness: BotHarness, behaviour: dict[str, object], said: str) -> None:
    (anna,) = guests(harness, 1)
    harness.models.faults.rule = lambda received: Behaviour(**behaviour)  # type: ignore[arg-type]
    anna.send(f"{BOT} Сократ, скажи")
    anna.wait(said)
    until(harness.settled)
    assert balance(harness, 1) == 30_000 and len(anna.bot_messages) == 1
    harness.models.faults.rule = None
    harness.says("Скажу.")
    anna.send(f"{BOT} Сократ, скажи ещё раз")
    anna.wait("Скажу.")
    harness.check_books()


def test_calls_of_a_chat_are_answered_in_order_each_in_its_own_message(harness: BotHarness) -> None:
    anna, boris = guests(harness, 1, 2)
    held = harness.holds("Первое.", "Второе.")
    anna.send(f"{BOT} Сократ, первое")
    until(lambda: len(harness.prompts()) == 1)
    boris.send(f"{BOT} Сократ, второе")
    until(lambda: len([one for one in anna.bot_messages if "думает" in one.text]) == 2)
    held.set()
    boris.wait("Второе.", since=0)
    until(harness.settled)
    assert [message.text.partition("\n\n")[2] for message in anna.bot_messages] == ["Первое.", "Второе."]
    for number in range(7):
        if number == 1:
            until(lambda: len(harness.prompts()) == 3)
        held = held if number else harness.holds_all("Поток.")
        boris.send(f"{BOT} Сократ, номер {number}")
    boris.wait("не успевает за всеми")
    held.set()
    until(harness.settled)
    assert not [message for message in anna.bot_messages if "думает" in message.text]
    harness.check_books()


def test_only_who_called_stops_the_answer(harness: BotHarness) -> None:
    anna, boris = guests(harness, 1, 2)
    held = harness.holds_all("Поздно.")
    anna.send(f"{BOT} Сократ, расскажи")
    until(lambda: len(harness.prompts()) == 1)
    boris.send(f"{BOT} стоп")
    boris.wait("остановить его может только он")
    anna.send(f"{BOT} стоп")
    anna.wait("Сократ больше ничего не скажет")
    held.set()
    until(harness.settled)
    assert not [message for message in anna.bot_messages if "Поздно" in message.text]


def test_a_memory_is_forgotten_in_its_chat_and_in_private(harness: BotHarness) -> None:
    person = harness.new_person(1)
    (anna,) = guests(harness, 1)
    (dacha,) = guests(harness, 1, chat_id=DACHA)
    for chat in (anna, dacha):
        harness.says("Помню.")
        chat.send(f"{BOT} Сократ, помни: рыба")
        chat.wait("Помню.")
    until(harness.settled)
    anna.send(f"{BOT} забудь")
    anna.wait("Всё, что я помнил об этом чате, забыто")
    anna.send(f"{BOT} Забудь!")
    anna.wait("ничего не помню")
    assert harness.db.count("session") == 1
    person.press("🎭 Персонажи")
    person.wait("С кем поговорим")
    person.tap("Кот-писарь Пантелей")
    person.wait("🎭 Отвечает")
    person.send("/characters")
    shown = person.wait("🎭 Отвечает Кот-писарь Пантелей")
    assert f"Позвать в любой другой чат: напишите там «{BOT}" in shown.text
    person.tap("🧳 Память о других чатах")
    listed = person.wait("Где вы меня звали")
    assert listed.labels == ("🗑 Сократ: помни: рыба",)
    person.tap(listed.labels[0])
    person.wait("О других чатах я ничего не помню")
    assert not harness.db.count("session", chat_id=guest_chat_id(DACHA, 1))


def test_a_call_survives_a_restart_and_one_that_waits_is_ended_if_calls_are_off_then(harness: BotHarness) -> None:
    anna, boris = guests(harness, 1, 2)
    harness.models.faults.order(Behaviour(hang=True))
    anna.send(f"{BOT} Сократ, ты здесь?")
    posted = anna.wait("думает")
    until(lambda: len(harness.prompts()) == 1)
    boris.send(f"{BOT} Сократ, а я?")
    until(lambda: len(anna.bot_messages) == 2)
    harness.says("Здесь.")
    harness.settings["GUESTS"] = "off"
    harness.restart()
    assert anna.wait("Здесь.", since=0).id == posted.id
    boris.wait("Ответа не будет")
    until(harness.settled)
    assert len(anna.bot_messages) == 2
    harness.check_books()


def test_a_call_survives_a_kill(make_harness: Make) -> None:
    harness = make_harness()
    process = harness.process()
    harness.new_person(2)
    (anna,) = guests(harness, 1)
    harness.models.faults.order(Behaviour(hang=True))
    anna.send(f"{BOT} Сократ, ты здесь?")
    posted = anna.wait("думает")
    until(lambda: len(harness.prompts()) == 1 and harness.db.count("guest_answer") == 1)
    harness.kill(process)
    harness.says("Здесь.")
    harness.process()
    assert anna.wait("Здесь.").id == posted.id
    assert len(anna.bot_messages) == 1


def test_a_call_that_telegram_takes_no_answer_to_costs_nothing(harness: BotHarness) -> None:
    person = harness.new_person(1)
    (anna,) = guests(harness, 1)
    calls: GuestMode = harness.telegram.api.guests
    value = {
        "message_id": 7,
        "date": int(time.time()),
        "chat": {"id": CLUB, "type": "supergroup", "title": "Клуб"},
        "from": {"id": 1, "is_bot": False, "first_name": "Имя1"},
        "text": f"{BOT} Сократ, ты здесь?",
        "guest_query_id": "unknown",
    }
    held = harness.holds_all("Никому.")
    harness.telegram.raw_update({"guest_message": value})
    until(lambda: harness.telegram.called("answerGuestQuery"))
    held.set()
    until(harness.settled)
    harness.telegram.raw_update({"guest_message": value | {"date": int(time.time()) - 3600}})
    until(harness.settled)
    assert len(harness.telegram.called("answerGuestQuery")) == 1 and not calls.queries
    assert not anna.bot_messages
    # Telegram refuses the message while the model writes, or when the answer is there already.
    harness.db.change("user", {"id": 1}, bought=30_000)
    for number, late in enumerate((False, True)):
        held, asked_before = harness.holds_all("Никому."), len(harness.prompts())
        harness.telegram.faults.hang("answerGuestQuery", 60)
        harness.telegram.raw_update({"guest_message": value | {"guest_query_id": f"unknown {number}"}})
        until(lambda before=asked_before: len(harness.prompts()) > before)  # type: ignore[misc]
        if late:
            held.set()
            until(lambda: balance(harness, 1) < 30_000)
        harness.telegram.faults.clear()
        until(lambda: not harness.db.count("outbox", method="answerGuestQuery"))
        held.set()
        until(harness.settled)
        assert balance(harness, 1) == 30_000 == harness.db.value("user", "bought", id=1) and not anna.bot_messages
        told = [message for message in person.bot_messages if "Telegram не принял мой ответ" in message.text]
        assert len(told) == number + 2, "once for each call, also if the answer was there before the refusal"
    harness.check_books()


def test_an_answer_that_its_caller_forgets_costs_nothing_and_is_not_shown(
    harness: BotHarness,
) -> None:
    person = harness.new_person(1)
    anna, boris = guests(harness, 1, 2)
    harness.db.change("user", {"id": 1}, bought=30_000)
    harness.telegram.faults.hang("answerGuestQuery", 60)
    harness.says("Здесь.")
    anna.send(f"{BOT} Сократ, ты здесь?")
    until(lambda: balance(harness, 1) < 30_000)
    person.send("/forget_me")
    person.tap("🗑 Удалить всё", person.wait("Удалить всё навсегда?"))
    person.wait("больше не помню")
    harness.telegram.faults.clear()
    person.send("/start")
    until(lambda: harness.db.count("user", id=1))
    assert (balance(harness, 1), harness.db.value("user", "bought", id=1)) == (30_000, 30_000)
    until(harness.settled)
    assert [message.text for message in anna.bot_messages] == ["🎭 Сократ больше ничего не скажет."]
    # The answer is being written, or waits for another one.
    for waits in (False, True):
        held = harness.holds("Здесь.")
        if waits:
            boris.send(f"{BOT} Сократ, ты здесь?")
            boris.wait("думает…")
        anna.send(f"{BOT} Сократ, ты здесь?")
        posted = anna.wait("думает…")
        person.send("/forget_me")
        person.tap("🗑 Удалить всё", person.wait("Удалить всё навсегда?"))
        person.wait("больше не помню")
        until(lambda number=posted.id: "больше ничего" in anna.chat.messages[number].text)  # type: ignore[misc]
        held.set()
        until(harness.settled)
    assert len([message for message in anna.bot_messages if "Здесь." in message.text]) == 1
    harness.check_books()


def test_a_bot_and_a_channel_are_not_talked_to(harness: BotHarness) -> None:
    guests(harness, 1)
    chat = {"id": CLUB, "type": "supergroup", "title": "Клуб"}
    robot = {"id": 77, "is_bot": True, "first_name": "Робот", "username": "robot"}
    value = {"message_id": 7, "date": int(time.time()), "chat": chat, "text": f"{BOT} привет", "guest_query_id": "1"}
    harness.telegram.raw_update({"guest_message": value | {"from": robot}})
    harness.telegram.raw_update({"guest_message": value | {"from": robot, "sender_chat": chat}})
    until(lambda: "От имени группы" in str(harness.telegram.called("answerGuestQuery")))
    until(harness.settled)
    assert not harness.db.count("user") and len(harness.telegram.called("answerGuestQuery")) == 1


def test_it_can_be_switched_off(make_harness: Make) -> None:
    harness = make_harness(GUESTS="off")
    harness.start()
    (anna,) = guests(harness, 1)
    anna.send(f"{BOT} Сократ, ты здесь?")
    until(harness.settled)
    assert not anna.bot_messages and not harness.db.count("user") and not harness.prompts()


def test_what_was_said_elsewhere_is_in_the_data_and_is_forgotten_with_its_user(harness: BotHarness) -> None:
    person = harness.new_person(1)
    anna, boris = guests(harness, 1, 2)
    for caller, word in ((anna, "рыбаслово"), (boris, "птицеслово")):
        harness.says(f"Да, {word}.")
        caller.send(f"{BOT} Сократ, {word}")
        caller.wait(f"Да, {word}.")
    until(harness.settled)
    person.send("/my_data")
    sent = person.wait("Здесь всё, что я о вас храню").attachment
    assert sent is not None
    data = json.loads(harness.telegram.state.files[sent.file_id][1])
    assert "рыбаслово" in str(data["in_groups"]) and "птицеслово" not in str(data)
    assert len(data["messages_that_answer_elsewhere"]) == 1
    person.send("/forget_me")
    person.wait("Удалить всё навсегда?")
    person.tap("🗑 Удалить всё")
    person.wait("больше не помню")
    until(harness.settled)
    texts = harness.db.values("prompt", "text")
    assert not [text for text in texts if "рыба" in text] and [text for text in texts if "птице" in text]
    assert harness.db.count("guest_answer") == 1
