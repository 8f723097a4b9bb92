"""«📚 Мои истории»: pages, resuming, names, deletion, search, files, shared links."""

from __future__ import annotations

import io
import zipfile

from sandbox.users import ChatUser
from tests.harness import BotHarness


def shelf_of(harness: BotHarness, stories: int) -> ChatUser:
    """Somebody with so many stories, made by the database itself; the last one is open."""
    person = harness.writer(words="Настоящая история.")
    assert harness.app is not None
    db = harness.app.db
    with db.transaction():
        for number in range(1, stories):
            session = db.stories.create(
                1,
                1,
                genre="Сказка",
                hero=f"Герой {number}",
                setting="Лес",
                extra="",
                title=f"История {number}",
                now=number,
            )
            text = f"Часть истории {number}. Корабли ушли."
            db.tree.set_head(session, db.tree.add(session, None, 1, "assistant", text, now=number), number)
    return person


def test_an_empty_shelf_leads_to_a_first_story(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("📚 Мои истории")
    assert person.wait("Здесь пока пусто").labels == ("🎲 Мне повезёт", "📖 Новая история")
    person.tap("📖 Новая история")
    person.wait("Шаг 1")


def test_six_stories_a_page(harness: BotHarness) -> None:
    person = shelf_of(harness, 8)
    person.send("/stories")
    shown = person.wait("Ваши истории: 8")
    assert len([label for label in shown.labels if "часть ·" in label]) == 6
    assert shown.labels[0] == "Смотритель Маяк · 1 часть · сегодня"
    person.tap("▶")
    second = person.wait("Ваши истории: 8")
    assert len([label for label in second.labels if "часть ·" in label]) == 2
    assert person.placeholder == "Что было дальше?"


def test_a_story_goes_on_exactly_where_it_stopped(harness: BotHarness) -> None:
    person = shelf_of(harness, 3)
    person.send("/stories")
    person.wait("Ваши истории")
    person.tap("История 2 · 1 часть · 01.01.1970")
    card = person.wait("Часть истории 2.")
    assert card.labels[:2] == ("▶️ Продолжить", "📖 Читать")
    harness.restart()
    person.tap("▶️ Продолжить")
    person.wait("📖 «История 2»")
    harness.says("Они вернулись.")
    person.send("Прошло три дня.")
    person.wait("Они вернулись.")
    assert "Часть истории 2." in str(harness.prompts()[-1]) and "Настоящая" not in str(harness.prompts()[-1])


def test_a_story_is_renamed_deleted_and_brought_back(harness: BotHarness) -> None:
    person = shelf_of(harness, 1)
    person.send("/stories")
    person.wait("Ваши истории")
    person.tap("Смотритель Маяк · 1 часть · сегодня")
    card = person.wait("Настоящая история.")
    person.tap("✏️ Имя")
    person.wait("Как назвать")
    person.send("Огни «Надежды» <3")
    person.wait("Теперь это «Огни „Надежды“ <3»")
    [renamed] = [message for message in person.shown if message.id == card.id]
    assert "Огни «Надежды» <3" in renamed.text and "Смотритель" not in renamed.text.splitlines()[0]
    assert renamed.labels == card.labels
    assert person.placeholder == "Что было дальше?"
    person.tap("🗑 Удалить")
    person.wait("удалена. Сутки её ещё можно вернуть")
    person.send("/stories")
    person.wait("Здесь пока пусто")
    person.tap("↩️ Вернуть в мои истории")
    person.wait("Огни «Надежды» <3")
    person.send("/stories")
    person.wait("Ваши истории: 1")


def test_search_finds_the_beginning_of_a_word_and_only_ones_own(harness: BotHarness) -> None:
    person = shelf_of(harness, 3)
    stranger = harness.writer(2, words="Корабль чужого человека.")
    person.send("/stories")
    person.wait("Ваши истории")
    person.tap("🔎 Найти")
    person.wait("Какие слова искать")
    person.send('кораб "ушли')
    assert len(person.wait("Истории со словами").labels) == 2
    person.send("/stories")
    person.wait("Ваши истории")
    person.tap("🔎 Найти")
    person.wait("Какие слова искать")
    person.send("МАЯК остр")
    assert person.wait("Истории со словами").labels[0].startswith("Смотритель Маяк")
    person.send("/stories")
    person.wait("Ваши истории")
    person.tap("🔎 Найти")
    person.wait("Какие слова искать")
    person.send("бегемот")
    person.wait("ничего не нашлось")
    assert "ч." not in str(stranger.last.labels)


def test_every_kind_of_file_comes_with_a_safe_name(harness: BotHarness) -> None:
    person = harness.writer(words="Текст для книги.")
    person.press("⚙️ Ещё")
    person.wait("что сделать?")
    person.tap("📖 Скачать")
    assert person.wait("В каком виде").labels == ("TXT", "FB2", "EPUB", "HTML")
    for kind in ("TXT", "FB2", "EPUB", "HTML"):
        person.tap(kind)
        message = person.wait(lambda message, kind=kind: getattr(message.attachment, "name", "").endswith(kind.lower()))  # type: ignore[misc]
        assert message.attachment is not None
        data = harness.telegram.state.files[message.attachment.file_id][1]
        if kind == "EPUB":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                data = b"".join(archive.read(name) for name in archive.namelist())
        assert "Текст для книги." in data.decode("utf-8", "replace")
        assert message.attachment.name == f"Смотритель_Маяк.{kind.lower()}"


def test_a_shared_story_is_read_by_anybody_and_branched_from(harness: BotHarness) -> None:
    author = harness.writer(words="Общая история.")
    author.send("/stories")
    author.wait("Ваши истории")
    author.tap("Смотритель Маяк · 1 часть · сегодня")
    author.wait("Общая история.")
    author.tap("📤 Поделиться")
    link = author.wait("Кто откроет эту ссылку").text.rpartition("start=")[2].strip()
    reader = harness.telegram.user(2, "Борис")
    reader.send(f"/start {link}")
    reader.wait("Анна делится историей")
    reader.wait("Общая история.")
    reader.wait("можно решить по-своему")
    reader.tap("🔀 Продолжить по-своему")
    reader.wait("Ваши слова продолжат её")
    harness.says("Своя ветка.")
    reader.press("▶️ Дальше")
    reader.wait("Своя ветка.")
    assert "Общая история." in str(harness.prompts()[-1])
    assert harness.db.count("prompt", user_id=1) == 1
    author.tap("🔗 Закрыть ссылку")
    author.wait("больше не открывается")
    third = harness.telegram.user(3, "Вера")
    third.send(f"/start {link}")
    third.wait("Эта ссылка больше не открывается")


def test_nobody_reaches_anothers_story_by_its_number(harness: BotHarness) -> None:
    harness.writer(words="Чужое.")
    session = harness.db.last("session", "id")
    harness.db.change("story", share_token="known-to-friends")  # only the link opens it, never its number
    stranger = harness.writer(2, words="Своё.")
    for verb in ("card", "read", "open", "delete", "share", "epub", "rename", "files", "volume", "restore", "take"):
        query = {
            "id": "1",
            "from": {"id": 2, "is_bot": False, "first_name": "Х"},
            "message": {
                "message_id": stranger.last.id,
                "date": 1,
                "chat": {"id": 2, "type": "private"},
                "text": "х",
            },
            "chat_instance": "1",
            "data": f"{verb}:{session}",
        }
        harness.telegram.raw_update({"callback_query": query})
    stranger.send("/help")
    stranger.wait("Мы пишем историю вдвоём")
    assert not [message for message in stranger.messages if "Чужое" in message.text or message.attachment]
    assert harness.db.count("session", user_id=2) == 1
    assert harness.db.value("session", "deleted_at", id=session) is None
    harness.telegram.api.violations.clear()  # the invented queries have no true id to answer to


def ended(harness: BotHarness, person: ChatUser, title: str = "Свет в окне") -> None:
    """Has the open story ended, and named so by the model."""
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    harness.says("Конец.")
    harness.says(title)
    person.press("😢 Трагический")
    person.wait("Дописали!")


def test_back_from_a_question_whose_story_was_deleted_is_the_menu(harness: BotHarness) -> None:
    person = harness.writer()
    person.send("/stories")
    shelf = person.wait("Ваши истории")
    person.tap(shelf.labels[0])
    person.wait("Начало.")
    person.tap("🔎 Найти")
    person.wait("Какие слова искать")
    person.tap("🗑 Удалить")
    person.wait("удалена")
    person.press("✖️ Отмена")
    person.wait("меню")
    assert "▶️ Дальше" not in str(person.keyboard)


def test_back_from_a_question_whose_story_has_ended_is_its_end(harness: BotHarness) -> None:
    person = harness.writer()
    person.press("🏁 Финал")
    person.wait("Каким будет конец")
    held = harness.holds("Конец.", "Имя")
    person.press("😢 Трагический")
    person.wait("Пишу финал")
    person.send("/stories")
    shelf = person.wait("Ваши истории")
    person.tap(shelf.labels[0])
    person.wait("Начало.")
    person.tap("✏️ Имя")
    person.wait("Как назвать")
    held.set()
    person.wait("Дописали!")
    person.send("Маяк")
    person.wait("Теперь это «Маяк»")
    assert "🔄 Другой финал" in str(person.keyboard)


def test_a_name_of_the_users_own_outlives_the_ending(harness: BotHarness) -> None:
    person = harness.writer()
    person.send("/stories")
    shelf = person.wait("Ваши истории")
    person.tap(shelf.labels[0])
    person.wait("Начало.")
    person.tap("✏️ Имя")
    person.wait("Как назвать")
    person.send("Моё имя")
    person.wait("Теперь это «Моё имя»")
    ended(harness, person)
    assert "Моё имя" in person.wait("Дописали!", since=0).text
