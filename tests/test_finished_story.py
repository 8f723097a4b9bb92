"""What can still be done with a finished story, and the links by which others read it."""

from __future__ import annotations

import pytest

from sandbox.users import ChatUser
from tests.harness import BotHarness, until

WAYS = ("📖 Читать", "📗 Второй том", "✍️ Эпилог", "🎨 Обложка", "💬 Поговорить с героем", "📖 Скачать", "📤 Поделиться")
BOT = "soavtor_demo_bot"


def finished(harness: BotHarness, user_id: int = 1) -> ChatUser:
    """Somebody whose story «Свет в окне» has got its ending."""
    person = harness.writer(user_id)
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    harness.says("Конец.")
    harness.says("Свет в окне")
    person.press("😢 Трагический")
    person.wait("Дописали!")
    until(harness.settled)
    return person


@pytest.mark.parametrize(
    "said", ["▶️ Продолжить", "продолжить", "Дальше", "продолжай", "🔖 К истории", "/continue", "/end_story", "Финал"]
)
def test_going_on_with_a_finished_story_shows_the_ways_on(harness: BotHarness, said: str) -> None:
    person = finished(harness)
    person.send(said)
    shown = person.wait("«Свет в окне» дописана")
    assert shown.labels == WAYS
    assert harness.db.count("kept_words") == 0


@pytest.mark.parametrize("way", ["card", "sessions", "/continue"])
def test_every_way_back_to_a_finished_story_shows_the_ways_on(harness: BotHarness, way: str) -> None:
    person = finished(harness)
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    if way == "card":
        person.send("/stories")
        person.tap(person.wait("Ваши истории").labels[0])
        person.wait("Конец.")
        person.tap("▶️ Продолжить")
    elif way == "sessions":
        person.send("/sessions")
        person.tap(person.wait("Что продолжим").labels[0])
    else:
        person.send(way)
    assert person.wait("не обязательно конец").labels == WAYS
    assert person.placeholder == "Эпилог или новая?"


@pytest.mark.parametrize("way", ["button", "word"])
def test_an_epilogue_needs_no_words_of_ones_own(harness: BotHarness, way: str) -> None:
    person = finished(harness)
    harness.says("Прошло десять лет.")
    if way == "word":
        person.send("эпилог")
    else:
        person.tap("✍️ Эпилог")
    person.wait("Прошло десять лет.")
    person.wait("Эпилог готов")
    person.tap("📖 Читать")
    assert "Прошло десять лет." in person.wait("Прошло десять лет.").text
    assert harness.db.last("prompt", "kind") == "epilogue"
    until(harness.settled)
    harness.check_books()


def test_an_epilogue_is_begun_from_an_old_button_and_its_story_is_open_then(harness: BotHarness) -> None:
    person = finished(harness)
    person.press("🏠 Меню")
    person.wait("Вы в меню")
    harness.says("Прошло десять лет.")
    person.tap("✍️ Эпилог")
    person.wait("Эпилог готов")
    assert person.placeholder == "Эпилог или новая?"


def test_an_epilogue_that_was_stopped_before_a_word_can_be_begun_again(harness: BotHarness) -> None:
    person = finished(harness)
    held = harness.holds("Прошло десять лет.", "Прошло сто лет.")
    asked = len(harness.prompts())
    person.tap("✍️ Эпилог")
    person.wait("Пишу эпилог")
    until(lambda: len(harness.prompts()) > asked)
    person.send("стоп")
    assert person.wait("Чтобы написать эпилог").labels == ("✍️ Эпилог",)
    held.set()
    person.tap("✍️ Эпилог")
    person.wait("Прошло сто лет.")


def test_another_ending_keeps_the_buttons_of_the_end(harness: BotHarness) -> None:
    person = finished(harness)
    harness.says("Второй конец.")
    harness.says("Тень")
    person.press("🔄 Другой финал")
    person.wait("Тень")
    until(harness.settled)
    person.tap("◀")
    assert person.wait(lambda message: message.text == "Конец.").labels[-len(WAYS) :] == WAYS


def test_a_story_that_goes_on_is_continued_by_its_words(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Часть вторая.")
    person.send("Продолжить")
    person.wait("Часть вторая.")
    person.send("/chat")
    person.wait("💬 Чат")
    person.send("/continue")
    person.wait("часть 2")
    assert person.placeholder == "Что было дальше?"


def test_continuing_without_a_story_shows_the_shelf(harness: BotHarness) -> None:
    person = harness.new_person()
    person.send("/continue")
    person.wait("Здесь пока пусто")


# ── links ──


def link_of(person: ChatUser) -> str:
    person.tap("📤 Поделиться")
    return person.wait("Кто откроет эту ссылку").text.split()[-1]


def test_a_story_is_shared_from_its_end_and_from_more(harness: BotHarness) -> None:
    person = finished(harness)
    link = link_of(person)
    assert link.startswith(f"https://t.me/{BOT}?start=s_")
    person.send("поделиться")
    assert person.wait("Кто откроет эту ссылку").text.endswith(link)
    writer = harness.writer(2)
    writer.press("⚙️ Ещё")
    writer.wait("что сделать?")
    assert link_of(writer) not in ("", link)


@pytest.mark.parametrize("prefix", ["https://t.me/", "t.me/", "http://telegram.me/", "HTTPS://T.ME/"])
def test_a_link_that_is_pasted_opens_the_story_wherever_the_user_is(harness: BotHarness, prefix: str) -> None:
    link = link_of(finished(harness)).replace("https://t.me/", prefix).replace(BOT, BOT.upper())
    reader = harness.at_summary(2)
    reader.send(link)
    reader.wait("Анна делится историей «Свет в окне»")
    reader.tap("🔀 Продолжить по-своему", reader.wait("можно решить по-своему"))
    reader.wait("Ваши слова продолжат её")


def test_a_pasted_link_welcomes_a_newcomer_and_a_link_to_tg_works(harness: BotHarness) -> None:
    token = link_of(finished(harness)).partition("?start=")[2]
    reader = harness.telegram.user(2, "Борис")
    reader.send(f"tg://resolve?domain={BOT}&start={token}")
    reader.wait("Здравствуйте!")
    reader.wait("делится историей")
    reader.send(f"t.me/{BOT}?start=new")
    reader.wait("жанр")


@pytest.mark.parametrize("text", ["https://t.me/another_bot?start=s_abc", "смотри: t.me/soavtor_demo_bot?start=s_abc"])
def test_other_links_are_words(harness: BotHarness, text: str) -> None:
    person = harness.new_person()
    person.send(text)
    person.wait("Сообщение сохранил")
