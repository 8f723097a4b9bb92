"""Topics of a private chat: each has a step, a story, a draft, a role, a queue and a stop of its own."""

from __future__ import annotations

from conversation.personas import Persona
from database import Database
from tests.chatting import asked, system
from tests.harness import BotHarness, until
from tests.ledger_calls import db

__all__ = ["db"]


def test_each_topic_has_a_step_a_story_and_a_draft_of_its_own(harness: BotHarness) -> None:
    person = harness.writer()
    until(harness.settled)
    other = person.new_topic("Другое")
    other.send("/new_story")
    other.wait("Какую историю напишем")
    other.send("Сказка о чайнике")
    other.wait("Кто герой")
    harness.says("Он пошёл дальше.")
    person.send("Он встал.")  # the story in the main topic goes on from its own step
    person.wait("Он пошёл дальше.")
    until(harness.settled)
    other.send("Чайник: не кипит")
    other.wait("Где всё случится")
    third = person.new_topic("Третье")
    third.send("/new_story")
    third.wait("Какую историю напишем")  # not the draft of the other topic
    harness.restart()
    other.send("Кухня: темно")
    other.wait("Шаг 4")
    harness.says("Он сел.")
    person.send("Ещё.")
    person.wait("Он сел.")
    until(harness.settled)
    assert sorted([*harness.db.values("topic_state", "step"), harness.db.value("user", "step")]) == [
        "extra",
        "genre",
        "story",
    ]
    harness.check_books()


def test_a_story_that_is_opened_in_another_topic_leaves_the_chat_of_this_one(harness: BotHarness) -> None:
    person = harness.writer()
    until(harness.settled)
    person.send("/chat")
    person.wait("💬 Чат. Истории ждут")
    other = person.new_topic("Другое")
    other.send("/stories")
    other.tap("Смотритель Маяк · 1 часть · сегодня", other.wait("Ваши истории"))
    other.wait("Смотритель Маяк")
    other.tap("▶️ Продолжить")
    until(lambda: harness.db.value("user", "step") == "story")
    until(harness.settled)
    assert harness.db.values("topic_state", "step") == ["chat"]
    harness.says("Сорок два.")
    person.send("Сколько будет 6×7?")
    person.wait("Сорок два.")


def test_a_question_about_a_story_that_is_deleted_in_another_topic_is_left(harness: BotHarness) -> None:
    person = harness.writer()
    until(harness.settled)
    harness.db.insert("card", session_id=harness.db.value("session", "id"), name="Веста", about="фонарщица")
    person.press("⚙️ Ещё")
    person.tap("📌 Держи в уме", person.wait("что сделать?"))
    person.tap("Веста", person.wait("что держать в уме?"))
    person.tap("✏️ Изменить", person.wait(lambda message: "✏️ Изменить" in message.labels))
    until(lambda: harness.db.value("user", "step") == "edit_card")
    assert harness.db.value("user", "asks_about") == harness.db.value("session", "id", kind="story")
    other = person.new_topic("Другое")
    other.send("/stories")
    other.tap("Смотритель Маяк · 1 часть · сегодня", other.wait("Ваши истории"))
    other.tap("🗑 Удалить", other.wait("Смотритель Маяк"))
    other.wait("удалена")
    until(harness.settled)
    person.send("Кто здесь?")
    person.wait("Сообщение сохранил")  # as in the menu
    assert harness.db.value("user", "step") == "menu"


def test_a_talk_of_a_deleted_topic_goes_on_in_the_chat_itself(harness: BotHarness) -> None:
    person = harness.new_person()
    cat = person.new_topic("Кот")
    cat.send("/characters")
    cat.tap("Кот-писарь Пантелей", cat.wait("С кем поговорим"))
    cat.wait("🎭 Отвечает")
    harness.says("Мур.")
    cat.send("Помни: рыба.")
    cat.wait("Мур.")
    held = harness.holds("Запомнил.", "Рыба.")
    cat.send("Помнишь?")
    until(lambda: len(harness.prompts()) == 2)
    cat.delete_topic()
    held.set()
    person.wait("Запомнил.")
    until(harness.settled)
    person.send("/characters")
    person.tap("Кот-писарь Пантелей", person.wait("С кем поговорим"))
    person.wait("🎭 Отвечает")
    person.send("Что?")
    person.wait("Рыба.")
    assert "Помни: рыба." in [text for _, text in asked(harness)]
    until(harness.settled)
    harness.check_books()


def test_a_topic_has_a_role_and_a_stop_of_its_own(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("💬 Чат")
    person.wait("💬 Чат. Истории ждут")
    lighthouse, fog = person.new_topic("Маяк"), person.new_topic("Туман")
    person.send("/prompt Ты кот.")
    person.wait("Запомнил")
    fog.send("/prompt Ты пират.")
    fog.wait("Запомнил")
    harness.says("Мур.")
    lighthouse.send("Кто ты?")  # a topic without a role has that of the chat
    lighthouse.wait("Мур.")
    assert "Ты кот." in system(harness)
    harness.says("Йо-хо-хо.")
    fog.send("А ты?")
    fog.wait("Йо-хо-хо.")
    assert "Ты пират." in system(harness)
    until(harness.settled)
    held = harness.holds_all("Готово.")
    lighthouse.send("Раз")
    fog.send("Два")
    until(lambda: len(harness.prompts()) == 4)
    lighthouse.send("стоп")
    lighthouse.wait("⏹ Остановил")
    fog.send("Три")
    fog.wait("Я ещё отвечаю")
    held.set()
    until(lambda: sum(said.text == "Готово." for said in fog.bot_messages) == 2)
    until(harness.settled)
    assert not any(said.text == "Готово." for said in fog.bot_messages if said.topic_id != fog.topic_id)
    assert [text for _, text in asked(harness)][-1] == "Три"
    fog.send("/prompt сброс")
    fog.wait("Роль сброшена")
    harness.says("Слушаю.")
    fog.send("Кто ты?")
    fog.wait("Слушаю.")
    assert "Ты кот" not in system(harness) and "пират" not in system(harness)
    harness.check_books()


def test_a_character_answers_in_its_topic_and_the_story_in_its_own_after_a_kill(harness: BotHarness) -> None:
    person = harness.writer()
    until(harness.settled)
    cat = person.new_topic("Кот")
    cat.send("/characters")
    cat.wait("С кем поговорим")
    cat.tap("Кот-писарь Пантелей")
    cat.wait("🎭 Отвечает")
    until(harness.settled)
    held = harness.holds_all("Ответ.")
    cat.send("Мяу?")
    person.send("Он вышел.")
    until(lambda: len(harness.prompts()) == 3)
    harness.restart()
    held.set()
    for one in (cat, person):
        one.wait(lambda said: said.text == "Ответ.")
    until(harness.settled)
    kinds = {row["topic_id"]: row["kind"] for row in harness.db.rows("turn", state="answered") if row["id"] > 1}
    assert kinds == {0: "part", cat.topic_id: "character"}
    harness.check_books()


def test_the_talks_of_a_deleted_topic_keep_their_order_behind_the_open_one(db: Database) -> None:
    def talk(touched_at: int, topic_id: int = 7, character_id: int | None = None) -> int:
        kind = "chat" if character_id is None else "character"
        return db.talks.create(1, 1, touched_at, topic_id=topic_id, kind=kind, character_id=character_id)

    cat, fox = (db.characters.add(1, "ru", Persona(name, "", "", ""), 1) for name in ("Кот", "Лис"))
    oldest, middle, newest = talk(10), talk(20), talk(30)
    here = talk(10, 0)
    talk(40, character_id=cat)
    *_, with_fox = (talk(touched_at, character_id=fox) for touched_at in (10, 20, 30))
    with_cat_here = talk(60, 0, cat)
    db.topic_states.topic_gone(1, 7)
    for expected in (here, newest, middle, oldest):
        opened = db.talks.open_in(1)
        assert opened is not None and opened.session_id == expected
        db.talks.delete(expected, 99)
    for character_id, expected in ((cat, with_cat_here), (fox, with_fox)):
        opened = db.talks.open_in(1, kind="character", character_id=character_id)
        assert opened is not None and opened.session_id == expected
