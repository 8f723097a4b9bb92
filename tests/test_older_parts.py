"""Older parts: their arrows, branches from them, the way back, and edits of older words."""

from __future__ import annotations

from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser
from tests.harness import BotHarness, until
from tests.test_rewriting import behind_more, on_wire
from tests.toasts import PAST

CHOICES = ("🔀 Ветка отсюда", "⏪ Вернуться сюда", "✖️ Оставить как есть")


def with_older_variants(harness: BotHarness) -> tuple[ChatUser, ChatMessage]:
    """Return a writer whose story has three parts, and the message of its second, which has two variants."""
    person = harness.writer(words="Начало положено.")
    for label, answer in (
        ("▶️ Дальше", "Он пошёл налево."),
        ("🔄 Другой вариант", "Он пошёл направо."),
        ("▶️ Дальше", "Дверь скрипнула."),
    ):
        harness.says(answer)
        person.press(label)
        person.wait(answer)
        until(harness.settled)  # the bot knows what to take away only when Telegram has told it
    return person, next(message for message in person.shown if message.text == "Он пошёл направо.")


def goes_on(harness: BotHarness, person: ChatUser, answer: str = "Дальше.") -> str:
    """Have the next part written; return what the model was told."""
    harness.says(answer)
    person.press("▶️ Дальше")
    person.wait(answer)
    return on_wire(harness)


def text_of(person: ChatUser, message: ChatMessage) -> str:
    return next(one.text for one in person.shown if one.id == message.id)


def test_arrows_of_an_older_part_show_its_variants_in_place_and_ask(harness: BotHarness) -> None:
    person, older = with_older_variants(harness)
    person.tap("◀", older)
    shown = person.wait("Он пошёл налево.")
    assert shown.id == older.id
    assert "Часть 2, вариант 1 из 2. После неё в истории ещё 1 часть." in shown.text
    assert shown.labels == ("◀", "1/2", "▶", *CHOICES)
    person.tap("▶", older)
    back = person.wait("Он пошёл направо.")
    assert (back.text, back.labels) == ("Он пошёл направо.", ("◀", "2/2", "▶"))
    person.tap("2/2", older)
    assert "вариант 2 из 2" in person.wait("Он пошёл направо.\n").text
    person.tap("✖️ Оставить как есть", older)
    assert person.wait("Он пошёл направо.").labels == ("◀", "2/2", "▶")
    assert "направо" in goes_on(harness, person) and "налево" not in on_wire(harness)


def test_going_back_to_a_variant_puts_the_later_parts_off_until_they_are_brought_back(harness: BotHarness) -> None:
    person, older = with_older_variants(harness)
    person.tap("◀", older)
    person.wait("вариант 1 из 2")
    person.tap("⏪ Вернуться сюда", older)
    said = person.wait("Дальше пишу с части 2")
    assert "Отложено: 1 часть" in said.text and "Он пошёл налево." in said.text
    assert text_of(person, older) == "Он пошёл налево."
    harness.restart()
    person.tap("↩️ Вернуть как было", said)
    assert "Дверь скрипнула." in person.wait("Всё как было").text
    until(lambda: text_of(person, older) == "Он пошёл направо.")
    person.tap("◀", older)
    person.wait("вариант 1 из 2")
    person.tap("⏪ Вернуться сюда", older)
    undo = person.wait("Дальше пишу с части 2")
    told = goes_on(harness, person)
    assert "налево" in told and "направо" not in told and "скрипнула" not in told
    assert person.tap("↩️ Вернуть как было", undo).wait_answer().text == PAST


def test_a_branch_from_an_older_variant_leaves_the_story_as_it_is(harness: BotHarness) -> None:
    person, older = with_older_variants(harness)
    session = harness.db.value("session", "id")
    head = harness.db.value("session", "head_id", id=session)
    person.tap("◀", older)
    person.wait("вариант 1 из 2")
    person.tap("🔀 Ветка отсюда", older)
    said = person.wait("Ветка готова")
    assert "Он пошёл налево." in said.text
    assert text_of(person, older) == "Он пошёл направо."
    person.tap("↩️ Вернуть как было", said)
    person.wait("Ветку убрал")
    assert harness.db.value("user", "session_id") == session
    person.tap("◀", older)
    person.wait("вариант 1 из 2")
    person.tap("🔀 Ветка отсюда", older)
    undo = person.wait("Ветка готова")
    told = goes_on(harness, person)
    assert "налево" in told and "направо" not in told and "скрипнула" not in told
    assert harness.db.value("session", "head_id", id=session) == head
    assert person.tap("↩️ Вернуть как было", undo).wait_answer().text == PAST
    assert person.tap("◀", older).wait_answer().text == PAST  # the branch is another story


def test_while_the_model_writes_older_parts_are_left_alone(harness: BotHarness) -> None:
    person, older = with_older_variants(harness)
    person.tap("◀", older)
    person.wait("вариант 1 из 2")
    held = harness.holds("Позже.")
    words = person.send("Он вошёл.")
    until(lambda: harness.db.open_turns())
    for label in ("▶", "🔀 Ветка отсюда", "⏪ Вернуться сюда"):
        assert "Я пишу" in person.tap(label, older).wait_answer().text
    person.edit(words, "Он вышел.")
    person.wait("Сейчас это не сработает")
    held.set()
    person.wait("Позже.")


def test_edited_older_words_become_a_branch_or_the_way_back(harness: BotHarness) -> None:
    person = harness.writer(words="Начало положено.")
    sent = {}
    for words, answer in (("Он встал.", "Пол скрипнул."), ("Он вышел.", "Дверь хлопнула.")):
        harness.says(answer)
        sent[words] = person.send(words)
        person.wait(answer)
    until(harness.settled)
    person.edit(sent["Он встал."], "Он лёг.")
    asked = person.wait("Вы переписали слова, после которых в истории ещё 2 части")
    assert asked.labels == CHOICES
    person.tap("✖️ Оставить как есть")
    person.wait("Оставил всё как есть")
    person.edit(sent["Он встал."], "Он сел.")
    person.wait("Вы переписали слова")
    harness.says("Стул скрипнул.")
    person.tap("⏪ Вернуться сюда")
    person.wait("Стул скрипнул.")
    assert "Он сел." in on_wire(harness) and "вышел" not in on_wire(harness) and "лёг" not in on_wire(harness)
    until(harness.settled)
    person.tap("↩️ Вернуть как было")
    assert "Дверь хлопнула." in person.wait("Всё как было").text
    until(lambda: not [m for m in person.shown if m.text == "Стул скрипнул."])
    person.edit(sent["Он встал."], "Он прыгнул.")
    person.wait("Вы переписали слова")
    harness.says("Пол треснул.")
    person.tap("🔀 Ветка отсюда")
    person.wait("Ветка готова")
    person.wait("Пол треснул.")
    assert "Он прыгнул." in on_wire(harness) and "вышел" not in on_wire(harness)
    assert harness.db.count("story") == 2
    harness.check_books()


def test_an_older_part_is_corrected_by_a_reply_to_it(harness: BotHarness) -> None:
    person = harness.writer(words="Смотритель был высок.")
    goes_on(harness, person, "Он вздохнул.")
    until(harness.settled)
    older = next(message for message in person.shown if message.text == "Смотритель был высок.")
    behind_more(person, "✏️ Исправить")
    assert "ответьте на её сообщение" in person.wait("Пришлите последнюю часть").text
    person.send("Смотритель был мал.", reply_to=older.id)
    assert person.wait("Исправленная часть 1 сохранена").labels == CHOICES
    assert person.keyboard[0][0] == "▶️ Дальше"
    person.tap("⏪ Вернуться сюда")
    assert person.wait(lambda m: m.text == "Смотритель был мал.").labels == ("◀", "2/2", "▶")
    person.wait("Дальше пишу с части 1")
    told = goes_on(harness, person)
    assert "мал." in told and "высок" not in told and "вздохнул" not in told


def test_a_long_variant_of_an_older_part_is_shown_below_it(harness: BotHarness) -> None:
    harness.settings["MAX_TOKENS_PER_ANSWER"] = "2800"
    harness.restart()
    person = harness.writer(words="Коротко.")
    long = "\n\n".join(f"Абзац {number}. " + "слово " * 60 for number in range(12))
    harness.says(long)
    person.press("🔄 Другой вариант")
    person.wait("Абзац 11")
    until(harness.settled)
    person.tap("◀")
    person.wait("Коротко.")
    goes_on(harness, person, "Шаг.")
    until(harness.settled)
    older = next(message for message in person.shown if message.text == "Коротко.")
    person.tap("▶", older)
    person.wait("вариант 2 из 2")
    assert text_of(person, older) == "Коротко."
    until(harness.settled)
    person.tap("✖️ Оставить как есть")
    until(lambda: not [m for m in person.shown if "Абзац" in m.text or "вариант 2" in m.text])
    assert text_of(person, older) == "Коротко."


def test_a_finished_story_offers_branches_only(harness: BotHarness) -> None:
    person, older = with_older_variants(harness)
    harness.says("И они жили долго.")
    person.press("🏁 Финал")
    person.wait()
    harness.says("Маяк")
    person.press("😊 Счастливый")
    person.wait("Дописали!")
    until(harness.settled)
    person.tap("◀", older)
    assert person.wait("История дописана").labels == ("◀", "1/2", "▶", CHOICES[0], CHOICES[2])
    person.tap(CHOICES[0], older)
    person.wait("Ветка готова")
    assert person.keyboard[0][0] == "▶️ Дальше"
    assert "налево" in goes_on(harness, person)
