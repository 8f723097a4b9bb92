"""The wizard as a person walks it: every question, every way back, and everything that doesn't fit."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pytest

from sandbox.users import ChatUser
from tests.harness import BotHarness, until

HERO = "Смотритель Маяк: слеп, но ждёт корабль"


def test_two_stories_of_one_hero_are_told_apart_by_their_places(harness: BotHarness) -> None:
    person = harness.writer()
    for place, title in (("Порт: шумит", "Смотритель Маяк · Порт"), ("Порт: шумит", "Смотритель Маяк · Порт (2)")):
        person.press("🏠 Меню")
        person.wait("Вы в меню")
        for answer in ("📖 Новая история", "Детектив", "Смотритель Маяк: слеп", place, "Пропустить"):
            person.send(answer)
            person.wait()
        harness.says(f"Начало в «{title}».")
        person.press("✨ Начать историю")
        person.wait(f"📖 «{title}». Пишу начало")
        person.wait(f"Начало в «{title}».")


def test_start_registers_and_shows_the_menu(harness: BotHarness) -> None:
    person = harness.new_person()
    assert person.keyboard == (
        ("📖 Новая история", "📚 Мои истории"),
        ("💬 Чат", "🎭 Персонажи"),
        ("👤 Профиль", "❓ Помощь"),
    )
    assert person.placeholder == "Одна фраза или кнопка"
    welcome = person.bot_messages[0]
    assert "Напишем историю вдвоём" in welcome.text and "12 ходов" in welcome.text
    assert welcome.labels == ("🎲 Мне повезёт", "📖 На свой вкус")


def test_the_whole_wizard_by_buttons(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("📖 Новая история")
    assert "Шаг 1 из 5" in person.wait("жанр").text
    assert person.keyboard[0] == ("Фэнтези", "Детектив", "Ужасы")
    assert person.keyboard[-1] == ("🎲 Мне повезёт", "✖️ Отмена")
    person.press("Сказка")
    person.wait("Шаг 2 из 5")
    names = [label for row in person.keyboard[:2] for label in row]
    assert len(set(names)) == 4 and person.keyboard[2:] == (("🔀 Другие",), ("⬅️ Назад", "✖️ Отмена"))
    person.press("🔀 Другие")
    person.wait("Шаг 2 из 5")
    others = [label for row in person.keyboard[:2] for label in row]
    assert set(others).isdisjoint(names)
    person.press(others[0])
    person.wait("Шаг 3 из 5")
    setting = person.keyboard[0][1]
    person.press(setting)
    person.wait("Шаг 4 из 5")
    person.press("Пропустить")
    card = person.wait("Шаг 5 из 5").text
    assert f"Герой: {others[0]}: " in card and f"Место: {setting}: " in card and "Жанр: Сказка" in card
    assert person.keyboard == (("✨ Начать историю",), ("✏️ Изменить",), ("⬅️ Назад", "✖️ Отмена"))


def test_own_words_at_every_question_and_wishes_that_add_up(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("📖 Новая история")
    for words, answer in (
        ("Космический вестерн", "Шаг 2"),
        (HERO, "Шаг 3"),
        ("Скала посреди моря", "Шаг 4"),
        ("Пусть будет туман", "Записал"),
        ("И ни слова о любви", "Записал"),
    ):
        person.send(words)
        person.wait(answer)
    person.press("✅ Готово")
    card = person.wait("Шаг 5").text
    for words in ("Космический вестерн", HERO, "Скала посреди моря", "Пусть будет туман\nИ ни слова о любви"):
        assert words in card


def test_back_undoes_a_wrong_step(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("📖 Новая история")
    person.wait("Шаг 1")
    person.press("Ужасы")
    person.wait("Шаг 2")
    person.press("⬅️ Назад")
    person.wait("Шаг 1")
    person.press("Комедия")
    person.wait("Шаг 2")
    assert harness.app is not None and harness.app.db.drafts[person.id].genre == "Комедия"


@pytest.mark.parametrize(
    ("button", "question", "words"),
    [
        ("Жанр", "Меняем жанр", "Ужасы"),
        ("Герой", "Меняем героя", HERO),
        ("Место", "Меняем место", "Крыша вокзала"),
        ("Пожелания", "Меняем пожелания", "Без крови"),
    ],
)
def test_any_field_can_be_changed_on_the_card(harness: BotHarness, button: str, question: str, words: str) -> None:
    person = harness.at_summary()
    person.press("✏️ Изменить")
    person.wait("Что поменять?")
    person.press(button)
    person.wait(question)
    person.send(words)
    assert words in person.wait("Поправил").text
    assert "✨ Начать историю" in person.keyboard[0]


def test_luck_fills_the_card_and_can_be_tried_again(harness: BotHarness) -> None:
    person = harness.telegram.user(1, "Анна")
    person.send("/start")
    person.wait("Кнопки под сообщением")
    person.tap("🎲 Мне повезёт")
    first = person.wait("🎲 Выпало вот что").text
    person.tap("🎲 Мне повезёт")  # twice deals no second card
    until(harness.settled)
    assert sum("🎲 Выпало" in message.text for message in person.bot_messages) == 1
    assert "Герой:" in first and "🎲 Ещё раз" in person.keyboard[1]
    sent_at = time.time()
    for later_s in (0, 1, 60):  # a double press is one; who presses a minute later wants another card
        person.state.clock = partial(float, sent_at + later_s)
        person.press("🎲 Ещё раз")
    until(harness.settled)
    cards = [message.text for message in person.bot_messages if "🎲 Выпало" in message.text]
    assert len(cards) == 3 and len(set(cards)) > 1


def test_a_draft_left_halfway_is_offered_again_even_after_a_restart(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("📖 Новая история")
    person.wait("Шаг 1")
    person.press("Детектив")
    person.wait("Шаг 2")
    person.press("✖️ Отмена")
    person.wait("Черновик сохранён")
    harness.restart()
    person.press("📖 Новая история")
    assert "Жанр: Детектив" in person.wait("Продолжим этот черновик").text
    person.press("Продолжить черновик")
    person.wait("Шаг 2 из 5")
    person.send("/new_story")
    person.wait("Продолжим этот черновик")
    person.press("Начать заново")
    person.wait("Шаг 1 из 5")
    assert harness.app is not None and not harness.app.db.drafts[person.id].begun


def test_the_wizard_goes_on_at_its_question_after_a_restart(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("📖 Новая история")
    person.wait("Шаг 1")
    harness.restart()
    person.press("Детектив")
    person.wait("Шаг 2 из 5")


def test_what_does_not_fit_gets_a_sentence_and_the_same_keyboard(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("📖 Новая история")
    person.wait("Шаг 1")
    keyboard = person.keyboard
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: person.send("г" * 61), "Слишком длинно"),
        (person.sticker, "Стикер"),
        (person.photo, "Фото я рассматриваю"),
        (lambda: person.send("▶️ Дальше"), "Сейчас это не сработает"),
        (lambda: person.send("🏁 Финал"), "Сейчас это не сработает"),
        (lambda: person.send("💬 Чат"), "Сейчас это не сработает"),
        (lambda: person.send("/nonsense"), "Такой команды я не знаю"),
    ]
    for act, sentence in wrong:
        act()
        assert "мы выбираем жанр" in person.wait(sentence).text
        assert person.keyboard == keyboard
    person.press("Сказка")
    person.wait("Шаг 2")


def test_help_in_the_wizard_repeats_the_question(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("📖 Новая история")
    person.wait("Шаг 1")
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    person.wait("Шаг 1 из 5")


@pytest.mark.parametrize("word", ["меню", "Меню", "🏠 Меню"])
def test_the_word_menu_alone_is_the_button(harness: BotHarness, word: str) -> None:
    person = harness.new_person()
    person.press("📖 Новая история")
    person.wait("Шаг 1")
    person.send(word)
    person.wait("Вы в меню")


def test_a_label_without_its_emoji_is_somebodys_words_where_the_button_does_not_work(harness: BotHarness) -> None:
    person = harness.new_person()
    for words, answer in (("📖 Новая история", "Шаг 1"), ("Сказка", "Шаг 2"), ("чат", "Шаг 3")):
        person.send(words)
        person.wait(answer)
    assert harness.app is not None and harness.app.db.drafts[person.id].hero == "чат"


def test_hostile_words_are_shown_as_they_are_and_break_nothing(harness: BotHarness) -> None:
    person = harness.new_person()
    nasty = "<b>Вася</b> & <script>\x00 {hero} %s 'drop table user; --"
    for words, answer in (("📖 Новая история", "Шаг 1"), (nasty[:60], "Шаг 2"), (nasty, "Шаг 3"), (nasty, "Шаг 4")):
        person.send(words)
        person.wait(answer)
    person.press("Пропустить")
    assert nasty.replace("\x00", "") in person.wait("Шаг 5").text


def test_a_new_user_who_begins_with_words_keeps_them(harness: BotHarness) -> None:
    person: ChatUser = harness.telegram.user(1, "Анна")
    person.send("Жил-был кот, который умел считать")
    person.wait("Напишем историю вдвоём")
    person.wait("Сообщение сохранил")
    person.tap("✨ В новую историю")
    assert "Жил-был кот, который умел считать" in person.wait("Начинаем?").text
    assert harness.app is not None
    assert harness.app.db.drafts[person.id].extra.startswith("Жил-был кот, который умел считать")


@pytest.mark.parametrize("words", ["\u200b\u200b", "\u2060", "\u3164", "\u202e\u202c"])
def test_words_that_nobody_sees_are_no_answer(harness: BotHarness, words: str) -> None:
    person = harness.new_person()
    person.press("📖 Новая история")
    person.wait("Шаг 1")
    person.send(words)
    person.wait("Здесь нет ни слова")
    assert person.keyboard[-1] == ("🎲 Мне повезёт", "✖️ Отмена")


def test_marks_that_turn_the_writing_round_are_left_out_and_emoji_stay_whole(harness: BotHarness) -> None:
    person = harness.new_person()
    for words, answer in (("📖 Новая история", "Шаг 1"), ("Сказка", "Шаг 2"), ("\u202eкот 👩\u200d🚀\u202c", "Шаг 3")):
        person.send(words)
        person.wait(answer)
    assert harness.app is not None and harness.app.db.drafts[person.id].hero == "кот 👩\u200d🚀"


def test_changing_the_wishes_shows_them_and_says_what_skipping_does(harness: BotHarness) -> None:
    person = harness.at_summary()
    for label, answer in (("✏️ Изменить", "Что поменять"), ("Пожелания", "Меняем пожелания")):
        person.press(label)
        shown = person.wait(answer).text
    assert "Сейчас там: нет" in shown and "несколькими сообщениями" not in shown
    person.send("Без крови.")
    assert "Пожелания: Без крови." in person.wait("Начинаем?").text
    for label, answer in (("✏️ Изменить", "Что поменять"), ("Пожелания", "Меняем пожелания")):
        person.press(label)
        shown = person.wait(answer).text
    assert "Сейчас там: Без крови." in shown and "«Пропустить» уберёт" in shown


def test_nothing_to_cancel_says_what_works_now(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("/cancel")
    assert "📖 Новая история" in person.wait("Отменять нечего").text


def test_words_kept_for_a_new_story_keep_to_the_room_for_wishes(harness: BotHarness) -> None:
    person = harness.new_person()
    for _ in range(5):
        harness.says("Карточки не будет.")
        person.send("ж" * 950)
        person.wait("Куда его")
        person.tap("✨ В новую историю")
        person.wait("Какую историю")
        person.press("✖️ Отмена")
        person.wait("Черновик сохранён")
    assert len(harness.db.value("draft", "extra")) <= 1000
