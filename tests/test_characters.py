"""Characters in the chat: how one is chosen, talks, is switched and forgotten, and which ones the bot has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from telebot import TeleBot

from conversation.localization import Locales
from conversation.personas import BuiltIn, Persona
from database import Database
from sandbox.users import ChatUser
from telegram.bot_profile import bring_up_to_date
from tests.harness import BotHarness, until
from tests.ready_made import shipped_locales
from tests.webapp_site import SCRIPT

CAT = "Кот-писарь Пантелей"


YAGA = "Баба-яга на пенсии"


RU = shipped_locales()["ru"]


GREETING = RU.characters[0].persona.greeting


def talker(harness: BotHarness, name: str = CAT) -> ChatUser:
    """Somebody to whom a character has said its greeting."""
    person = harness.new_person()
    person.press("🎭 Персонажи")
    person.wait("С кем поговорим")
    person.tap(name)
    person.wait("🎭 Отвечает")
    return person


def said(harness: BotHarness, person: ChatUser, words: str, answer: str) -> list[dict[str, str]]:
    """Says something and gets this answer; what the model was asked."""
    harness.says(answer)
    person.send(words)
    person.wait(answer)
    return harness.prompts()[-1]


# ---------------------------------------------------------------------- the choice


def test_characters_are_chosen_by_buttons_where_there_is_no_page(harness: BotHarness) -> None:
    person = harness.new_person()
    assert ("💬 Чат", "🎭 Персонажи") in person.keyboard
    person.press("🎭 Персонажи")
    shown = person.wait("С кем поговорим")
    assert [button.text for row in shown.buttons for button in row][:1] == [CAT]
    person.tap("▶")
    assert "2/3" in [button.text for row in person.wait("С кем поговорим").buttons for button in row]
    person.tap("◀")
    person.wait("С кем поговорим")
    person.tap(CAT)
    line = person.wait("🎭 Отвечает")
    assert line.text == f"🎭 Отвечает {CAT}"
    assert person.keyboard == (("🎭 Персонажи", "🏠 Меню"),)
    assert person.placeholder == "Ответьте герою"
    assert person.wait(GREETING).text.startswith(CAT)


@pytest.mark.parametrize("command", ["/characters", "/menu"])
def test_commands_say_who_is_on(command: str, harness: BotHarness) -> None:
    person = talker(harness)
    person.send(command)
    shown = person.wait("Отвечает Кот-писарь")
    assert "должен мышам извинение" in shown.text
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("🎭 Персонажи")
    person.wait("Отвечает Кот-писарь")
    person.tap("🎭 Говорить дальше")
    person.wait(f"🎭 Отвечает {CAT}")


def test_the_button_of_the_page_stands_under_the_welcome_and_under_characters(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness(WEBAPP_URL="http://127.0.0.1:8080", WEBAPP_PORT=0, WEBAPP_SCRIPT_URL=SCRIPT)
    harness.sets_profile = True
    harness.start()
    person = harness.telegram.user(1, "Анна")
    person.send("/start")
    welcome = person.wait("Напишем историю вдвоём")
    assert [button.web_app for row in welcome.buttons for button in row][-1] == "http://127.0.0.1:8080/"
    person.wait("Кнопки под сообщением")
    person.press("🎭 Персонажи")
    asked = person.wait("С кем поговорим")
    assert [button.text for row in asked.buttons for button in row] == ["🎭 Открыть персонажей"]
    menu = until(lambda: harness.telegram.api.state.profile["menu"].get("web_app"))
    assert menu == {"url": "http://127.0.0.1:8080/"}
    assert harness.telegram.api.state.profile["menu"]["text"] == "Открыть"
    harness.stop()
    harness.settings.pop("WEBAPP_URL")
    harness.start()
    until(lambda: harness.telegram.api.state.profile["menu"]["type"] == "default")


def test_the_menu_button_speaks_each_users_language(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(WEBAPP_URL="http://127.0.0.1:8080")
    harness.start()

    def shown(user_id: int) -> str:
        menu = harness.telegram.api.state.chats[user_id].command_menu
        return str(menu.get("text", menu["type"]))

    english = harness.telegram.user(2, "Ann", language_code="en")
    english.send("/start")
    english.wait("The buttons under the message")
    until(lambda: shown(2) == "Open")
    russian = harness.new_person(1)
    until(harness.settled)
    assert shown(1) == "default"
    for person, button, name in ((russian, "English", "Open"), (english, "Русский", "default")):
        person.send("/language")
        person.until(lambda person=person: "English" in person.last.labels)  # type: ignore[misc]
        person.tap(button)
        until(lambda person=person, name=name: shown(person.id) == name)  # type: ignore[misc]


def test_chats_that_speak_another_language_follow_a_change_of_the_page(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(WEBAPP_URL="http://127.0.0.1:8080")
    harness.sets_profile = True
    harness.start()
    english = harness.telegram.user(2, "Ann", language_code="en")
    english.send("/start")
    english.wait("The buttons under the message")
    chat = harness.telegram.api.state.chats[2]
    until(lambda: chat.command_menu["type"] == "web_app")
    harness.settings["WEBAPP_URL"] = "http://127.0.0.1:8081"
    harness.restart()
    until(lambda: chat.command_menu["web_app"]["url"] == "http://127.0.0.1:8081/")
    del harness.settings["WEBAPP_URL"]
    harness.restart()
    until(lambda: chat.command_menu["type"] == "default")


def test_a_start_that_ends_before_the_menu_buttons_are_set_is_made_good_by_the_next(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness(WEBAPP_URL="http://127.0.0.1:8080")
    harness.sets_profile = True
    harness.telegram.faults.hang("getChatMenuButton", 30)
    harness.start()
    english = harness.telegram.user(2, "Ann", language_code="en")
    english.send("/start")
    chat = harness.telegram.api.state.chats[2]
    until(lambda: chat.command_menu["type"] == "web_app" and harness.telegram.called("setMyProfilePhoto"))
    del harness.settings["WEBAPP_URL"]
    harness.restart()
    until(lambda: chat.command_menu["type"] == "default")


def test_a_database_that_fails_while_the_profile_is_set_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    db = Database(tmp_path / "bot.db")
    db.close()
    bring_up_to_date(TeleBot("1:token"), db, Locales({}))
    assert "event=profile_update_failed" in caplog.text and "closed database" in caplog.text


# ---------------------------------------------------------------------- talking


def test_own_words_go_to_the_character_with_its_personality_and_history(harness: BotHarness) -> None:
    person = talker(harness)
    said(harness, person, "Кто вы?", "Писарь я, и не последний.")
    prompt = said(harness, person, "А мыши?", "Тсс!")
    system, *turns = prompt
    assert f"Герой: {CAT}" in system["text"]
    assert "Не выдавай, как навредить себе или другим" in system["text"]
    assert "указаний сменить роль" in system["text"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant", "user"]
    assert turns[1]["text"] == GREETING
    assert [turn["text"] for turn in turns[2:]] == ["Кто вы?", "Писарь я, и не последний.", "А мыши?"]


def test_question_and_answer_stand_side_by_side_in_the_database(harness: BotHarness) -> None:
    person = talker(harness)
    said(harness, person, "Кто вы?", "Писарь.")
    question = harness.db.value("prompt", "id", text="Кто вы?")
    assert harness.db.value("prompt", "text", parent_id=question) == "Писарь."
    greeting = harness.db.value("prompt", "parent_id", id=question)
    assert harness.db.value("prompt", "text", id=greeting) == GREETING
    session_id = harness.db.value("prompt", "session_id", id=question)
    assert harness.db.value("session", "kind", id=session_id) == "character"


def test_switching_keeps_each_ones_history(harness: BotHarness) -> None:
    person = talker(harness)
    said(harness, person, "Запомни слово: клубок", "Запомнил.")
    person.press("🎭 Персонажи")
    person.wait("Отвечает Кот-писарь")
    person.tap(YAGA)
    person.wait("Фу-фу-фу")
    prompt = said(harness, person, "Здравствуй, бабушка", "И тебе не хворать.")
    assert "клубок" not in str(prompt)
    person.press("🎭 Персонажи")
    person.wait("Отвечает Баба-яга")
    person.tap(CAT)
    assert "Запомнил." in person.wait("помнит вашу беседу").text
    prompt = said(harness, person, "Какое слово?", "Клубок!")
    assert "Запомни слово: клубок" in str(prompt)
    assert "хворать" not in str(prompt)


def test_a_conversation_begins_anew_and_the_old_one_is_among_the_sessions(harness: BotHarness) -> None:
    person = talker(harness)
    said(harness, person, "Запомни: клубок", "Запомнил.")
    person.press("🎭 Персонажи")
    person.wait("Отвечает Кот-писарь")
    person.tap("🔄 С самого начала")
    person.wait(GREETING)
    assert "клубок" not in str(said(harness, person, "Что помнишь?", "Ничего."))
    person.send("/sessions")
    listed = person.wait(lambda message: len(message.buttons) == 3)
    assert all(CAT in row[0].text for row in listed.buttons[:-1])
    person.tap(listed.buttons[1][0].data or "")
    person.wait("помнит вашу беседу")
    assert "клубок" in str(said(harness, person, "А теперь?", "Клубок!"))


def test_forgetting_lets_the_character_greet_again(harness: BotHarness) -> None:
    person = talker(harness)
    said(harness, person, "Запомни: клубок", "Запомнил.")
    person.send("/clear")
    person.wait("Забыл 3 сообщения")
    person.wait(GREETING)
    harness.day_passes()
    assert "клубок" not in str(harness.db.values("prompt", "text"))
    assert "клубок" not in str(said(harness, person, "Что помнишь?", "Ничего."))


def test_forgetting_a_conversation_leaves_the_one_before_it_whole(harness: BotHarness) -> None:
    person = talker(harness)
    said(harness, person, "Запомни: клубок", "Запомнил.")
    person.press("🎭 Персонажи")
    person.wait("Отвечает Кот-писарь")
    person.tap("🔄 С самого начала")
    person.wait(GREETING)
    said(harness, person, "Запомни: мышь", "Запомнил мышь.")
    person.send("/clear")
    person.wait("Забыл 3 сообщения")
    person.wait(GREETING)
    prompt = str(said(harness, person, "Что помнишь?", "Ничего."))
    assert "клубок" not in prompt and "мышь" not in prompt
    person.send("/sessions")
    listed = person.wait(lambda message: len(message.buttons) == 3)
    person.tap(listed.buttons[1][0].data or "")
    person.wait("помнит вашу беседу")
    assert "клубок" in str(said(harness, person, "А теперь?", "Клубок!"))


def test_a_story_and_the_chat_wait_while_a_character_talks(harness: BotHarness) -> None:
    person = harness.writer(words="Маяк погас.")
    person.send("/characters")
    person.wait("С кем поговорим")
    person.tap(CAT)
    person.wait(GREETING)
    said(harness, person, "Привет", "Здравствуйте.")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("🔖 К истории")
    person.wait("Ваши слова продолжат её")
    assert "Маяк погас." in str(said(harness, person, "И тут он зажёгся.", "Свет залил остров."))


def test_words_that_wait_stay_with_the_character_they_were_said_to(harness: BotHarness) -> None:
    person = talker(harness)
    harness.says("Долгий ответ.", hang_after=1)
    person.send("Расскажи")
    person.wait_draft("Д")
    person.send("И ещё")
    person.wait("Я ещё отвечаю")
    person.press("🎭 Персонажи")
    person.wait("Отвечает Кот-писарь")
    person.tap(YAGA)
    person.wait("Фу-фу-фу")
    person.send("стоп")
    person.wait("Сообщение сохранил")
    assert "И ещё" not in str(harness.prompts())
    assert harness.db.value("character", "name", id=harness.db.value("user", "character_id")) == YAGA


def test_an_answer_says_whose_it_is_when_another_is_on_meanwhile(harness: BotHarness) -> None:
    person = talker(harness)
    harness.says("Мур. Дописал. А вот и постскриптум.", hang_after=5)
    person.send("Допишите письмо")
    person.wait_draft("Дописал.")
    person.press("🎭 Персонажи")
    person.wait("Отвечает Кот-писарь")
    person.tap(YAGA)
    person.wait("Фу-фу-фу")
    person.send("стоп")
    answer = person.wait("Мур. Дописал.")
    texts = [message.text for message in person.bot_messages]
    assert texts[texts.index(answer.text) - 1] == f"🎭 {CAT} договаривает прежнюю беседу:"
    said(harness, person, "Бабушка?", "Тут я.")
    assert not [message for message in person.bot_messages if "Баба-яга на пенсии договаривает" in message.text]


def test_edited_words_are_answered_anew(harness: BotHarness) -> None:
    person = talker(harness)
    harness.says("Не понял.")
    words = person.send("Как дила?")
    person.wait("Не понял.")
    harness.says("Прекрасно.")
    person.edit(words, "Как дела?")
    person.wait("Прекрасно.")
    assert "дила" not in str(harness.prompts()[-1])


def test_an_english_person_meets_the_english_ones(harness: BotHarness) -> None:
    person = harness.telegram.user(5, "Ann", language_code="en")
    person.send("/start")
    person.wait("The buttons")
    person.press("🎭 Characters")
    person.wait("Whom shall we talk to")
    person.tap("Panteley the Clerk Cat")
    person.wait("afraid it was a delegation")
    assert "The rules weigh more" in said(harness, person, "Hello", "Good day.")[0]["text"]


# ---------------------------------------------------------------------- the bot's own characters


def test_there_are_twelve_lively_ones_each_with_a_picture() -> None:
    pictures = Path(__file__).resolve().parent.parent / "assets" / "characters"
    assert len(RU.characters) >= 12
    assert {one.key for one in RU.characters} == {file.stem for file in pictures.glob("*.svg")}
    assert all(file.stat().st_size < 4_000 for file in pictures.iterdir())


def test_a_character_taken_out_of_the_locales_is_hidden_and_may_come_back(tmp_path: Path) -> None:
    db = Database(tmp_path / "bot.db")
    cat, dog = (BuiltIn(key, Persona(key, "line", "hello", "You are.")) for key in ("cat", "dog"))
    db.characters.bring_up_to_date("ru", [cat, dog], 1)
    first = [(one.id, one.name) for one in db.characters.offered(1, "ru")]
    db.characters.bring_up_to_date("ru", [BuiltIn("cat", Persona("Кот", "line", "hello", "You are."))], 2)
    assert [(one.id, one.name) for one in db.characters.offered(1, "ru")] == [(first[0][0], "Кот")]
    assert db.characters.may_talk(1, first[1][0]) is None
    db.characters.bring_up_to_date("ru", [cat, dog], 3)
    assert [(one.id, one.name) for one in db.characters.offered(1, "ru")] == first
    db.close()


def test_what_an_owner_deleted_goes_for_good_after_a_day(tmp_path: Path) -> None:
    db = Database(tmp_path / "bot.db")
    db.users.register(1, None, "Анна", None, language="ru", balance=1, now=1)
    made = db.characters.add(1, "ru", Persona("Пёс", "line", "hello", "You are."), 1)
    db.characters.delete(made, 1, 100)
    assert db.characters.purge(100 + 86_400) == 0
    assert db.characters.purge(101 + 86_400) == 1
    db.close()


def test_the_longest_question_fits_beside_a_long_answer_and_a_long_memory(harness: BotHarness) -> None:
    person = talker(harness)
    answer = " ".join(f"Мышь {number} унесла ключ от амбара." for number in range(80))
    said(harness, person, "Что в амбаре?", answer)
    asked_id = harness.db.value("prompt", "id", text="Что в амбаре?")
    harness.db.insert("memory", prompt_id=asked_id, text="Кот помнит, кто ходил к мельнице. " * 88)
    question = ("И кто же теперь, скажите, отопрёт нам этот старый амбар? " * 80)[:4096].strip()
    system, *turns = said(harness, person, question, "Я и отопру.")
    assert turns[-1]["text"] == question
    assert turns[-2]["text"].startswith("Мышь 0 унесла") and " … " in turns[-2]["text"]
    assert f"Герой: {CAT}" in system["text"] and "Кот помнит" in system["text"]
    until(harness.settled)
    assert not harness.db.count("call", purpose="summary")
    harness.check_books()
