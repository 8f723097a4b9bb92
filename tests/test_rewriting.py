"""Rewriting a story: variants, undo and redo, corrections, edits and branches."""

from __future__ import annotations

import re

import pytest

from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser, NotShown
from tests.harness import BotHarness, until


def last_part(person: ChatUser, text: str) -> tuple[str, ...]:
    """Return the labels under the shown message with this text."""
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
        until(harness.settled)  # the bot knows what to take away only when Telegram has told it
        assert last_part(person, words) == ("◀", f"{number}/{number}", "▶")
    assert [message.text for message in person.shown if "вариант." in message.text] == ["Третий вариант."]
    for label, words, number in (
        ("◀", "Второй вариант.", 2),
        ("▶", "Третий вариант.", 3),
        ("◀", "Второй вариант.", 2),
        ("◀", "Первый вариант.", 1),
    ):
        person.tap(label)
        person.wait(words)
        assert last_part(person, words) == ("◀", f"{number}/3", "▶")
    with pytest.raises(NotShown):
        person.tap("◀")  # grey at the first
    harness.says("Дальше.")
    person.press("▶️ Дальше")
    person.wait("Дальше.")
    assert "Первый вариант." in on_wire(harness)
    assert "Второй" not in on_wire(harness) and "Третий" not in on_wire(harness) and "🔄" not in on_wire(harness)
    person.tap("▶")
    assert "После неё в истории ещё 1 часть" in person.wait("Второй вариант.").text


def test_a_variant_asks_the_same_again_and_more_freely(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Ответ.")
    person.send("Он встал.")
    person.wait("Ответ.")
    harness.says("Иной ответ.")
    person.press("🔄 Другой вариант")
    person.wait("Иной ответ.")
    first, again = (request.body for request in harness.models.of("completion")[-2:])
    assert first["messages"][:-1] == again["messages"][:-1]
    asked, asked_again = (body["messages"][-1]["text"] for body in (first, again))
    assert re.sub(r"\(Напиши другой отрывок: другое событие[^()]*\)\n\n", "", asked_again) == asked != asked_again
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
    until(harness.settled)  # the bot knows which message shows the answer
    person.press("↩️ Отменить ход")
    assert "Пол скрипнул." in person.wait("Теперь последнее").text
    until(lambda: not [message for message in person.shown if message.text == "Дверь хлопнула."])
    person.press("↩️ Отменить ход")
    assert "Начало положено." in person.wait("Теперь последнее: «Начало").text
    person.press("↩️ Отменить ход")
    person.wait("Это первая часть, отменять нечего")
    person.tap("↪️ Вернуть")
    person.wait("Ход на месте. Последнее: «Пол скрипнул.»")
    person.tap("↪️ Вернуть")
    person.wait("Последнее: «Дверь хлопнула.»")
    assert [message.text for message in person.shown].count("Дверь хлопнула.") == 1
    harness.says("Дальше.")
    person.press("▶️ Дальше")
    person.wait("Дальше.")
    for text in ("Начало положено.", "Он встал.", "Пол скрипнул.", "Он вышел.", "Дверь хлопнула."):
        assert text in on_wire(harness)


def test_undo_of_words_without_a_part_leaves_the_users_message_alone(
    harness: BotHarness, caplog: pytest.LogCaptureFixture
) -> None:
    person = harness.writer(words="Начало положено.")
    with_answer = harness.holds("Пол скрипнул.")
    person.send("Он встал.")
    until(lambda: harness.db.last("call", "state") == "asked")
    person.send("стоп")
    person.wait("написать ничего не успел")
    with_answer.set()
    person.press("↩️ Отменить ход")
    assert "Начало положено." in person.wait("Теперь последнее").text
    person.tap("↪️ Вернуть")
    person.wait("Ход на месте. Последнее: «Он встал.»")
    until(lambda: not harness.db.count("outbox"))
    assert [message.text for message in person.shown].count("Он встал.") == 1
    assert "event=message_dropped" not in caplog.text


def test_undo_after_a_change_of_variants_shrinks_the_shown_one(harness: BotHarness) -> None:
    person = harness.writer()
    for words in ("Первый.", "Второй."):
        harness.says(words)
        person.press("▶️ Дальше" if words == "Первый." else "🔄 Другой вариант")
        person.wait(words)
        until(harness.settled)
    person.tap("◀")
    person.wait(lambda message: message.text == "Первый.")
    until(harness.settled)
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
    until(harness.settled)
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
    assert "Смотритель был высок." in person.wait("Пришлите последнюю часть целиком").text
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


def test_an_edit_of_an_older_own_message_changes_nothing_before_the_choice(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Первый ответ.")
    message = person.send("Первые слова.")
    person.wait("Первый ответ.")
    harness.says("Второй ответ.")
    person.send("Вторые слова.")
    person.wait("Второй ответ.")
    asked = len(harness.prompts())
    person.edit(message, "Совсем иное.")
    person.wait("Вы переписали слова, после которых в истории ещё 2 части")
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


def behind_more(person: ChatUser, button: str) -> None:
    """Presses a button behind «⚙️ Ещё»."""
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap(button)


def test_a_part_too_long_for_one_message_with_its_question_can_be_corrected(harness: BotHarness) -> None:
    person = harness.writer()
    for words in ("а" * 4000, "б" * 4000):
        behind_more(person, "✏️ Исправить")
        person.wait(lambda m: "Пришлите" in m.text)
        person.send(words)
        person.wait("Исправлено")


def test_a_stopped_variant_takes_the_place_of_the_part(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Он шёл. Он бежал. Он летел.", chunks=3, hang_after=2)
    person.press("🔄 Другой вариант")
    person.wait_draft("Он бежал.")
    person.send("стоп")
    person.wait("Остановил, написанное осталось")
    until(lambda: not [m for m in person.shown if m.text == "Начало."])
    assert "◀" in next(m for m in person.bot_messages if m.text.startswith("Он шёл.")).labels


def test_editing_words_that_more_words_followed_takes_nothing_away(harness: BotHarness) -> None:
    person = harness.writer()
    ids = []
    for words in ("Он встал.", "Он сел."):
        harness.models.faults.order(Behaviour(hang=True))
        ids.append(person.send(words))
        until(lambda: f"{words}\n\n(Пиши" in harness.prompts()[-1][-1]["text"])  # noqa: B023
        person.send("стоп")
        person.wait("Ваши слова сохранены")
    person.edit(ids[0], "Он лёг.")
    person.wait("Вы переписали слова, после которых есть и другие ваши")
    assert "Он сел." in [m.text for m in person.shown]
