"""Groups: who is answered and how, whose tokens are spent, whose context is used, and who may press what."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.groups import Group
from sandbox.model_faults import Behaviour, Received
from sandbox.users import ChatUser
from tests.chatting import ask, asked, system
from tests.harness import BotHarness, until
from tests.toasts import BANNED, FOREIGN_ROLES, FOREIGN_STOP, STRANGER

BOT = "@soavtor_demo_bot"
GROUP_ID = -100500


def club(harness: BotHarness, *user_ids: int, privacy: bool = True) -> tuple[Group, list[ChatUser]]:
    """Return a group with the bot, and its people acting there."""
    until(lambda: harness.db.count("setting", key="bot_username"))
    people = [harness.telegram.user(user_id, f"Имя{user_id}") for user_id in user_ids]
    group = harness.telegram.group(GROUP_ID, "Клуб", people, privacy=privacy)
    return group, [group.member(person) for person in people]


def spent(harness: BotHarness, user_id: int) -> int:
    return int(harness.db.value("user", "spent", id=user_id) or 0)


# ── who is answered ──


@pytest.mark.parametrize(
    "words", [f"{BOT} сколько будет 6×7?", f"сколько будет {BOT} 6×7?", f"{BOT.upper()}, сколько будет 6×7?"]
)
def test_a_mention_is_answered_as_a_reply_and_stripped_from_the_words(harness: BotHarness, words: str) -> None:
    _, (anna,) = club(harness, 1)
    harness.says("Сорок два.")
    sent = anna.send(words)
    answer = anna.wait("Сорок два.")
    assert answer.reply_to == sent and not anna.keyboard and not answer.markup
    assert asked(harness) == [("user", "сколько будет 6×7?")]
    assert harness.db.count("user") == 1
    assert not harness.telegram.called("sendMessageDraft")


def test_a_reply_to_the_bot_is_answered_in_context(harness: BotHarness) -> None:
    _, (anna,) = club(harness, 1)
    harness.says("Синее.")
    anna.send(f"{BOT} какое небо?")
    first = anna.wait("Синее.").id
    until(harness.settled)  # else the bot may not know yet which of its messages this is
    harness.says("Из-за рассеяния.")
    sent = anna.send("А почему?", reply_to=first)
    assert anna.wait("Из-за рассеяния.").reply_to == sent
    assert [text for _, text in asked(harness)] == ["какое небо?", "Синее.", "А почему?"]


def test_a_mention_under_somebodys_message_takes_that_message_along(harness: BotHarness) -> None:
    _, (anna, boris) = club(harness, 1, 2, privacy=False)
    said = boris.send("Завтра встречаемся в семь у маяка.")
    harness.says("В семь.")
    anna.send(f"{BOT} во сколько встреча?", reply_to=said)
    anna.wait("В семь.")
    question = asked(harness)[-1][1]
    assert "Завтра встречаемся в семь у маяка." in question and question.endswith("во сколько встреча?")
    harness.says("У маяка.")
    anna.send(BOT, reply_to=said)
    anna.wait("У маяка.")
    assert asked(harness)[-1] == ("user", "Завтра встречаемся в семь у маяка.")


def test_what_isnt_for_the_bot_is_left_alone(harness: BotHarness) -> None:
    _, (anna, boris) = club(harness, 1, 2, privacy=False)
    first = anna.send("Привет всем")
    for text, reply_to in (
        ("И тебе", first),
        ("/weather", None),
        ("/clear@another_bot", None),
        (f"почта {BOT[1:]}@mail.ru", None),
        (f"x{BOT}", None),
        (f"{BOT}2 привет", None),
    ):
        boris.send(text, reply_to=reply_to)
    anna.send("/chat")
    anna.wait("Позовите меня и спросите")
    assert len(anna.bot_messages) == 1
    assert harness.db.count("user") == 0 and not harness.prompts()


def test_an_empty_mention_asks_for_a_question(harness: BotHarness) -> None:
    _, (anna,) = club(harness, 1)
    anna.send(BOT)
    anna.wait("Позовите меня и спросите")


def test_a_message_in_the_groups_own_name_is_turned_away(harness: BotHarness) -> None:
    club(harness, 1)
    chat = {"id": GROUP_ID, "type": "supergroup", "title": "Клуб"}
    sender = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
    message = {"message_id": 7, "date": 1, "chat": chat, "from": sender, "sender_chat": chat, "text": f"{BOT} привет"}
    harness.telegram.raw_update({"message": message})
    until(lambda: "От имени группы" in str(harness.telegram.called("sendMessage")))
    assert harness.db.count("user") == 0


def test_commands_of_a_group(harness: BotHarness) -> None:
    _, (anna,) = club(harness, 1)
    for command, words in (
        ("/help", "Разговор у группы общий"),
        ("/start", "Разговор у группы общий"),
        ("/sessions", "Это делаем в личном чате"),
        ("/language", "Это делаем в личном чате"),
        ("/model", "Это делаем в личном чате"),
        ("/balance", "Осталось: ≈ 12 ходов"),  # to her alone, which the answers before have shown to be possible
        ("/image кот", "Это делаем в личном чате"),
        ("/characters", "Это делаем в личном чате"),
        ("/menu", "Это делаем в личном чате"),
        ("/end_story", "t.me/soavtor_demo_bot?start=new"),
        (f"/fly{BOT}", "Такой команды я не знаю"),
        (f"/debug{BOT}", "Такой команды я не знаю"),
        ("/t", "ничего не потрачено"),
        ("/clear", "Забывать нечего"),
        ("/cancel", "никому не отвечаю"),
        ("/modes", "Кем мне быть?"),
    ):
        sent = anna.send(command)
        answer = anna.wait(words)
        assert answer.reply_to == sent and not anna.keyboard


# ── whose is what ──


def test_each_group_and_person_has_a_context_of_their_own_and_everybody_pays_alone(harness: BotHarness) -> None:
    person = harness.new_person(1)
    person.press("💬 Чат")
    person.wait("💬 Чат")
    ask(harness, person, "Мой пароль — рыба.", "Молчу.")
    _, (anna, boris) = club(harness, 1, 2)
    private = spent(harness, 1)
    harness.says("Привет, Анна.")
    anna.send(f"{BOT} я Анна")
    anna.wait("Привет, Анна.")
    harness.says("Она Анна.")
    boris.send(f"{BOT} кто это был?")
    boris.wait("Она Анна.")
    expected = ["Собеседник 1: я Анна", "Привет, Анна.", "Собеседник 2: кто это был?"]
    assert [text for _, text in asked(harness)] == expected
    assert "чат нескольких людей" in system(harness) and "Имя1" not in str(harness.prompts())
    assert "рыба" not in str(asked(harness))
    assert spent(harness, 1) > private and spent(harness, 2) > 0
    assert harness.db.value("user", "sessions", id=1) == 2
    assert harness.db.value("user", "sessions", id=2) == 0  # the group's talk was begun by Anna
    second = harness.telegram.group(-100600, "Дача", [harness.telegram.user(2)]).member(harness.telegram.user(2))
    harness.says("Не знаю вас.")
    second.send(f"{BOT} кто я?")
    second.wait("Не знаю вас.")
    assert [text for _, text in asked(harness)] == ["кто я?"]


def test_two_people_in_private_and_a_group_are_answered_at_once(harness: BotHarness) -> None:
    first, second = harness.new_person(1), harness.new_person(2, "Борис")
    for person in (first, second):
        person.press("💬 Чат")
        person.wait("💬 Чат")
    _, (_, boris) = club(harness, 1, 2)

    def slow(request: Received) -> Behaviour | None:
        if request.kind != "completion":
            return None
        return Behaviour(text=f"Ответ на {request.body['messages'][-1]['text']}", chunks=3, hang_after=1)

    harness.models.faults.rule = slow
    first.send("первое")
    second.send("второе")
    boris.send(f"{BOT} третье")
    until(lambda: len(harness.prompts()) == 3)  # none of them waits for another: none is answered yet
    assert sorted(asked(harness, place)[-1][1] for place in range(3)) == ["второе", "первое", "третье"]
    first.wait_draft("")
    second.wait_draft("")
    assert harness.db.count("turn", state="running") == 3
    first.send("стоп")
    first.wait("Остановил")
    boris.send("/cancel")
    boris.wait("Остановил")
    assert second.draft is not None  # a stop touches nobody else
    second.send("стоп")
    second.wait("Остановил")
    until(harness.settled)
    paid = [spent(harness, user_id) for user_id in (1, 2)]
    assert paid[0] > 0 and paid[1] > paid[0]


def test_a_group_has_a_role_of_its_own(harness: BotHarness) -> None:
    _, (anna, boris, clara) = club(harness, 1, 2, 3)
    anna.send("/prompt Ты пират.")
    anna.wait("Запомнил")
    harness.says("Йо-хо-хо!")
    boris.send(f"{BOT} привет")
    boris.wait("Йо-хо-хо!")
    assert system(harness).startswith("Ты пират.\n")
    person = harness.new_person(1)
    person.press("💬 Чат")
    person.wait("💬 Чат")
    ask(harness, person, "Привет.", "Здравствуйте.")
    assert "пират" not in system(harness)
    anna.send("/modes")
    anna.wait("Кем мне быть?")
    assert boris.tap("🍳 Повар").wait_answer().text == FOREIGN_ROLES
    assert clara.tap("🍳 Повар").wait_answer().text == STRANGER
    assert harness.db.count("user") == 2  # a press alone registers nobody
    anna.tap("🍳 Повар")
    anna.wait("Теперь в этом чате: 🍳 Повар")


def test_a_banned_member_reads_why_their_press_does_nothing(harness: BotHarness) -> None:
    _, (anna, boris) = club(harness, 1, 2)
    boris.send("/balance")
    until(lambda: harness.db.count("user") == 1)
    anna.send("/modes")
    anna.wait("Кем мне быть?")
    for language, said in (
        ("ru", BANNED),
        ("en", "An admin has closed the bot to you: its buttons don't work for you"),
    ):
        harness.db.change("user", {"id": 2}, banned=1, language=language)
        assert boris.tap("🍳 Повар").wait_answer().text == said


def test_forgetting_in_a_group_leaves_everything_else(harness: BotHarness) -> None:
    person = harness.new_person(1)
    person.press("💬 Чат")
    person.wait("💬 Чат")
    ask(harness, person, "Личное.", "Хорошо.")
    _, (anna, boris) = club(harness, 1, 2)
    harness.says("Общее.")
    anna.send(f"{BOT} скажи")
    anna.wait("Общее.")
    boris.send("/t")
    boris.wait("💬 скажи")
    boris.send("/clear")
    boris.wait("🧹 Забыл 2 сообщения")
    harness.day_passes()
    assert harness.db.count("prompt") == 2
    ask(harness, person, "Ещё личное.", "Да.")
    assert [text for _, text in asked(harness)] == ["Личное.", "Хорошо.", "Ещё личное."]


def test_a_full_bot_tells_strangers_in_a_group_so(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_USERS=1)
    harness.start()
    harness.new_person(1)
    _, (_, boris) = club(harness, 1, 2)
    sent = boris.send(f"{BOT} привет")
    assert boris.wait("Доступ закрыт: все места").reply_to == sent


def test_who_has_no_tokens_left_is_told_and_others_go_on(harness: BotHarness) -> None:
    _, (anna, boris) = club(harness, 1, 2)
    harness.says("Раз.")
    anna.send(f"{BOT} начнём")
    anna.wait("Раз.")
    harness.db.change("user", {"id": 1}, balance=10)
    sent = anna.send(f"{BOT} ещё")
    assert anna.wait("Токены кончились").reply_to == sent
    harness.says("Два.")
    boris.send(f"{BOT} ещё")
    boris.wait("Два.")


# ── while it answers ──


def test_words_of_others_wait_in_order_and_a_sixth_is_told(harness: BotHarness) -> None:
    _, (anna, boris) = club(harness, 1, 2)
    held = harness.holds(*(f"Ответ {number}." for number in range(6)))
    anna.send(f"{BOT} вопрос 0")
    until(lambda: len(harness.prompts()) == 1)
    for number in range(1, 7):
        (boris if number % 2 else anna).send(f"{BOT} вопрос {number}")
    assert "вопрос 6" not in anna.wait("Этого я не взял").text  # she asked it, and nobody else sees this
    boris.send("/clear")
    boris.wait("Забуду, когда договорю")
    held.set()
    anna.wait("Ответ 5.")
    until(harness.settled)
    questions = [text for role, text in asked(harness) if role == "user"]
    assert questions == [f"Собеседник {1 + number % 2}: вопрос {number}" for number in range(6)]
    assert [text for role, text in asked(harness) if role == "assistant"] == [f"Ответ {number}." for number in range(5)]


def test_a_long_answer_shows_a_notice_that_only_the_asker_may_stop(harness: BotHarness) -> None:
    _, (anna, boris) = club(harness, 1, 2)
    harness.says("Раз. Два. Три.", chunks=3, hang_after=2)
    sent = anna.send(f"{BOT} считай <b>громко</b>")
    notice = anna.wait(lambda message: "Раз. Два." in message.text and "✍️ Отвечаю…" in message.text)
    assert notice.labels == ("⏹ Стоп",)
    assert boris.tap("⏹ Стоп").wait_answer().text == STRANGER
    boris.send("/balance")  # now the bot knows him
    until(lambda: harness.db.count("user") == 2)
    assert boris.tap("⏹ Стоп").wait_answer().text == FOREIGN_STOP
    boris.send(f"{BOT} стоп")
    boris.wait("остановить его может только он")
    assert anna.tap("⏹ Стоп").wait_answer().text == "Останавливаюсь"
    answer = anna.wait("Раз. Два.", since=0)
    anna.wait("Остановил, сказанное осталось")
    until(lambda: not [message for message in anna.shown if "✍️ Отвечаю…" in message.text])
    answer = next(message for message in anna.bot_messages if message.text == "Раз. Два.")
    assert answer.reply_to == sent
    until(lambda: not harness.db.count("growing"))


def test_a_retry_in_a_group_is_for_who_asked(harness: BotHarness) -> None:
    _, (anna, boris) = club(harness, 1, 2)
    harness.models.faults.order(Behaviour(status=500))
    sent = anna.send(f"{BOT} вопрос")
    problem = anna.wait("Не получилось обработать запрос")
    assert problem.reply_to == sent
    assert boris.tap("🔁 Повторить").wait_answer().text == STRANGER
    harness.says("Ответ.")
    anna.tap("🔁 Повторить")
    assert anna.wait("Ответ.").reply_to == sent
    assert asked(harness) == [("user", "вопрос")]


def test_a_full_session_of_a_group_is_begun_anew_by_who_met_it(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_SESSION=5000)
    harness.start()
    _, (anna, boris) = club(harness, 1, 2)
    harness.says("Раз.")
    anna.send(f"{BOT} раз")
    anna.wait("Раз.")
    harness.db.change("session", spent=4900)
    anna.send(f"{BOT} два")
    anna.wait("потрачено всё, что ему отпущено")
    assert boris.tap("💬 Новый разговор").wait_answer().text == STRANGER
    anna.tap("💬 Новый разговор")
    anna.wait("Новый разговор. Прежний цел")


def test_a_long_answer_in_a_group_replies_with_its_first_message_only(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_ANSWER=2800)
    harness.start()
    _, (anna,) = club(harness, 1)
    harness.says("\n\n".join(f"**Пункт {number}.** " + "слово " * 100 for number in range(12)))
    sent = anna.send(f"{BOT} подробно")
    anna.wait("Пункт 11.")
    shown = [message for message in anna.bot_messages if "Пункт" in message.text]
    assert len(shown) > 1
    assert [message.reply_to for message in shown] == [sent, *[None] * (len(shown) - 1)]


def test_a_question_survives_a_restart_in_a_group(harness: BotHarness) -> None:
    _, (anna,) = club(harness, 1)
    harness.models.faults.order(Behaviour(hang=True))
    sent = anna.send(f"{BOT} вопрос")
    until(lambda: len(harness.prompts()) == 1)
    harness.says("Ответ после перезапуска.")
    harness.restart()
    assert anna.wait("Ответ после перезапуска.").reply_to == sent
    until(lambda: not [message for message in anna.shown if "✍️ Отвечаю…" in message.text])
