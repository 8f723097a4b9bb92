"""The story's screens as a person uses them: parts, own words, endings, reading, and words without a place."""

from __future__ import annotations

import pytest

from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from tests.harness import BotHarness, until


def labels(person: ChatUser) -> list[str]:
    return [label for row in person.keyboard for label in row]


PART = "Туман лёг на воду. Маяк молчал."


def test_a_story_from_its_card_to_its_end(harness: BotHarness) -> None:
    person = harness.at_summary()
    harness.says(PART)
    person.press("✨ Начать историю")
    assert "Пишу начало" in person.wait("📖 «Смотритель Маяк»").text
    assert person.wait(PART).text == PART
    assert person.keyboard == (
        ("▶️ Дальше", "💡 Подскажи"),
        ("🔄 Другой вариант", "↩️ Отменить ход"),
        ("🏁 Финал", "⚙️ Ещё", "🏠 Меню"),
    )
    assert person.placeholder == "Что было дальше?"
    harness.says("Он шагнул в воду.")
    person.send("Смотритель встал и вышел.")
    person.wait("Он шагнул в воду.")
    harness.says("Вода расступилась.")
    person.press("▶️ Дальше")
    person.wait("Вода расступилась.")
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    assert labels(person) == ["😊 Счастливый", "😢 Трагический", "😲 Неожиданный", "✍️ На твой вкус", "⬅️ Пишем дальше"]
    harness.says("Корабль пришёл.")
    person.press("😊 Счастливый")
    person.wait("Корабль пришёл.")
    person.wait("Дописали!")
    assert labels(person)[:3] == ["🔄 Другой финал", "📖 Скачать", "🔁 Заново с теми же настройками"]
    person.tap("📖 Читать")
    whole = person.wait(PART).text
    for text in ("Смотритель встал и вышел.", "Он шагнул в воду.", "Вода расступилась.", "Корабль пришёл."):
        assert text in whole
    person.wait("Конец")


def test_the_model_is_sent_the_settings_and_the_shown_path_only(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Вторая.")
    person.send("Он встал.")
    person.wait("Вторая.")
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    harness.says("Третья.")
    person.press("▶️ Дальше")
    person.wait("Третья.")
    system, *turns = harness.prompts()[-1]
    assert system["role"] == "system"
    for line in ("Жанр: Детектив", "Герой: Смотритель Маяк: слеп", "Место: Остров: туман круглый год"):
        assert line in system["text"]
    assert "Пожелания" not in system["text"] and "{" not in system["text"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant", "user"]
    *before, last = [turn["text"] for turn in turns][1:]
    assert before == ["Начало.", "Он встал.", "Вторая."] and last.startswith("Продолжи. Герой сам")


def test_what_a_model_adds_against_its_prompt_is_cleaned_away(harness: BotHarness) -> None:
    person = harness.at_summary()
    harness.says(PART, preface=True, markdown=True)
    person.press("✨ Начать историю")
    text = person.wait("Туман").text
    assert "Конечно" not in text and "**" not in text and "#" not in text


def test_a_truncated_answer_ends_at_its_last_whole_sentence(harness: BotHarness) -> None:
    person = harness.at_summary()
    harness.says("Первое предложение. Второе оборвалось на полусло", end="truncated")
    person.press("✨ Начать историю")
    assert person.wait("Первое").text == "Первое предложение."


def test_a_very_long_answer_comes_whole_in_several_messages(harness: BotHarness) -> None:
    person = harness.at_summary()
    long = "\n\n".join(f"Абзац номер {number}. " + "слово " * 60 for number in range(12))
    harness.settings["MAX_TOKENS_PER_ANSWER"] = "2800"
    harness.restart()
    harness.says(long)
    person.press("✨ Начать историю")
    person.wait("Абзац номер 11")
    got = "\n\n".join(message.text for message in person.bot_messages if "Абзац номер" in message.text)
    assert got.split() == long.split()


def test_the_menu_parks_a_story_and_leads_back_to_it(harness: BotHarness) -> None:
    person = harness.writer()
    person.press("🏠 Меню")
    person.wait("Чтобы вернуться")
    assert person.keyboard[0] == ("🔖 К истории",)
    person.press("🔖 К истории")
    assert "часть 1. Ваши слова продолжат её" in person.wait("📖").text
    harness.says("Дальше.")
    person.send("И он пошёл.")
    person.wait("Дальше.")


def test_own_words_go_on_with_the_story_after_start_and_after_a_restart(harness: BotHarness) -> None:
    person = harness.writer()
    person.send("/start")
    person.wait("С возвращением")
    harness.restart()
    harness.says("Прилив начался.")
    person.send("Он оглянулся.")
    person.wait("Прилив начался.")
    assert harness.prompts()[-1][-1]["text"].startswith("Он оглянулся.\n\n(Пиши сразу после")


def test_after_twelve_hours_a_story_recalls_where_it_stood_and_spends_nothing(harness: BotHarness) -> None:
    person = harness.writer(words="Смотритель ждал. Корабля не было. Чайки спали.")
    assert harness.app is not None
    session = harness.db.value("user", "session_id", id=person.id)
    harness.app.db.stories.touch(session, 1)
    asked = len(harness.prompts())
    person.send("/start")
    text = person.wait("Давно не виделись").text
    assert "Смотритель ждал. Корабля не было." in text and "Чайки" not in text
    assert len(harness.prompts()) == asked


def test_words_in_the_menu_are_kept_and_spend_nothing_before_the_choice(harness: BotHarness) -> None:
    person = harness.writer()
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    asked = len(harness.prompts())
    person.send("Дверь скрипнула.")
    assert person.wait("Сообщение сохранил").labels == ("📖 В «Смотритель Маяк»", "✨ В новую историю", "💬 В чат")
    assert len(harness.prompts()) == asked
    harness.says("За дверью никого.")
    person.tap("📖 В «Смотритель Маяк»")
    person.wait("За дверью никого.")
    assert harness.prompts()[-1][-1]["text"].startswith("Дверь скрипнула.\n\n(Пиши сразу после")


def test_kept_words_go_into_the_story_that_the_button_names(harness: BotHarness) -> None:
    person = harness.writer(words="Первая история.")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.send("Дверь скрипнула.")
    kept = person.wait("Сообщение сохранил")
    person.press("📖 Новая история")
    for answer in ("Сказка", "Кот", "Лес", "Пропустить"):
        person.wait("Шаг")
        person.send(answer)
    person.wait("Шаг 5")
    harness.says("Жил-был кот.")
    person.press("✨ Начать историю")
    person.wait("Жил-был кот.")
    harness.says("За дверью никого.")
    person.tap("📖 В «Смотритель Маяк»", kept)
    person.wait("За дверью никого.")
    sent = str(harness.prompts()[-1])
    assert "Первая история." in sent and "Дверь скрипнула." in sent and "был кот" not in sent


def test_after_the_end_words_become_an_epilogue(harness: BotHarness) -> None:
    person = harness.writer()
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    harness.says("Вот и всё.")
    person.press("✍️ На твой вкус")
    person.wait("Дописали!")
    assert person.placeholder == "Эпилог или новая?"
    person.send("Прошло десять лет.")
    assert person.wait("Сообщение сохранил").labels == ("✍️ Эпилог", "📖 Новая история")
    harness.says("Маяк стал музеем.")
    person.tap("✍️ Эпилог")
    person.wait("Маяк стал музеем.")
    person.wait("Эпилог готов")
    assert "эпилог" in harness.prompts()[-1][0]["text"]


def test_own_words_at_the_choice_of_endings_describe_the_ending(harness: BotHarness) -> None:
    person = harness.writer()
    person.send("/end_story")
    person.wait("Каким будет конец")
    harness.says("Он проснулся капитаном.")
    person.send("смотритель прозревает")
    person.wait("Дописали!")
    assert "смотритель прозревает" in harness.prompts()[-2][0]["text"]


def test_keep_writing_leaves_the_choice_of_endings(harness: BotHarness) -> None:
    person = harness.writer()
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    person.press("⬅️ Пишем дальше")
    person.wait("Пишем дальше!")
    assert person.keyboard[0] == ("▶️ Дальше", "💡 Подскажи")


def test_a_story_without_a_part_has_no_ending_yet(harness: BotHarness) -> None:
    person = harness.at_summary()
    harness.models.faults.order(Behaviour(status=500))
    person.press("✨ Начать историю")
    person.wait("Не получилось обработать запрос")
    person.press("🏁 Финал")
    person.wait("Для финала ещё рано")


def test_the_whole_story_is_read_from_its_first_line(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("/whole_story")
    person.wait("Открытой истории нет")
    person = harness.writer(2)
    person.send("/whole_story")
    person.wait("1 часть")
    person.wait("Начало.")
    person.wait("Продолжение за вами")


def test_what_was_asked_in_brackets_is_not_read_as_the_story(harness: BotHarness) -> None:
    person = harness.writer()
    for number, words in enumerate(("Он кивнул. (сделай страшнее)", "(пусть пойдёт снег)")):
        harness.says(f"Часть {number}.")
        person.send(words)
        person.wait(f"Часть {number}.")
    person.send("/whole_story")
    person.wait("Продолжение за вами")
    whole = [message.text for message in person.shown if message.text.startswith("Начало.")][-1]
    assert whole == "Начало.\n\nОн кивнул.\n\nЧасть 0.\n\nЧасть 1."
    assert f"{len(whole)} знак" in next(message.text for message in person.shown if "3 части" in message.text)


@pytest.mark.parametrize("label", ["Пропустить", "✨ Начать историю", "⬅️ Назад", "🧹 Забыть разговор", "Жанр"])
def test_a_button_of_another_screen_says_what_works_here(harness: BotHarness, label: str) -> None:
    person = harness.writer()
    asked = len(harness.prompts())
    person.send(label)
    assert "идёт история" in person.wait("Сейчас это не сработает").text
    assert len(harness.prompts()) == asked


def test_words_cut_off_by_the_prompt_s_room_are_told_how_much_to_cut(harness: BotHarness) -> None:
    harness.settings["MAX_TOKENS_PER_REQUEST"] = "1000"
    harness.settings["MAX_TOKENS_PER_ANSWER"] = "300"
    harness.restart()
    person = harness.writer()
    message = person.send("слово " * 600)
    text = person.wait("помещается 500 токенов").text
    assert "Сократите его до" in text and "Изменить" in text
    harness.says("Хорошо.")
    person.edit(message, "Короткие слова.")
    person.wait("Хорошо.")


def test_two_stories_do_not_mix(harness: BotHarness) -> None:
    person = harness.writer(words="Первая история.")
    person.send("/new_story")
    for answer in ("Сказка", "Кот", "Лес", "Пропустить"):
        person.wait("Шаг")
        person.send(answer)
    person.wait("Шаг 5")
    harness.says("Жил-был кот.")
    person.press("✨ Начать историю")
    person.wait("Жил-был кот.")
    assert "Первая история." not in str(harness.prompts()[-1])


def test_older_text_becomes_memory_and_the_original_stays_whole(harness: BotHarness) -> None:
    harness.settings |= {"MAX_TOKENS_PER_REQUEST": "1500", "MAX_TOKENS_PER_ANSWER": "400"}
    harness.restart()
    person = harness.writer(words="Часть 0. " + "Волна шла за волной. " * 19 + "Конец волны.")
    for number in range(1, 9):
        part = f"Часть {number}. " + "Волна шла за волной. " * 19 + "Конец волны."

        def answer(request: object, part: str = part) -> Behaviour:
            asked = request.body["messages"][-1]["text"]  # type: ignore[attr-defined]
            return Behaviour(text="Герой: Маяк, слеп." if "Ты ведёшь память" in asked else part)

        harness.models.faults.rule = answer
        person.press("▶️ Дальше")
        person.wait(f"Часть {number}.")
    harness.models.faults.rule = None
    asked = harness.prompts()
    assert any("Ты ведёшь память" in str(prompt) for prompt in asked)
    last = next(prompt for prompt in reversed(asked) if prompt[0]["role"] == "system")
    assert "Раньше было: Герой: Маяк, слеп." in last[0]["text"] and "Часть 0." not in str(last)
    for prompt in asked:
        assert sum(len(message["text"]) for message in prompt) / 3 < 1500
    person.send("/whole_story")
    person.wait("Часть 0.")
    assert until(lambda: harness.db.count("call", state="asked") == 0)


def test_a_part_is_written_into_the_session_it_was_asked_for(harness: BotHarness) -> None:
    person = harness.writer()
    held = harness.holds("Поздняя часть.")
    person.press("▶️ Дальше")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    held.set()
    person.wait("Поздняя часть.")
    assert person.keyboard[0] == ("🔖 К истории",)
    person.press("🔖 К истории")
    person.wait("часть 2")


def test_editing_an_answer_to_the_wizard_is_no_part_of_the_story(harness: BotHarness) -> None:
    person = harness.writer()
    asked = len(harness.prompts())
    mine = next(m for m in person.shown if m.text.startswith("Смотритель Маяк: слеп") and not m.from_bot)
    person.edit(mine.id, "Смотритель Маяк: глух")
    person.wait("Эти слова не переписать")
    assert len(harness.prompts()) == asked
