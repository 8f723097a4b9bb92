"""Suggestions, the memory of a story, its tone and its length."""

from __future__ import annotations

from itertools import count

import pytest

from sandbox.model_faults import Behaviour
from tests.harness import BotHarness, until
from tests.test_cards import add_card, add_note
from tests.test_rewriting import behind_more, on_wire
from tests.toasts import PAST


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
    assert harness.prompts()[-1][-1]["text"].startswith("Он разбил окно.\n\n(Пиши сразу после")
    assert "Он запел" not in on_wire(harness)


@pytest.mark.parametrize("answer", ["Я не знаю, что предложить.", '{"options": ["1", "2)", "…"]}'])
def test_suggestions_that_are_none_say_so_and_cost_nothing(harness: BotHarness, answer: str) -> None:
    person = harness.writer()
    before = harness.db.balance()
    harness.says(answer)
    person.press("💡 Подскажи")
    assert person.wait("Не получилось обработать запрос").labels == ("🔁 Повторить",)
    assert harness.db.balance() == before


def test_who_presses_again_reads_what_is_being_made(harness: BotHarness) -> None:
    person = harness.writer()
    held = harness.holds('{"options": ["Он сел.", "Он лёг.", "Он спел."]}')
    person.press("💡 Подскажи")
    until(lambda: len(harness.models.of("completion")) == 2)
    for label in ("💡 Подскажи", "▶️ Дальше"):
        person.press(label)
        person.wait("💡 Придумываю, что может быть дальше…\nСейчас это не сработает")
    held.set()
    person.wait("Выберите или напишите своё")


def test_old_suggestions_are_past(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says('{"options": ["Он сел.", "Он лёг.", "Он спел."]}')
    person.press("💡 Подскажи")
    shown = person.wait("Выберите или напишите своё")
    harness.says("Дальше.")
    person.press("▶️ Дальше")
    person.wait("Дальше.")
    assert person.tap("1", shown).wait_answer().text == PAST


def test_memory_can_be_read_and_written_in_own_words(harness: BotHarness) -> None:
    person = harness.writer(words="Первая.")
    for words in ("Вторая.", "Третья.", "Четвёртая."):
        harness.says(words)
        person.press("▶️ Дальше")
        person.wait(words)
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🧠 Память")
    person.wait("помню историю дословно")
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
    person.wait("помню историю дословно")
    harness.says("Герой: Маяк. Было: первая.")
    person.press("🔄 Собрать заново")
    assert "Герой: Маяк. Было: первая." in person.wait("Перечитал").text
    assert "Первая." in harness.prompts()[-1][0]["text"]


def test_tone_and_length_reach_the_model(harness: BotHarness) -> None:
    person = harness.writer()
    for button, answer in (("Мрачный", "тон такой: Мрачный"), ("Короче", "Длина частей: Короче")):
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
    assert "Тон: мрачный: короткие фразы" in system and "до 600 знаков" in system


def test_a_story_of_two_hundred_parts_still_knows_its_hero_and_costs_no_more(
    harness: BotHarness,
) -> None:
    harness.settings |= {"USER_TOKENS": "9000000", "MAX_TOKENS_PER_SESSION": "9000000", "MAX_PROJECT_TOKENS": "9000000"}
    harness.restart()
    person = harness.writer(words="Часть 0. Смотрителя звали Егор Кузьмич Тарновский.")
    written = count(100)

    def answer(request: object) -> Behaviour:
        asked = request.body["messages"][-1]["text"]  # type: ignore[attr-defined]
        if "Ты ведёшь память" not in asked:
            number = next(written)
            return Behaviour(text=" ".join(f"Волна {number}{wave:02} шла, и маяк молчал." for wave in range(33)))
        known = [fact for fact in ("Егор Кузьмич Тарновский", "глаза серые") if fact in asked]
        return Behaviour(text=f"Герой: {', '.join(known) or 'неизвестен'}. Было: волны.")

    def write_on(numbers: range) -> None:
        for number in numbers:
            person.press("▶️ Дальше")
            until(lambda number=number: len([m for m in person.messages if m.text.startswith("Волна")]) == number)  # type: ignore[misc]

    harness.models.faults.rule = answer
    write_on(range(1, 100))
    behind_more(person, "🧠 Память")
    person.wait("Вот что я помню")
    person.send("Герой: Егор Кузьмич Тарновский, глаза серые. Было: волны.")
    person.wait("Запомнил")
    add_note(person, "Маяк никогда не гаснет")
    add_card(person, "Маяк — на Кривом мысу")
    add_card(person, "Веста — фонарщица")
    write_on(range(100, 200))
    asked = [prompt for prompt in harness.prompts() if prompt[0]["role"] == "system"]
    assert "Егор Кузьмич Тарновский" in asked[-1][0]["text"]
    assert "Смотритель Маяк: слеп" in asked[-1][0]["text"] and "глаза серые" in asked[-1][0]["text"]
    assert "Держи в уме: Маяк никогда не гаснет." in asked[-1][-1]["text"]
    assert "Имей в виду: Маяк — на Кривом мысу." in asked[-1][-1]["text"] and "Веста" not in str(asked[-1])
    assert harness.db.count("memory") > 5  # the correction has been summarised with the rest many times
    sizes = [sum(len(message["text"]) for message in prompt) for prompt in asked]
    assert max(sizes) < 3 * 3000 and max(sizes[100:]) <= max(sizes[:100]) + 200
    assert harness.db.count("prompt", role="assistant") == 200


def test_a_model_that_knows_no_schema_is_asked_without_one(harness: BotHarness) -> None:
    person = harness.writer()
    harness.models.faults.order(Behaviour(status=400, message="jsonSchema is not supported by this model"))
    harness.says("1. Он сел.\n2. Он лёг.\n3. Он спел.")
    person.press("💡 Подскажи")
    assert "3. Он спел." in person.wait("Выберите или напишите своё").text
    assert "jsonSchema" not in harness.models.of("completion")[-1].body


def test_memory_stays_as_it_is_where_it_cannot_be_made_anew(harness: BotHarness) -> None:
    person = harness.writer(words="Первая.")
    for words in ("Вторая.", "Третья."):
        harness.says(words)
        person.press("▶️ Дальше")
        person.wait(words)
    behind_more(person, "🧠 Память")
    person.wait("помню историю дословно")
    person.send("Егор рыжий.")
    person.wait("Запомнил")
    behind_more(person, "🧠 Память")
    person.wait("Егор рыжий.")
    for _ in range(6):
        harness.models.faults.order(Behaviour(status=400))
    person.press("🔄 Собрать заново")
    person.wait("Не получилось обработать")
    assert harness.db.value("memory", "text") == "Егор рыжий."
