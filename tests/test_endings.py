"""Endings: another one, a second volume, the same settings again."""

from __future__ import annotations

from sandbox.users import ChatUser
from tests.harness import BotHarness, until
from tests.test_rewriting import last_part, on_wire


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


def test_a_story_has_one_length_wherever_it_is_said(harness: BotHarness) -> None:
    person = harness.writer(words="Начало положено.")
    ended(harness, person)
    length = f"{len('Начало положено.' + 'Конец.') + 2} знака"
    assert length in person.wait("Дописали! Всего 2 части", since=0).text
    person.send("/whole_story")
    assert length in person.wait("2 части ·").text
    person.send("/stories")
    person.tap(person.wait("Ваши истории").labels[0])
    assert length in person.wait("· 2 части ·").text


def ended(harness: BotHarness, person: ChatUser, title: str = "Свет в окне") -> None:
    """Has the open story ended, and named so by the model."""
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    harness.says("Конец.")
    harness.says(title)
    person.press("😢 Трагический")
    person.wait("Дописали!")


def test_a_second_volume_waits_until_the_first_has_its_name(harness: BotHarness) -> None:
    person = harness.writer()
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    harness.says("Конец.")
    held = harness.holds("Имя")
    person.press("😢 Трагический")
    person.wait("Конец.")
    answer = person.tap("📗 Второй том").wait_answer()
    assert answer.text.startswith("Я ")
    held.set()
    person.wait("Дописали!")
    assert not [m for m in person.bot_messages if "сломалось" in m.text]


def test_a_second_volume_counts_undoes_and_shares_only_itself(harness: BotHarness) -> None:
    person = harness.writer(words="Тайна тома первого.")
    ended(harness, person)
    harness.says("Прошёл год.")
    person.tap("📗 Второй том")
    person.wait("Прошёл год.")
    until(harness.settled)
    person.press("↩️ Отменить ход")
    person.wait("Это первая часть")
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    person.press("🔖 К истории")
    person.wait("часть 1.")
    person.send("/stories")
    shelf = person.wait("Ваши истории")
    assert "· 1 часть" in shelf.labels[0]
    person.tap(shelf.labels[0])
    person.wait("Прошёл год.")
    person.tap("📤 Поделиться")
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
    until(harness.settled)
    person.press("↩️ Отменить ход")
    person.wait("Теперь последнее")
    ended(harness, person)
    ending = next(m for m in reversed(person.bot_messages) if m.text == "Конец.")
    assert "◀" not in ending.labels


def test_own_words_for_an_ending_are_never_taken_for_a_key(harness: BotHarness) -> None:
    person = harness.writer()
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    harness.says("Конец.")
    harness.says("Имя")
    person.send("volume")
    person.wait("Дописали!")
    assert "второй том" not in str(harness.prompts())
