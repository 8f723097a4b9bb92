"""Rewriting a story: variants, undo and redo, corrections, edits, branches, suggestions, memory, tone."""

from __future__ import annotations

import pytest

from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from tests.harness import BotHarness, until


def last_part(person: ChatUser, text: str) -> tuple[str, ...]:
    """The labels under the shown message with this text."""
    return next(message.labels for message in reversed(person.shown) if message.from_bot and message.text == text)


def on_wire(harness: BotHarness) -> str:
    """Everything that the last request said to the model."""
    return str(harness.prompts()[-1])


def test_every_variant_is_kept_and_arrows_move_between_them(harness: BotHarness) -> None:
    person = harness.writer(words="Первый вариант.")
    for number, words in ((2, "Второй вариант."), (3, "Третий вариант.")):
        harness.says(words)
        person.press("🔄 Другой вариант")
        person.wait(words)
        assert last_part(person, words) == ("◀", f"{number}/{number}", "▶")
    assert [message.text for message in person.shown if "вариант." in message.text] == ["Третий вариант."]
    person.tap("◀")
    person.wait("Второй вариант.")
    assert last_part(person, "Второй вариант.") == ("◀", "2/3", "▶")
    person.tap("▶")
    person.wait("Третий вариант.")
    person.tap("▶")
    person.wait("Первый вариант.")
    assert last_part(person, "Первый вариант.") == ("◀", "1/3", "▶")
    harness.says("Дальше.")
    person.press("▶️ Дальше")
    person.wait("Дальше.")
    assert "Первый вариант." in on_wire(harness)
    assert "Второй" not in on_wire(harness) and "Третий" not in on_wire(harness) and "🔄" not in on_wire(harness)
    assert person.tap("◀").wait_answer().text == "Это уже прошлое"


def test_a_variant_asks_the_same_again_and_more_freely(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Ответ.")
    person.send("Он встал.")
    person.wait("Ответ.")
    harness.says("Иной ответ.")
    person.press("🔄 Другой вариант")
    person.wait("Иной ответ.")
    first, again = (request.body for request in harness.models.of("completion")[-2:])
    assert first["messages"] == again["messages"]
    assert again["completionOptions"]["temperature"] == pytest.approx(first["completionOptions"]["temperature"] + 0.2)


def test_a_long_variant_takes_the_place_of_a_short_one(harness: BotHarness) -> None:
    harness.settings["MAX_TOKENS_PER_ANSWER"] = "2800"
    harness.restart()
    person = harness.writer(words="Коротко.")
    long = "\n\n".join(f"Абзац {number}. " + "слово " * 60 for number in range(12))
    harness.says(long)
    person.press("🔄 Другой вариант")
    person.wait("Абзац 11")
    until(lambda: not harness.db.count("outbox"))
    person.tap("◀")
    person.wait("Коротко.")
    assert not [message for message in person.shown if "Абзац" in message.text]
    person.tap("▶")
    person.wait("Абзац 11")


def test_undo_goes_back_many_turns_and_each_can_be_brought_back(harness: BotHarness) -> None:
    person = harness.writer(words="Начало положено.")
    for words, answer in (("Он встал.", "Пол скрипнул."), ("Он вышел.", "Дверь хлопнула.")):
        harness.says(answer)
        person.send(words)
        person.wait(answer)
    person.press("↩️ Отменить ход")
    assert "Пол скрипнул." in person.wait("Теперь последнее").text
    assert not [message for message in person.shown if message.text == "Дверь хлопнула."]
    person.press("↩️ Отменить ход")
    assert "Начало положено." in person.wait("Теперь последнее: „Начало").text
    person.press("↩️ Отменить ход")
    person.wait("Это начало истории, отменять нечего")
    person.tap("↪️ Вернуть")
    person.wait("Ход на месте. Последнее: „Пол скрипнул.“")
    person.tap("↪️ Вернуть")
    person.wait("Последнее: „Дверь хлопнула.“")
    assert [message.text for message in person.shown].count("Дверь хлопнула.") == 1
    harness.says("Дальше.")
    person.press("▶️ Дальше")
    person.wait("Дальше.")
    for text in ("Начало положено.", "Он встал.", "Пол скрипнул.", "Он вышел.", "Дверь хлопнула."):
        assert text in on_wire(harness)


def test_undo_after_a_change_of_variants_shrinks_the_shown_one(harness: BotHarness) -> None:
    person = harness.writer()
    for words in ("Первый.", "Второй."):
        harness.says(words)
        person.press("▶️ Дальше" if words == "Первый." else "🔄 Другой вариант")
        person.wait(words)
    person.tap("◀")
    person.wait(lambda message: message.text == "Первый.")
    person.press("↩️ Отменить ход")
    person.wait("↩️ Ход отменён")
    person.wait("Теперь последнее")
    person.tap("↪️ Вернуть")
    person.wait(lambda message: message.text == "Первый." and message.labels == ("◀", "1/2", "▶"))
    assert [message.text for message in person.shown].count("Первый.") == 1


def test_what_was_undone_never_reaches_the_model(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Ненужное.")
    person.send("Зря сказано.")
    person.wait("Ненужное.")
    person.press("↩️ Отменить ход")
    person.wait("Теперь последнее")
    harness.says("Нужное.")
    person.send("Сказано верно.")
    person.wait("Нужное.")
    assert "Ненужное" not in on_wire(harness) and "Зря" not in on_wire(harness) and "Отменить" not in on_wire(harness)


def test_a_part_can_be_corrected_in_own_words(harness: BotHarness) -> None:
    person = harness.writer(words="Смотритель был высок.")
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("✏️ Исправить")
    assert "Смотритель был высок." in person.wait("Пришлите отрывок целиком").text
    assert [label for row in person.keyboard for label in row] == ["✖️ Отмена"]
    person.send("Смотритель был мал ростом.")
    person.wait(lambda message: message.text == "Смотритель был мал ростом.")
    assert last_part(person, "Смотритель был мал ростом.") == ("◀", "2/2", "▶")
    assert person.keyboard[0][0] == "▶️ Дальше"
    harness.says("Дальше.")
    person.press("▶️ Дальше")
    person.wait("Дальше.")
    assert "мал ростом" in on_wire(harness) and "высок" not in on_wire(harness)


def test_editing_the_last_own_message_rewrites_its_answer(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Он взял топор и пошёл.")
    message = person.send("Он взял топор.")
    person.wait("Он взял топор и пошёл.")
    until(harness.settled)  # the bot knows the answer's message only when Telegram has told it
    harness.says("Лопата звякнула.")
    person.edit(message, "Он взял лопату.")
    person.wait("Лопата звякнула.")
    assert "топор" not in on_wire(harness)
    assert not [shown for shown in person.shown if shown.text == "Он взял топор и пошёл."]


def test_editing_punctuation_alone_is_free(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Он сел.")
    message = person.send("он встал")
    person.wait("Он сел.")
    asked = len(harness.prompts())
    person.edit(message, "Он встал!")
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    assert len(harness.prompts()) == asked
    harness.says("Дальше.")
    person.press("▶️ Дальше")
    person.wait("Дальше.")
    assert "Он встал!" in on_wire(harness) and "он встал" not in on_wire(harness) and "Он сел." in on_wire(harness)


def test_an_older_own_message_stays_as_it_became_story(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Первый ответ.")
    message = person.send("Первые слова.")
    person.wait("Первый ответ.")
    harness.says("Второй ответ.")
    person.send("Вторые слова.")
    person.wait("Второй ответ.")
    asked = len(harness.prompts())
    person.edit(message, "Совсем иное.")
    person.wait("Правку вижу")
    assert len(harness.prompts()) == asked


def test_a_branch_is_a_story_of_its_own_from_here(harness: BotHarness) -> None:
    person = harness.writer(words="Общее начало.")
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🔀 Ветка")
    person.wait("Ветка готова")
    harness.says("В ветке.")
    person.press("▶️ Дальше")
    person.wait("В ветке.")
    assert "Общее начало." in on_wire(harness)
    person.send("/stories")
    assert "Ваши истории: 2" in person.wait("Ваши истории").text
    first = harness.db.value("session", "id")
    assert harness.db.count("prompt", session_id=first) == 1


@pytest.mark.parametrize(
    "answer",
    [
        '{"options": ["Он открыл дверь.", "Он разбил окно.", "Он запел."]}',
        '```json\n["Он открыл дверь.", "Он разбил окно.", "Он запел."]\n```',
        "Вот три поступка:\n1. Он открыл дверь.\n2. Он разбил окно.\n3. Он запел.",
    ],
)
def test_a_suggestion_is_one_press_away_from_being_played(harness: BotHarness, answer: str) -> None:
    person = harness.writer()
    harness.says(answer)
    person.press("💡 Подскажи")
    shown = person.wait("Выберите или напишите своё")
    assert "2. Он разбил окно." in shown.text
    assert shown.labels == ("1", "2", "3", "🔄 Ещё три")
    assert "options" in str(harness.models.of("completion")[-1].body["jsonSchema"])
    harness.says("Стекло брызнуло.")
    person.tap("2", shown)
    person.wait("▸ Он разбил окно.")
    person.wait("Стекло брызнуло.")
    assert harness.prompts()[-1][-1]["text"] == "Он разбил окно."
    assert "Он запел" not in on_wire(harness)


def test_suggestions_that_are_none_say_so_and_cost_nothing(harness: BotHarness) -> None:
    person = harness.writer()
    before = harness.db.balance()
    harness.says("Я не знаю, что предложить.")
    person.press("💡 Подскажи")
    assert person.wait("Не получилось обработать запрос").labels == ("🔁 Повторить",)
    assert harness.db.balance() == before


def test_old_suggestions_are_past(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says('{"options": ["Он сел.", "Он лёг.", "Он спел."]}')
    person.press("💡 Подскажи")
    shown = person.wait("Выберите или напишите своё")
    harness.says("Дальше.")
    person.press("▶️ Дальше")
    person.wait("Дальше.")
    assert person.tap("1", shown).wait_answer().text == "Это уже прошлое"


def test_memory_can_be_read_and_written_in_own_words(harness: BotHarness) -> None:
    person = harness.writer(words="Первая.")
    for words in ("Вторая.", "Третья.", "Четвёртая."):
        harness.says(words)
        person.press("▶️ Дальше")
        person.wait(words)
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🧠 Память")
    person.wait("помещается в мою память целиком")
    person.send("Герой: смотритель Егор, рыжий.")
    person.wait("Запомнил")
    harness.says("Пятая.")
    person.press("▶️ Дальше")
    person.wait("Пятая.")
    assert "Раньше было: Герой: смотритель Егор, рыжий." in harness.prompts()[-1][0]["text"]
    assert "Первая." not in on_wire(harness) and "Четвёртая." in on_wire(harness)
    person.press("↩️ Отменить ход")
    person.wait("Теперь последнее")
    person.send("/whole_story")
    person.wait("Первая.")


def test_memory_can_be_made_anew_from_the_original_text(harness: BotHarness) -> None:
    person = harness.writer(words="Первая.")
    for words in ("Вторая.", "Третья."):
        harness.says(words)
        person.press("▶️ Дальше")
        person.wait(words)
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🧠 Память")
    person.wait("помещается в мою память целиком")
    harness.says("Герой: Маяк. Было: первая.")
    person.press("🔄 Собрать заново")
    assert "Герой: Маяк. Было: первая." in person.wait("Перечитал").text
    assert "Первая." in harness.prompts()[-1][0]["text"]


def test_tone_and_length_reach_the_model(harness: BotHarness) -> None:
    person = harness.writer()
    for button, answer in (("Мрачный", "Тон: Мрачный"), ("Короче", "Части: Короче")):
        person.press("⚙️ Ещё")
        person.wait("что сделать?")
        person.tap("🎭 Тон и стиль")
        person.wait("Каким тоном писать")
        person.press(button)
        person.wait(answer)
    harness.says("Мрак.")
    person.press("▶️ Дальше")
    person.wait("Мрак.")
    system = harness.prompts()[-1][0]["text"]
    assert "Тон: Мрачный" in system and "до 600 знаков" in system


def test_another_ending_and_a_second_volume_that_remembers(harness: BotHarness) -> None:
    person = harness.writer(words="Начало тома первого.")
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    harness.says("Первый конец.")
    harness.says("Свет в окне")
    person.press("😢 Трагический")
    assert "Свет в окне" in person.wait("Дописали!").text
    book = person.wait(lambda message: message.attachment is not None)
    assert book.attachment is not None and book.attachment.name == "Свет_в_окне.epub"
    harness.says("Второй конец.")
    harness.says("Тень")
    person.press("🔄 Другой финал")
    person.wait("Второй конец.")
    assert "◀" in last_part(person, "Второй конец.")
    person.wait("Тень")
    assert "трагический" in str(harness.prompts()[-2])
    harness.says("Прошёл год.")
    person.tap("📗 Второй том")
    person.wait("«Тень. Том второй»")
    person.wait("Прошёл год.")
    assert "Второй конец." in on_wire(harness) and "второй том" in harness.prompts()[-1][-1]["text"]
    person.send("/whole_story")
    person.wait("1 часть")
    whole = person.wait("Прошёл год.")
    assert "Начало тома первого." not in whole.text


def test_again_with_the_same_settings(harness: BotHarness) -> None:
    person = harness.writer()
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    harness.says("Конец.")
    person.press("✍️ На твой вкус")
    person.wait("Дописали!")
    person.press("🔁 Заново с теми же настройками")
    card = person.wait("Шаг 5 из 5").text
    assert "Герой: Смотритель Маяк: слеп" in card and "Место: Остров: туман круглый год" in card


def test_an_ending_whose_name_fails_keeps_its_working_name(harness: BotHarness) -> None:
    person = harness.writer()
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    harness.says("Конец.")
    harness.models.faults.order(Behaviour(status=500))
    person.press("✍️ На твой вкус")
    assert "Смотритель Маяк · Остров" in person.wait("Дописали!").text
    until(lambda: harness.db.open_turns() == 0)


def test_a_story_of_two_hundred_parts_still_knows_its_hero_and_costs_no_more(harness: BotHarness) -> None:
    harness.settings |= {"USER_TOKENS": "9000000", "MAX_TOKENS_PER_SESSION": "9000000", "MAX_PROJECT_TOKENS": "9000000"}
    harness.restart()
    person = harness.writer(words="Часть 0. Смотрителя звали Егор Кузьмич Тарновский.")
    part = "Волна шла за волной, и маяк молчал. " * 30

    def answer(request: object) -> Behaviour:
        asked = request.body["messages"][-1]["text"]  # type: ignore[attr-defined]
        if "Ты ведёшь память" not in asked:
            return Behaviour(text=part)
        return Behaviour(
            text=f"Герой: {'Егор Кузьмич Тарновский' if 'Тарновский' in asked else 'неизвестен'}. Было: волны."
        )

    harness.models.faults.rule = answer
    for number in range(1, 200):
        person.press("▶️ Дальше")
        until(lambda number=number: len([m for m in person.messages if m.text.startswith("Волна")]) == number)  # type: ignore[misc]
    asked = [prompt for prompt in harness.prompts() if prompt[0]["role"] == "system"]
    assert "Егор Кузьмич Тарновский" in asked[-1][0]["text"]
    assert "Смотритель Маяк: слеп" in asked[-1][0]["text"]
    sizes = [sum(len(message["text"]) for message in prompt) for prompt in asked]
    assert max(sizes) < 3 * 3000 and max(sizes[100:]) <= max(sizes[:100])
    assert harness.db.count("prompt", role="assistant") == 200


def test_a_model_that_knows_no_schema_is_asked_without_one(harness: BotHarness) -> None:
    person = harness.writer()
    harness.models.faults.order(Behaviour(status=400, message="jsonSchema is not supported by this model"))
    harness.says("1. Он сел.\n2. Он лёг.\n3. Он спел.")
    person.press("💡 Подскажи")
    assert "3. Он спел." in person.wait("Выберите или напишите своё").text
    assert "jsonSchema" not in harness.models.of("completion")[-1].body


def ended(harness: BotHarness, person: ChatUser, title: str = "Свет в окне") -> None:
    """Has the open story ended, and named so by the model."""
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    harness.says("Конец.")
    harness.says(title)
    person.press("😢 Трагический")
    person.wait("Дописали!")


def behind_more(person: ChatUser, button: str) -> None:
    """Presses a button behind «⚙️ Ещё»."""
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap(button)


def test_a_second_volume_waits_until_the_first_has_its_name(harness: BotHarness) -> None:
    person = harness.writer()
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    harness.says("Конец.")
    harness.says("Имя", first_chunk_s=0.5)
    person.press("😢 Трагический")
    person.wait("Конец.")
    answer = person.tap("📗 Второй том").wait_answer()
    assert answer.text.startswith("Я ")
    assert not [m for m in person.bot_messages if "сломалось" in m.text]


def test_a_second_volume_counts_undoes_and_shares_only_itself(harness: BotHarness) -> None:
    person = harness.writer(words="Тайна тома первого.")
    ended(harness, person)
    harness.says("Прошёл год.")
    person.tap("📗 Второй том")
    person.wait("Прошёл год.")
    person.press("↩️ Отменить ход")
    person.wait("Это начало истории")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("🔖 К истории")
    person.wait("часть 1.")
    person.send("/stories")
    shelf = person.wait("Ваши истории")
    assert "· 1 ч." in shelf.labels[0]
    person.tap(shelf.labels[0])
    person.wait("Прошёл год.")
    person.tap("🔗 Поделиться")
    link = person.wait("Кто откроет эту ссылку").text.split("?start=")[1].split()[0]
    other = harness.telegram.user(2, "Борис")
    other.send(f"/start {link}")
    other.wait("можно решить по-своему")
    other.tap("🔀 Продолжить по-своему")
    other.wait("Ваши слова продолжат")
    other.send("/whole_story")
    other.wait("Продолжение за вами")
    assert not [m for m in other.bot_messages if "Тайна тома первого." in m.text]


def test_an_ending_and_a_part_are_no_variants_of_each_other(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Часть вторая.")
    person.press("▶️ Дальше")
    person.wait("Часть вторая.")
    person.press("↩️ Отменить ход")
    person.wait("Теперь последнее")
    ended(harness, person)
    ending = next(m for m in reversed(person.bot_messages) if m.text == "Конец.")
    assert "◀" not in ending.labels


def test_a_part_too_long_for_one_message_with_its_question_can_be_corrected(harness: BotHarness) -> None:
    person = harness.writer()
    for words in ("а" * 4000, "б" * 4000):
        behind_more(person, "✏️ Исправить")
        person.wait(lambda m: "Пришлите" in m.text)
        person.send(words)
        person.wait("Исправлено")


def test_memory_stays_as_it_is_where_it_cannot_be_made_anew(harness: BotHarness) -> None:
    person = harness.writer(words="Первая.")
    for words in ("Вторая.", "Третья."):
        harness.says(words)
        person.press("▶️ Дальше")
        person.wait(words)
    behind_more(person, "🧠 Память")
    person.wait("помещается")
    person.send("Егор рыжий.")
    person.wait("Запомнил")
    behind_more(person, "🧠 Память")
    person.wait("Егор рыжий.")
    for _ in range(6):
        harness.models.faults.order(Behaviour(status=400))
    person.press("🔄 Собрать заново")
    person.wait("Не получилось обработать")
    assert harness.db.value("memory", "text") == "Егор рыжий."


def test_a_stopped_variant_takes_the_place_of_the_part(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Он шёл. Он бежал. Он летел.", chunks=3, hang_after=2)
    person.press("🔄 Другой вариант")
    person.wait_draft("Он бежал.")
    person.send("стоп")
    person.wait("Остановился. Написанное осталось")
    until(lambda: not [m for m in person.shown if m.text == "Начало."])
    assert "◀" in next(m for m in person.bot_messages if m.text.startswith("Он шёл.")).labels


def test_own_words_for_an_ending_are_never_taken_for_a_key(harness: BotHarness) -> None:
    person = harness.writer()
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    harness.says("Конец.")
    harness.says("Имя")
    person.send("volume")
    person.wait("Дописали!")
    assert "второй том" not in str(harness.prompts())


def test_editing_words_that_more_words_followed_takes_nothing_away(harness: BotHarness) -> None:
    person = harness.writer()
    ids = []
    for words in ("Он встал.", "Он сел."):
        harness.models.faults.order(Behaviour(hang=True))
        ids.append(person.send(words))
        until(lambda: harness.prompts()[-1][-1]["text"].endswith(words))  # noqa: B023
        person.send("стоп")
        person.wait("Ваши слова остались")
    person.edit(ids[0], "Он лёг.")
    person.wait("Правку вижу")
    assert "Он сел." in [m.text for m in person.shown]
