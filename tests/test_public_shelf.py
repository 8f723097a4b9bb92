"""The public shelf: publishing, lists, reading in pieces, hearts, reports and what an admin decides."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from handlers.public_shelf import MOST_REPORTS
from handlers.publishing import MOST_A_DAY
from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser
from tests.forgetting import forget, rows_naming
from tests.harness import ADMIN_ID, BotHarness, until
from tests.inline import put_story

Shelf = Callable[..., BotHarness]


@pytest.fixture
def shelf(make_harness: Shelf) -> BotHarness:
    """Return a bot whose owner has switched the shelf on."""
    made = make_harness(SHELF="on")
    made.start()
    return made


def card(person: ChatUser, story: int) -> ChatMessage:
    """Return the story's card among one's own."""
    person.send("/stories")
    person.tap(f"card:{story}", person.wait("Ваши истории"))
    return person.wait("части ·" if False else "📖")


def publish(person: ChatUser, story: int, choice: str = "🌍 Без имени") -> None:
    """Publish a story by its card."""
    card(person, story)
    person.tap("🌍 На полку")
    person.tap(choice, person.wait("Показать ваше имя?"))
    person.wait("на полке.")


def on_shelf(person: ChatUser) -> tuple[str, ...]:
    """Return the stories that the shelf lists."""
    person.send("/shelf")
    return tuple(label for label in person.wait("🌍").labels if "· ♥" in label)


def put_on(harness: BotHarness, story: int, *, user_id: int = 1, genre: str = "Детектив", now: int = 0) -> int:
    """Publish a story by the database itself; return its number on the shelf."""
    assert harness.app is not None
    db = harness.app.db
    found = db.stories.get(story)
    assert found is not None and found.head_id is not None
    return db.shelf.publish(
        session_id=story,
        user_id=user_id,
        head_id=found.head_id,
        title=found.title,
        genre=genre,
        author="",
        now=now or int(time.time()),
    )


def is_hidden_like(harness: BotHarness, *parts: str) -> bool:
    """Return whether a story of these texts is like one of four parts, «Раз.» to «Четыре.», that was removed."""
    assert harness.app is not None
    db = harness.app.db
    removed = put_on(harness, put_story(harness, "Долгая", "Раз.", "Иду.", "Два.", "Иду.", "Три.", "Иду.", "Четыре."))
    harness.db.change("published", {"id": removed}, state="removed")
    story = db.stories.get(put_story(harness, "Другая", *parts))
    assert story is not None and story.head_id is not None
    return db.shelf.hidden_like(story.head_id, 1) is not None


def test_off_by_default_nothing_of_it_is_seen(harness: BotHarness) -> None:
    person = harness.new_person()
    story = put_story(harness, "Маяк", "Свет.")
    number = put_on(harness, story)
    person.send("/shelf")
    person.wait("Такой команды")
    person.send("/stories")
    listed = person.wait("Ваши истории")
    assert "🌍 Полка" not in listed.labels
    person.tap(f"card:{story}", listed)
    assert "🌍 На полку" not in person.wait("📖").labels
    other = harness.new_person(2, "Борис")
    other.send("/help")
    assert "/shelf" not in other.wait("Мы пишем историю").text and number


def test_the_shelf_needs_an_admin(make_harness: Shelf) -> None:
    from config import Config
    from core.errors import ConfigError

    harness = make_harness(SHELF="on", ADMIN_IDS="")
    with pytest.raises(ConfigError, match="SHELF: it is on, but ADMIN_IDS is not set"):
        Config.from_env(harness.environment())


def test_a_story_is_published_read_in_pieces_loved_and_taken_back(shelf: BotHarness) -> None:
    author, reader = shelf.new_person(), shelf.new_person(2, "Борис")
    long = "\n\n".join(f"Абзац {number}: волны, волны и ещё раз волны." for number in range(170))
    story = put_story(shelf, "Маяк <1>", "Свет погас.", "Я вошёл. (страшнее)", long)
    put_story(shelf, "Черновик", "Начало.", finished=False)
    assert on_shelf(author) == ()
    assert "🌍 На полку" in card(author, story).labels
    publish(author, story, "🌍 С именем: Анна")
    assert "🌍 Снять с полки" in card(author, story).labels
    assert on_shelf(reader) == ("Маяк <1> · ♥ 0 · Детектив",)
    shelf.restart()

    reader.tap("Маяк <1> · ♥ 0 · Детектив")
    shown = reader.wait("Анна · Детектив")
    assert "Маяк <1>" in shown.text and shown.labels == ("📖 Читать", "🤍 0", "🚩 Пожаловаться", "🌍 Полка")
    reader.tap("📖 Читать", shown)
    piece = reader.wait("Свет погас.")
    texts = [piece.text]
    while piece.labels:
        assert piece.labels[0].startswith(f"Дальше {len(texts) + 1}/")
        reader.tap(piece.labels[0], piece)
        piece = next_piece(reader, piece)
        texts.append(piece.text)
    read = "\n\n".join(texts)
    assert "Я вошёл." in read and "страшнее" not in read and "Абзац 169" in read and len(texts) == 3
    end = reader.wait("Конец истории")
    reader.tap("🤍 0", end)
    reader.until(lambda: "♥ 1" in shelf_message(reader, end).labels or None)
    reader.tap("🤍 0", shown)  # an older message: the heart is taken back
    reader.until(lambda: "🤍 0" in shelf_message(reader, shown).labels or None)
    reader.tap("🤍 0", shown)
    reader.until(lambda: "♥ 1" in shelf_message(reader, shown).labels or None)
    assert on_shelf(author) == ("Маяк <1> · ♥ 1 · Детектив",)
    author.tap("Маяк <1> · ♥ 1 · Детектив")
    own = author.wait("Анна · Детектив")
    assert author.tap("♥ 1" if "♥ 1" in own.labels else "🤍 1", own).wait_answer().text == "Это ваша история."

    author.tap("🌍 Снять с полки", own)
    author.wait("больше нет на полке")
    assert on_shelf(reader) == ()
    assert reader.tap("📖 Читать", shown).wait_answer().text == "Этой истории на полке больше нет."
    assert shelf.db.count("heart") == 0 and shelf.db.value("session", "deleted_at", id=story) is None


def next_piece(person: ChatUser, before: ChatMessage) -> ChatMessage:
    return person.wait(lambda message: message.id > before.id and "Абзац" in message.text)


def shelf_message(person: ChatUser, message: ChatMessage) -> ChatMessage:
    return person.chat.messages[message.id]


def test_what_stands_there_is_the_text_of_its_publication(shelf: BotHarness) -> None:
    author, reader = shelf.new_person(), shelf.new_person(2, "Борис")
    story = put_story(shelf, "Маяк", "Свет погас.", "Я вошёл.", "Там кот.")
    publish(author, story)
    assert shelf.app is not None
    db = shelf.app.db
    first = db.tree.whole(db.stories.get(story).head_id)[0].id  # type: ignore[union-attr]
    db.tree.set_head(story, first, 1)  # undone since
    db.stories.set_title(story, "Другое", named=True)
    on_shelf(reader)
    reader.tap("Маяк · ♥ 0 · Детектив")
    assert "Анна" not in reader.wait("🌍 Маяк").text
    reader.tap("📖 Читать")
    assert "Там кот." in reader.wait("Свет погас.").text


def test_lists_by_time_by_hearts_and_by_genre_in_pages(shelf: BotHarness) -> None:
    person = shelf.new_person()
    shelf.new_person(2, "Борис")
    now = int(time.time())
    for number in range(9):
        genre = "Сказка" if number < 2 else "Детектив"
        story = put_story(shelf, f"История {number}", "Текст.", user_id=2)
        put_on(shelf, story, user_id=2, genre=genre, now=now - 100 + number)
    assert shelf.app is not None
    shelf.app.db.shelf.toggle_heart(shelf.db.value("published", "id", title="История 1"), 1, now)
    for user_id in (3, 4):  # a heart of somebody banned doesn't count
        shelf.app.db.users.register(user_id, None, "Я", None, language="ru", balance=1, now=1)
        shelf.app.db.shelf.toggle_heart(shelf.db.value("published", "id", title="История 2"), user_id, now)
    shelf.db.change("user", {"id": (3, 4)}, banned=1)
    assert on_shelf(person)[0] == "История 8 · ♥ 0 · Детектив" and len(on_shelf(person)) == 6
    person.tap("▶")
    assert "История 0 · ♥ 0 · Сказка" in person.wait("Сначала новые").labels
    person.tap("♥ Любимые")
    assert person.wait("самые любимые").labels[0] == "История 1 · ♥ 1 · Сказка"
    person.tap("🎭 Жанры")
    assert person.wait("Какой жанр").labels[:2] == ("Детектив · 7", "Сказка · 2")
    person.tap("Сказка · 2")
    found = person.wait("Жанр «Сказка», историй: 2")
    assert [label for label in found.labels if "История" in label] == [
        "История 1 · ♥ 1 · Сказка",
        "История 0 · ♥ 0 · Сказка",
    ]
    person.tap("🎭 Жанры")
    person.wait("Какой жанр")
    named = int(shelf.db.value("published", "id", title="История 0") or 0)  # the genre's button has this number
    assert shelf.app.db.shelf.report(named, 1, now)
    person.tap("Сказка · 2")
    assert "История 1 · ♥ 1 · Сказка" in person.wait("Жанр «Сказка», историй: 1").labels


@pytest.mark.parametrize(("decision", "stays"), [("✅ Показать снова", True), ("🗑 Убрать", False)])
def test_a_reported_story_is_hidden_until_an_admin_has_looked(shelf: BotHarness, decision: str, stays: bool) -> None:
    author, reader, admin = shelf.new_person(), shelf.new_person(2, "Борис"), shelf.new_person(ADMIN_ID, "Вера")
    story = put_story(shelf, "Маяк", "Свет погас.")
    publish(author, story)
    on_shelf(reader)
    reader.tap("Маяк · ♥ 0 · Детектив")
    reader.tap("🚩 Пожаловаться", reader.wait("🌍 Маяк"))
    asked = reader.wait("Пожаловаться на историю «Маяк»?")
    assert on_shelf(author) == ("Маяк · ♥ 0 · Детектив",)  # the question hides nothing
    reader.tap("✖️ Не надо", asked)
    reader.wait("жалобы нет")
    reader.tap("🚩 Пожаловаться")
    reader.tap("🚩 Да, пожаловаться", reader.wait("Пожаловаться на"))
    reader.wait("Спасибо.")
    author.wait("На вашу историю «Маяк» пожаловались", since=0)
    report = admin.wait("🚩 Жалоба на историю «Маяк»", since=0)
    assert "Анна" in report.text and "Борис" in report.text
    assert on_shelf(reader) == ()
    admin.tap("📖 Читать", report)
    admin.wait("Свет погас.")
    shelf.restart()
    admin.tap(decision, report)
    admin.wait("снова на полке" if stays else "убрана с полки")
    author.wait("она снова на полке" if stays else "Администратор", since=0)
    assert bool(on_shelf(reader)) is stays
    published = shelf.db.value("published", "id")
    if stays:
        other = shelf.new_person(3, "Глеб")
        on_shelf(other)
        other.tap("Маяк · ♥ 0 · Детектив")
        other.tap("🚩 Пожаловаться", other.wait("🌍 Маяк"))
        other.tap("🚩 Да, пожаловаться", other.wait("Пожаловаться на"))
        other.wait("уже смотрел")  # the same text isn't hidden again
        assert on_shelf(reader)
    else:
        assert shelf.db.value("published", "state", id=published) == "removed"
        card(author, story)
        author.tap("🌍 Снять с полки")
        author.wait("больше нет на полке")
        card(author, story)
        author.tap("🌍 На полку")
        author.wait("вернуть её туда нельзя")
        # Neither can a branch of it, also by somebody else, but another story can.
        for person, user_id in ((author, 1), (reader, 2)):
            card(person, put_story(shelf, "Ветка", "Свет погас.", "Иначе.", user_id=user_id))
            person.tap("🌍 На полку")
            person.wait("те же части, что в убранной")
        publish(author, put_story(shelf, "Кот", "Мур."))
        assert is_hidden_like(shelf, "Раз.", "Иду.", "Два.", "Стою.", "Иначе.")
        assert not is_hidden_like(shelf, "Раз.", "Иду.", "Иначе.", "Иду.", "Совсем.")


def test_what_is_pressed_on_the_page_is_asked_and_reported_in_the_chat(shelf: BotHarness) -> None:
    author, reader = shelf.new_person(), shelf.new_person(2, "Борис")
    story = put_story(shelf, "Маяк", "Свет погас.")
    assert shelf.app is not None

    def pressed(user_id: int, name: str, data: str) -> None:
        somebody = {"id": user_id, "first_name": name}
        message = {"message_id": 0, "date": 1, "chat": {**somebody, "type": "private"}, "from": somebody}
        body = {"update_id": 0, "message": message | {"web_app_data": {"data": data, "button_text": ""}}}
        assert shelf.app is not None
        shelf.app.dispatcher.put(user_id, json.dumps(body))

    pressed(2, "Борис", f"publish:{story}")  # another's
    pressed(1, "Анна", f"publish:{story}")
    author.tap("🌍 Без имени", author.wait("Показать ваше имя?", since=0))
    author.wait("на полке.")
    number = shelf.db.value("published", "id")
    pressed(1, "Анна", f"public_report:{number}")  # one's own
    author.wait("Это ваша история.", since=0)
    pressed(2, "Борис", f"public_report:{number}")
    reader.wait("Спасибо. Историю «Маяк»", since=0)
    author.wait("На вашу историю «Маяк» пожаловались", since=0)
    assert on_shelf(reader) == ()


def test_limits_of_a_day(shelf: BotHarness) -> None:
    author, reader = shelf.new_person(), shelf.new_person(2, "Борис")
    stories = [put_story(shelf, f"История {number}", "Текст.") for number in range(MOST_A_DAY + 1)]
    for story in stories[:-1]:
        publish(author, story)
    card(author, stories[-1])
    author.tap("🌍 На полку")
    author.wait(f"За сутки на полку можно поставить {MOST_A_DAY} истории")
    shelf.db.change("published", {"session_id": stories[0]}, state="removed")  # the limit is looked at first
    card(author, stories[-1])
    author.tap("🌍 На полку")
    author.wait(f"За сутки на полку можно поставить {MOST_A_DAY} истории")
    assert shelf.app is not None
    numbers = [put_on(shelf, put_story(shelf, f"Другая {number}", "Текст.")) for number in range(MOST_REPORTS + 1)]
    for number in numbers[:-1]:
        shelf.app.db.shelf.report(number, 2, int(time.time()))
    on_shelf(reader)
    reader.tap(f"Другая {MOST_REPORTS} · ♥ 0 · Детектив")
    reader.tap("🚩 Пожаловаться", reader.wait(f"🌍 Другая {MOST_REPORTS}"))
    reader.tap("🚩 Да, пожаловаться", reader.wait("Пожаловаться на"))
    reader.wait(f"Больше {MOST_REPORTS} жалоб за сутки")
    assert shelf.db.value("published", "state", id=numbers[-1]) == "shown"


def test_a_deleted_story_a_banned_author_and_a_forgotten_user_leave_the_shelf(shelf: BotHarness) -> None:
    author, reader = shelf.new_person(), shelf.new_person(2, "Борис")
    first, second = (put_story(shelf, title, "Свет.") for title in ("Маяк", "Лес"))
    for story in (first, second):
        put_on(shelf, story)
    own = put_story(shelf, "Сад", "Цветы.", user_id=2)
    garden = put_on(shelf, own, user_id=2)
    assert len(on_shelf(reader)) == 3
    card(author, first)
    author.tap("🗑 Удалить")
    author.wait("удалена")
    assert [line.split(" ·")[0] for line in on_shelf(reader)] == ["Сад", "Лес"]
    shelf.db.change("user", {"id": 1}, banned=1)
    assert [line.split(" ·")[0] for line in on_shelf(reader)] == ["Сад"]
    shelf.db.change("user", {"id": 1}, banned=0)
    assert shelf.app is not None
    shelf.app.db.shelf.toggle_heart(garden, 1, 1)
    shelf.app.db.shelf.report(garden, 1, 1)
    data = shelf.app.db.personal_data(1)
    assert data is not None
    assert [len(data[key]) for key in ("published_stories", "hearts_given", "stories_reported")] == [2, 1, 1]  # type: ignore[arg-type]
    forget(shelf, author)
    assert rows_naming(shelf, 1) == {}
    assert shelf.db.count("published") == 1 and shelf.db.count("heart") == 0 and shelf.db.count("report") == 0


def test_forged_presses_decide_and_publish_nothing(shelf: BotHarness) -> None:
    shelf.new_person()
    thief = shelf.new_person(2, "Борис")
    story, secret = put_story(shelf, "Маяк", "Свет."), put_story(shelf, "Тайна", "Секрет.")
    number = put_on(shelf, story)
    hidden = put_on(shelf, secret)
    assert shelf.app is not None
    shelf.app.db.shelf.report(hidden, 1, 1)
    before = shelf.db.rows("published")
    verbs = ("allow", "remove", "read", "story", "like", "flag", "report")
    presses = [f"public_{verb}:{hidden}" for verb in verbs] + [
        f"public_read:{hidden}:0",
        f"public:g{hidden}:0",
        "public:x",
    ]
    presses += [f"{verb}:{story}" for verb in ("publish", "publish_named", "publish_unnamed", "unpublish")]
    presses += [f"public_remove:{number}", f"public_read:{number}:99", "public_story:999", "public_read:1:x"]
    thief.send("/start")
    thief.wait()
    for place, data in enumerate(presses):
        query = {
            "id": f"forged-{place}",
            "from": {"id": 2, "is_bot": False, "first_name": "Борис"},
            "message": {"message_id": 1, "date": 1, "chat": {"id": 2, "type": "private"}, "text": "х"},
            "chat_instance": "1",
            "data": data,
        }
        shelf.telegram.raw_update({"callback_query": query})
    until(shelf.settled)
    assert shelf.db.rows("published") == before and not shelf.db.count("heart")
    assert "Секрет" not in "".join(message.text for message in thief.messages)
    shelf.telegram.api.violations.clear()  # invented presses have no true id to answer to


def test_in_english(shelf: BotHarness) -> None:
    person = shelf.new_person()
    put_on(shelf, put_story(shelf, "Light", "Dark.", genre="Crime"))
    person.send("/language")
    person.tap("English", person.wait("язык"))
    person.wait("English")
    person.send("/shelf")
    shown = person.wait("🌍 The shelf, the newest first. Stories: 1.")
    assert shown.labels[-3:] == ("🆕 Newest", "♥ Most loved", "🎭 Genres")
