"""«📥 Принести свою историю»: a text of one's own becomes a story, word for word, and everything works on it."""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from sandbox.users import ChatUser
from tests.harness import BotHarness, until
from turns.brought import PART_UNITS, parts_of, title_of

STORY = (
    "Смотритель погасил лампу (в третий раз за ночь) и спустился к воде.\n\n— Кто здесь? — спросил он.\n\n"
    "Никто не ответил, но на досках остались мокрые следы."
)
LONG = "\n\n".join(
    f"Ночь {number}. Смотритель Ефим считал огни (их было {number}) и записывал их в тетрадь. "
    + "Море молчало, и цепь скрипела у причала. " * 12
    for number in range(1, 31)
)
CARD = '{"genre": "Детектив", "hero": "Ефим: считает огни", "setting": "Мыс: огни гаснут", "wish": "От третьего лица."}'


def at_the_question(harness: BotHarness, user_id: int = 1) -> ChatUser:
    person = harness.new_person(user_id)
    person.press("📖 Новая история")
    person.wait("Какую историю напишем")
    person.press("📥 Принести свою историю")
    person.wait("Пришлите свою историю файлом")
    return person


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_file_becomes_a_story_word_for_word_and_goes_on(harness: BotHarness) -> None:
    person = at_the_question(harness)
    harness.says(CARD)
    person.document("Три_огня.txt", STORY.encode("cp1251"))
    person.wait("📥 «Три огня» с нами")
    assert "📥 Читаю" not in " ".join(message.text for message in person.shown[-2:])
    shown = person.wait("мокрые следы")
    assert flat(shown.text) == flat(STORY) and person.keyboard[0] == ("▶️ Дальше", "💡 Подскажи")
    [story] = harness.db.rows("story")
    assert story["hero"] == "Ефим: считает огни" and "Детектив" in story["genre"] and story["title"] == "Три огня"
    harness.restart()
    harness.says("За дверью стоял мальчик.")
    person.press("▶️ Дальше")
    person.wait("За дверью стоял мальчик.")
    prompt = harness.prompts()[-1]
    assert "Ефим: считает огни" in prompt[0]["text"]
    assert "(в третий раз за ночь)" in prompt[-1]["text"]  # no wish, though it stands in brackets
    harness.says("За дверью никого не было.")
    person.press("🔄 Другой вариант")
    person.wait("За дверью никого не было.")
    until(harness.settled)
    person.press("↩️ Отменить ход")
    person.wait("Теперь последнее")
    until(harness.settled)
    person.press("↩️ Отменить ход")
    person.wait("Последнее здесь — текст, который вы принесли, отменять нечего.")
    until(harness.settled)
    person.press("🔄 Другой вариант")
    person.wait("ваши слова, их я не переписываю")
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    assert person.tap("✏️ Исправить").wait_answer().text == "Последнее здесь — ваши слова, исправлять за мной нечего"
    person.tap("↪️ Вернуть")
    person.wait("За дверью никого не было.")
    person.send("/whole_story")
    whole = person.wait("(в третий раз за ночь)")
    assert "Никто не ответил" in whole.text
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("🔀 Ветка")
    person.wait("Ветка готова")
    copied = harness.db.rows("prompt", kind="brought")
    assert len(copied) == 2 and copied[0]["text"] == copied[1]["text"] == STORY
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("📖 Скачать")
    person.wait("В каком виде")
    person.tap("TXT")
    book = person.wait(lambda message: message.attachment is not None)
    assert book.attachment is not None
    text = harness.telegram.state.files[book.attachment.file_id][1].decode("utf-8-sig")
    assert "(в третий раз за ночь)" in flat(text)
    until(harness.settled)
    harness.check_books()


def test_of_a_long_text_the_end_is_told_and_the_memory_has_its_price(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(USER_TOKENS=100_000)
    harness.start()
    person = at_the_question(harness)
    harness.says(CARD)
    person.document("огни.md", LONG.encode())
    person.wait("📥 «огни» с нами")
    offer = person.wait("Помню я пока только конец")
    assert re.search(r"≈ \d+ ход", offer.text)
    assert harness.db.count("call") == 1
    harness.says("Пришёл тридцать первый огонь.")
    person.press("▶️ Дальше")
    person.wait("тридцать первый огонь")
    system, *said = harness.prompts()[-1]
    assert "пересказа его пока нет" in system["text"] and "Ночь 1." in system["text"]
    assert "Ночь 30." in said[-1]["text"] and "Ночь 5." not in said[-1]["text"]
    assert harness.db.count("call") == 2  # nothing was summarised behind the user's back
    person.tap("🧠 Запомнить начало", offer)
    person.wait("Перечитал. Вот что я помню")
    told = int(re.sub(r"\D", "", re.findall(r"\(([\d\s\xa0]+) токен", offer.text)[0]))
    spent = sum(int(row["input"]) + int(row["output"]) for row in harness.db.rows("call", purpose="summary"))
    assert 0 < spent <= told
    harness.says("И погас.")
    person.press("▶️ Дальше")
    person.wait("И погас.")
    assert "пересказа его пока нет" not in harness.prompts()[-1][0]["text"]
    harness.check_books()


def test_a_pasted_text_is_a_story_too_and_a_phrase_is_none(harness: BotHarness) -> None:
    person = at_the_question(harness)
    person.send("Кот и маяк.")
    person.wait("Это скорее замысел, чем история")
    person.photo()
    person.wait("Здесь нужен текст")
    person.document("книга.pdf", mime="application/pdf")
    person.wait("PDF я не читаю")
    person.document("пусто.txt", b" ")
    person.wait("нет ни слова текста")
    assert not harness.db.count("story") and not harness.db.count("call")
    harness.says(CARD)
    person.send(LONG[:6000])
    person.wait("с нами")
    assert flat(" ".join(row["text"] for row in harness.db.rows("prompt", kind="brought"))) == flat(LONG[:6000])
    assert harness.db.values("story", "title") == [""] and "Ефим" in person.wait("Ефим", since=0).text
    harness.check_books()


def test_a_text_is_added_to_the_open_story_and_asks_no_model(harness: BotHarness) -> None:
    person = harness.writer()
    calls = harness.db.count("call")
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("📥 Свой текст")
    person.wait("который продолжит эту историю")
    person.document("глава.txt", STORY.encode())
    person.wait("Добавил в «Смотритель Маяк»")
    assert person.keyboard[0] == ("▶️ Дальше", "💡 Подскажи") and harness.db.count("call") == calls
    harness.says("Следы вели в море.")
    person.press("▶️ Дальше")
    person.wait("Следы вели в море.")
    assert [message["text"][:7] for message in harness.prompts()[-1][1:]][-1] == STORY[:7]
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("📥 Свой текст")
    person.wait("который продолжит эту историю")
    person.document("роман.txt", LONG.encode())
    person.wait("Для открытой истории это много")
    # However small its pieces are, a story has no more of them than a file may have.
    harness.db.change("prompt", {"kind": "brought"}, text="а" * 199_990)
    person.document("глава.txt", STORY.encode())
    assert "уже 199\xa0990 знаков" in person.wait("помещается 200\xa0000 знаков").text
    harness.check_books()


def test_a_file_in_the_menu_may_become_a_story(harness: BotHarness) -> None:
    person = harness.new_person()
    person.document("Огни.fb2", "не книга".encode())
    kept = person.wait("Файл сохранил. Что с ним сделать?")
    person.tap("📥 Начать из него историю", kept)
    person.wait("не открылся")
    person.document("Огни.txt", STORY.encode(), "мой рассказ")
    kept = person.wait("Файл сохранил. Что с ним сделать?")
    harness.restart()
    harness.says(CARD)
    person.tap("📥 Начать из него историю", kept)
    person.wait("📥 «Огни» с нами")
    harness.check_books()


@given(st.text(max_size=6000))
def test_no_letter_is_lost_in_the_parts(text: str) -> None:
    parts = parts_of(text)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(len(part) <= PART_UNITS for part in parts)


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_title_is_one_short_line(told: str, name: str) -> None:
    title = title_of(told, name)
    assert len(title) <= 60 and "\n" not in title


def test_a_file_names_its_story() -> None:
    assert title_of("", "Три_огня.fb2.zip") == "Три огня"
    assert title_of("Маяк  на\nмысу", "x.epub") == "Маяк на мысу"
    assert title_of("", "") == ""


def test_an_english_text_is_brought_in_english(harness: BotHarness) -> None:
    person = harness.telegram.user(5, "Emma")
    person.speaks("en")
    person.send("/start")
    person.wait()
    person.send("/new_story")
    assert "Have a manuscript already?" in person.wait("What kind of story").text
    person.press("📥 Bring my own story")
    person.wait("Send your story as a file")
    person.send("The keeper put out the lamp (for the third time) and went down to the water. " * 3)
    person.wait("is with us: 230 characters, word for word")
    assert harness.db.values("story", "language") == ["en"] and person.keyboard[0][0] == "▶️ Go on"
    harness.check_books()
