"""Talk where it meets something else: another screen, another session, an answer that is still being written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bot_database import Not
from tests.chatting import ask, asked, chatting
from tests.harness import BotHarness, until
from tests.test_groups import BOT, club
from tests.toasts import FOREIGN

# ── a character in private ──


def with_character(harness: BotHarness) -> None:
    """Have the first person answer to a character in private."""
    person = harness.telegram.user(1)
    person.press("🎭 Персонажи")
    person.wait("С кем поговорим?")
    person.tap("Кот-писарь Пантелей")
    person.wait("Кто здесь?")


def test_a_group_keeps_its_talk_whatever_its_people_do_in_private(harness: BotHarness) -> None:
    harness.new_person(1)
    with_character(harness)
    _, (anna,) = club(harness, 1)
    for words, answer in (("раз", "Один."), ("два", "Два.")):
        harness.says(answer)
        anna.send(f"{BOT} {words}")
        anna.wait(answer)
    assert [text for _, text in asked(harness)] == ["раз", "Один.", "два"]
    assert harness.db.count("session", kind="chat") == 1
    anna.send("/t")
    anna.wait("💬 раз")
    anna.send("/clear")
    anna.wait("🧹 Забыл 4 сообщения")


def test_words_kept_in_the_menu_go_to_the_chat_from_a_characters_screen_too(harness: BotHarness) -> None:
    person = harness.new_person(1)
    person.send("Почему небо синее?")
    kept = person.wait("Сообщение сохранил")
    with_character(harness)
    harness.says("Из-за рассеяния.")
    person.tap("💬 В чат", kept)
    person.wait("Из-за рассеяния.")
    assert asked(harness) == [("user", "Почему небо синее?")]
    assert harness.db.last("turn", "kind") == "chat"


def test_tokens_of_a_conversation_with_a_character_are_called_by_its_name(harness: BotHarness) -> None:
    person = harness.new_person(1)
    with_character(harness)
    person.send("/t")
    assert "🎭 Кот-писарь Пантелей" in person.wait("Потрачено").text


# ── another session ──


def test_an_answer_that_comes_late_leaves_the_session_open_that_was_chosen_meanwhile(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Первый разговор.", "Раз.")
    harness.db.insert("session", user_id=1, chat_id=1, kind="chat", created_at=1, touched_at=1)
    harness.db.add("session", touched_at=-100)
    held = harness.holds("Два, но не сразу.")
    person.send("Ещё вопрос в первом.")
    until(lambda: len(harness.prompts()) == 2)
    other = harness.db.last("session", "id")
    latest = max(harness.db.values("session", "touched_at"))
    harness.db.change("session", {"id": other}, touched_at=latest + 2)
    held.set()
    person.wait("Два, но не сразу.")
    ask(harness, person, "Другое.", "Три.")
    assert asked(harness) == [("user", "Другое.")]


def test_editing_the_first_words_of_an_earlier_talk_asks_nothing_in_the_new_one(harness: BotHarness) -> None:
    person = chatting(harness)
    first = ask(harness, person, "Первое.", "Раз.")
    harness.db.insert("session", user_id=1, chat_id=1, kind="chat", created_at=1, touched_at=9e9)
    person.edit(first, "Совсем другое.")
    person.wait("Правку вижу")
    assert len(harness.prompts()) == 1


def test_a_page_of_sessions_that_are_all_gone_says_so(harness: BotHarness) -> None:
    person = chatting(harness)
    for number in range(7):
        harness.db.insert("session", user_id=1, chat_id=1, kind="character", created_at=1, touched_at=number)
    person.send("/sessions")
    listed = person.wait("🗂")
    harness.db.delete("session")
    person.tap("▶", listed)
    person.wait("Здесь пока пусто")


def test_tokens_and_info_speak_of_what_was_touched_last(harness: BotHarness) -> None:
    person = harness.writer()
    person.send("/chat")
    person.wait("💬 Чат")
    harness.db.change("session", touched_at=1)
    ask(harness, person, "Вопрос.", "Ответ.")
    person.send("/info")
    assert "Открыто: 💬 Вопрос." in person.wait("Соавтор").text
    person.press("🏠 Меню")
    person.wait("меню")
    person.send("/t")
    person.wait("💬 Вопрос.")
    person.press("🔖 К истории")
    person.wait("часть 1")
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🎭 Тон и стиль")
    person.wait("Каким тоном")
    person.send("/t")
    person.wait("📖")


# ── replies ──


def test_the_marked_piece_of_the_last_answer_goes_along(harness: BotHarness) -> None:
    person = chatting(harness)
    ask(harness, person, "Почему?", "Свет рассеивается в воздухе.")
    answer = person.last.id
    chat = {"id": 1, "type": "private", "first_name": "Анна"}
    replied = {"message_id": answer, "date": 1, "chat": chat, "text": "Свет рассеивается в воздухе."}
    quote = {"text": "рассеивается", "position": 5, "is_manual": True}
    sender = {"id": 1, "is_bot": False, "first_name": "Анна"}
    message = {"message_id": 77, "date": 1, "chat": chat, "from": sender, "text": "Что это значит?"}
    harness.says("Разлетается.")
    harness.telegram.raw_update({"message": {**message, "reply_to_message": replied, "quote": quote}})
    person.wait("Разлетается.")
    assert "рассеивается" in asked(harness)[-1][1]


# ── limits ──


def test_limits_speak_of_the_chat_there_and_not_of_stories(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.db.change("user", balance=10)
    person.send("Вопрос.")
    assert "историй" not in person.wait("Токены кончились").text
    harness.db.change("user", balance=30000)
    harness.db.insert("budget", period="ever", spent=1000000, reserved=0, lost=0, told=100)
    person.send("Вопрос.")
    said = person.wait("лимит бота исчерпан").text
    assert "стори" not in said and "/whole_story" not in said


def test_a_role_leaves_room_for_a_question(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MAX_TOKENS_PER_REQUEST=600, MAX_TOKENS_PER_ANSWER=200)
    harness.start()
    person = chatting(harness)
    person.send(f"/prompt {'слово ' * 200}")
    person.wait("Роль длинновата")
    person.press("🎓 Роль")
    person.wait("Кем мне быть?")
    person.tap("✍️ Своя роль")
    person.wait("Опишите словами")
    person.send("слово " * 200)
    person.wait("Роль длинновата")
    person.send("Ты пират.")
    person.wait("Запомнил")
    ask(harness, person, "Привет.", "Йо-хо-хо!")


def test_the_longest_role_is_shown_in_one_message_whatever_its_signs(harness: BotHarness) -> None:
    person = chatting(harness)
    person.send("/prompt " + "🏴" * 1500)
    person.wait("Роль длинновата: здесь 3 000 знаков, а помещается 2 000".replace(" 0", "\xa00"))
    person.send("/prompt " + "🏴" * 1000)
    person.wait("Запомнил")
    person.send("/prompt")
    person.wait("🏴" * 1000)


def test_the_price_of_a_picture_has_nothing_to_do_with_a_dear_model(harness: BotHarness) -> None:
    person = harness.new_person(1)
    person.send("/model aliceai-llm")
    person.wait("Теперь для вас пишет")
    harness.db.change("user", balance=1900)
    person.send("/image Кот")
    person.wait("Нарисую")
    person.tap("🎨 Нарисовать")
    assert "/model" not in person.wait("токенов не хватит").text


# ── groups ──


@pytest.mark.parametrize("command", ["/image кот", "/characters", "/menu"])
def test_what_works_in_private_only_is_said_to_work_there(harness: BotHarness, command: str) -> None:
    _, (anna,) = club(harness, 1)
    anna.send(command)
    assert "стори" not in anna.wait("Это делаем в личном чате").text


def test_a_mention_in_a_reply_to_another_bot_is_answered(harness: BotHarness) -> None:
    club(harness, 1)
    chat = {"id": -100500, "type": "supergroup", "title": "Клуб"}
    other = {"id": 55, "is_bot": True, "first_name": "Погода", "username": "weather_bot"}
    said = {"message_id": 500, "date": 1, "chat": chat, "from": other, "text": "Завтра дождь."}
    sender = {"id": 1, "is_bot": False, "first_name": "Имя1"}
    message = {"message_id": 501, "date": 1, "chat": chat, "from": sender, "text": f"{BOT} брать ли зонт?"}
    harness.says("Берите.")
    harness.telegram.raw_update({"message": {**message, "reply_to_message": said}})
    until(lambda: harness.prompts())
    assert "Завтра дождь." in asked(harness)[-1][1]


def test_a_sticker_or_a_bare_mention_under_the_bots_own_answer_asks_nothing(harness: BotHarness) -> None:
    _, (anna,) = club(harness, 1)
    harness.says("Синее.")
    anna.send(f"{BOT} какое небо?")
    answer = anna.wait("Синее.").id
    anna.sticker(reply_to=answer)
    anna.photo(reply_to=answer)
    anna.send(BOT, reply_to=answer)
    anna.wait("Позовите меня и спросите")
    until(harness.settled)
    assert len(harness.prompts()) == 1 and len(anna.bot_messages) == 2


def test_a_stop_in_a_group_speaks_of_no_buttons_that_arent_there(harness: BotHarness) -> None:
    _, (anna, boris) = club(harness, 1, 2)
    harness.says("Раз. Два. Три.", chunks=3, hang_after=2)
    harness.says("Борису.")
    anna.send(f"{BOT} считай")
    anna.wait("Раз. Два.")
    boris.send(f"{BOT} привет")
    until(lambda: harness.db.count("inbox", queued=Not(0)))
    anna.send("/cancel")
    assert "Не надо" not in anna.wait("Остановил").text
    boris.wait("Борису.")


def test_a_failed_question_is_repeated_only_where_it_was_asked(harness: BotHarness) -> None:
    person = chatting(harness)
    harness.says("", status=500)
    person.send("Вопрос.")
    problem = person.wait("Не получилось")
    _, (anna,) = club(harness, 1)
    group = {"id": -100500, "type": "supergroup", "title": "Клуб"}
    sender = {"id": 1, "is_bot": False, "first_name": "Анна"}
    bot = {"id": 7, "is_bot": True, "first_name": "Соавтор", "username": BOT[1:]}
    message = {"message_id": 9, "date": 1, "chat": group, "from": bot, "text": "…"}
    data = next(button.data for row in problem.buttons for button in row)
    forged = {"id": "1", "from": sender, "chat_instance": "1", "message": message, "data": data}
    harness.telegram.raw_update({"callback_query": forged})
    until(lambda: FOREIGN in str(harness.telegram.called("answerCallbackQuery")))
    assert not anna.bot_messages
