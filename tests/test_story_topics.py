"""A story in a topic of its own: made at its beginning, named by its title, and left when it is deleted."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing

import pytest

from config import Config
from core.errors import TelegramRefused
from core.http_client import HttpClient
from database import Database
from sandbox.model_faults import Behaviour
from sandbox.users import ChatUser
from telegram.api_client import BotApi
from telegram.bot_profile import HAS_TOPICS
from telegram.chat_queue import ChatQueues
from telegram.failure_notices import FailureNotices
from telegram.send_outcome import is_topic_gone
from tests.botapi_server import TOKEN, BotApiServer, Order, refusal
from tests.harness import BotHarness, until
from tests.kinds_of_turn import brings
from tests.ledger_calls import db
from tests.ledger_calls import story as stored_story
from tests.ready_made import shipped_locales
from tests.sending_bench import Bench
from tests.test_brought_stories import CARD, STORY, at_the_question
from turns.story_topics import StoryTopics

__all__ = ["db"]

HERO = "Смотритель Маяк"
ENOUGH = {"TELEGRAM_TOKEN": TOKEN, "YANDEX_FOLDER_ID": "b1gfolder"}


@pytest.fixture
def forum(make_harness: Callable[..., BotHarness]) -> BotHarness:
    harness = make_harness()
    harness.telegram.api.has_topics = True
    harness.start()
    until(lambda: harness.db.values("setting", "value", key="has_topics") == ["1"])
    return harness


def writer(harness: BotHarness, text: str = "Свет погас.") -> tuple[ChatUser, ChatUser]:
    """Return somebody whose story has its first part, in the main topic and in the story's."""
    person = harness.at_summary(1)
    harness.says(text)
    person.press("✨ Начать историю")
    until(lambda: bool(person.chat.topics))
    story = newest_topic(person)
    story.wait(text, since=0)
    until(harness.settled)
    return person, story


def newest_topic(person: ChatUser) -> ChatUser:
    """Return the same user in the newest topic."""
    return ChatUser(person.api, person.user, person.chat, next(reversed(person.chat.topics)))


def outside(person: ChatUser, *texts: str) -> list[str]:
    """Return those of the texts that the bot said in no topic."""
    return [text for text in texts if any(text in said.text for said in person.bot_messages if not said.topic_id)]


def test_a_story_begins_in_a_topic_of_its_own_and_all_its_pieces_stay_there(forum: BotHarness) -> None:
    person, story = writer(forum)
    assert HERO in person.wait("пишется в своей теме", since=0).text  # once, and with the topic's name
    assert sum("пишется" in said.text for said in person.bot_messages if not said.topic_id) == 1
    assert not outside(person, "Пишу начало")
    assert story.wait("Здесь живёт история", since=0)
    assert len(names(person)) == 1 and HERO in names(person)[0]
    forum.says("Он встал.")
    story.send("Встань.")
    story.wait("Он встал.")
    until(forum.settled)
    story.press("⚙️ Ещё")
    story.wait("что сделать?")
    story.tap("🔊 Озвучить")
    story.wait("Каким голосом")
    story.tap("Филипп")
    story.wait(brings("voice"))
    until(forum.settled)
    person.send("А вот и я")  # in the main topic the user is in the menu
    person.wait("Сообщение сохранил")
    assert not outside(person, "Он встал.", "Свет погас.")
    assert all(
        draft.params.get("message_thread_id") == story.topic_id for draft in forum.telegram.called("sendMessageDraft")
    )
    forum.check_books()


def names(person: ChatUser) -> list[str]:
    return list(person.chat.topics.values())


def test_the_topic_has_the_storys_title_and_a_flag_at_its_end(forum: BotHarness) -> None:
    person, story = writer(forum)
    story.press("🏁 Финал")
    story.wait("Каким будет конец")
    forum.says("Все обнялись.")
    forum.says("Последний луч")
    story.press("😊 Счастливый")
    story.wait("Дописали!")
    assert "Закрыть тему" in story.wait("на её теме теперь флажок").text
    until(lambda: names(person) == ["🏁 Последний луч"])
    until(forum.settled)
    assert not outside(person, "Дописали!", "Все обнялись.")
    forum.says("Прошло десять лет.")
    story.tap("✍️ Эпилог")
    story.wait("Прошло десять лет.")
    until(forum.settled)
    forum.says("Снова шторм.")
    story.tap("📗 Второй том", story.wait("Все обнялись.", since=0))
    story.wait("Снова шторм.")  # a second volume goes on in the topic of the first, which loses its flag
    until(lambda: names(person) == ["Последний луч. Том второй"])
    until(forum.settled)
    forum.check_books()


def test_a_story_that_is_opened_elsewhere_goes_on_in_its_topic(forum: BotHarness) -> None:
    person, story = writer(forum)
    story.press("🏠 Меню")
    story.wait("Вы в меню")
    person.send("/stories")
    person.tap(next(label for label in person.wait("Ваши истории").labels if HERO in label))
    person.wait("Смотритель")
    person.tap("▶️ Продолжить")
    person.wait("живёт в своей теме")
    story.wait("часть 1")
    forum.says("Он сел.")
    story.send("Сядь.")
    story.wait("Он сел.")
    until(forum.settled)
    assert not outside(person, "Он сел.")


def test_the_pieces_of_a_deleted_topic_come_to_the_chat_itself_once(forum: BotHarness) -> None:
    person, story = writer(forum)
    held = forum.holds("Он ушёл.")
    story.send("Уйди.")
    until(lambda: len(forum.prompts()) == 2)
    story.delete_topic()
    held.set()
    person.wait("Он ушёл.")
    until(forum.settled)
    assert sum(said.text == "Он ушёл." for said in person.bot_messages) == 1
    forum.says("Он вернулся.")
    person.send("/continue")
    person.wait("часть 2")
    person.send("Вернись.")
    person.wait("Он вернулся.")
    until(forum.settled)
    forum.check_books()


def test_a_story_that_is_deleted_in_the_menu_of_its_topic_leaves_no_way_to_it(forum: BotHarness) -> None:
    _, story = writer(forum)
    story.press("🏠 Меню")
    story.wait("Вы в меню")
    assert "🔖 К истории" in str(story.keyboard)
    story.send("/stories")
    story.tap(next(label for label in story.wait("Ваши истории").labels if HERO in label))
    story.wait("Свет погас.")
    story.tap("🗑 Удалить")
    story.wait("удалена")
    until(forum.settled)
    assert "🔖 К истории" not in str(story.keyboard) and "📖 Новая история" in str(story.keyboard)


def test_a_way_to_a_story_that_was_deleted_elsewhere_goes_when_it_is_pressed(forum: BotHarness) -> None:
    person, story = writer(forum)
    story.press("🏠 Меню")
    story.wait("Вы в меню")
    person.send("/stories")
    person.tap(next(label for label in person.wait("Ваши истории").labels if HERO in label))
    person.wait("Детектив")
    person.tap("🗑 Удалить")
    person.wait("удалена")
    story.send("🔖 К истории")
    until(forum.settled)
    assert "🔖 К истории" not in str(story.keyboard)


def test_without_topics_or_where_telegram_refuses_one_the_story_is_told_in_the_chat(forum: BotHarness) -> None:
    forum.telegram.api.has_topics = False  # switched off since the bot's start
    person = forum.writer(1, "Свет погас.")
    until(forum.settled)
    assert not names(person) and outside(person, "Своей темы у истории не будет")
    assert person.keyboard[0] == ("▶️ Дальше", "💡 Подскажи")
    assert len(forum.telegram.called("createForumTopic")) == 1
    forum.check_books()


def test_a_killed_bot_goes_on_in_the_topic_and_two_stories_are_told_at_once(forum: BotHarness) -> None:
    person, lighthouse = writer(forum)
    forum.says("Чайник запел.")
    person.send("/new_story")
    person.wait("Какую историю напишем")
    person.send("Сказка")
    for question, words in (("Кто герой", "Чайник"), ("Где всё", "Кухня")):
        person.wait(question)
        person.send(words)
    person.wait("Шаг 4")
    person.send("готово")
    person.wait("Начинаем?")
    person.send("начать историю")
    until(lambda: len(person.chat.topics) == 2)
    kettle = newest_topic(person)
    kettle.wait("Чайник запел.", since=0)
    until(forum.settled)
    held = forum.holds_all("Стало светло.")
    lighthouse.send("Дальше так.")
    kettle.send("Дальше эдак.")
    until(lambda: len(forum.prompts()) == 4)
    forum.restart()
    held.set()
    for story in (lighthouse, kettle):
        story.wait("Стало светло.")
    until(forum.settled)
    assert not outside(person, "Стало светло.")
    forum.check_books()


def test_a_story_begun_in_a_topic_of_the_users_own_stays_there_and_names_it(forum: BotHarness) -> None:
    person = forum.new_person()
    topic = person.new_topic("Разное")
    forum.models.faults.order(Behaviour(text="Снег пошёл."))
    topic.send("/new_story")
    topic.wait("Какую историю напишем")
    topic.press("🎲 Мне повезёт")
    topic.wait("Начинаем?")
    topic.press("✨ Начать историю")
    topic.wait("Снег пошёл.")
    until(forum.settled)
    assert len(names(person)) == 1 and names(person) != ["Разное"]
    assert not forum.telegram.called("createForumTopic") and not outside(person, "Снег пошёл.")


def test_only_a_missing_topic_sends_a_message_to_the_chat_itself() -> None:
    assert is_topic_gone(TelegramRefused("sendMessage", 400, "Bad Request: message thread not found"))
    assert not is_topic_gone(TelegramRefused("sendMessage", 400, "Bad Request: chat not found"))


def test_a_story_that_is_stopped_while_its_topic_is_made_leaves_none(forum: BotHarness) -> None:
    person = forum.at_summary(1)
    forum.telegram.faults.hang("createForumTopic", 30)
    person.press("✨ Начать историю")
    until(lambda: forum.db.count("turn", state="running") == 1)
    person.send("стоп")
    person.wait("ничего не написано")
    forum.telegram.faults.clear()
    until(lambda: forum.telegram.called("deleteForumTopic") and not names(person))
    until(forum.settled)
    forum.telegram.faults.drop("createForumTopic", times=5)
    forum.says("Свет погас.")
    person.press("▶️ Дальше")
    person.wait("Свет погас.")  # without a topic the story is told in the chat
    until(forum.settled)
    assert not names(person)
    forum.check_books()


def waiting_turn(db: Database) -> int:
    """Store a story that is to begin in a topic of its own; return its first turn."""
    db.settings.put(HAS_TOPICS, "1")
    session_id = stored_story(db)
    return db.turns.add(
        inbox_id=None, chat_id=1, user_id=1, session_id=session_id, kind="part", prompt_id=None, hint="", now=1
    )


def story_topics(db: Database, server: BotApiServer, stopping: threading.Event) -> StoryTopics:
    locales, delivery = shipped_locales(), Bench(server).delivery
    return StoryTopics(
        db=db,
        locales=locales,
        api=BotApi(TOKEN, server.url, HttpClient()),
        delivery=delivery,
        chats=ChatQueues(),
        notices=FailureNotices(Config.from_env(ENOUGH), db, locales, delivery),
        stopping=stopping,
    )


def test_a_database_that_fails_while_a_topic_is_refused_leaves_the_turn_to_the_next_start(db: Database) -> None:
    turn_id, stopping = waiting_turn(db), threading.Event()
    stopping.set()
    with BotApiServer() as server:
        refused = refusal(400, "Bad Request: not enough rights")
        server.order("createForumTopic", Order(refused.status, refused.body, before=db.close))
        assert story_topics(db, server, stopping).start(turn_id) is None
        assert len(server.of("createForumTopic")) == 1


def test_a_database_that_fails_for_a_moment_as_a_topic_is_made_leaves_the_story_in_this_one(db: Database) -> None:
    turn_id = waiting_turn(db)
    db._connection.value("pragma busy_timeout = 20")
    with BotApiServer() as server, closing(sqlite3.connect(db.path, check_same_thread=False)) as other:

        def lock() -> None:
            other.execute("begin immediate")
            threading.Timer(0.3, other.rollback).start()

        made = json.dumps({"ok": True, "result": {"message_thread_id": 77, "name": "Маяк"}}).encode()
        server.order("createForumTopic", Order(200, made, before=lock))
        started = story_topics(db, server, threading.Event()).start(turn_id)
        assert len(server.of("createForumTopic")) == 1
    assert started is not None and (started.id, started.topic_id) == (turn_id, 77)
    assert db.stories.in_topic(1, 77) is not None


def test_own_words_at_the_end_of_a_branch_do_not_come_into_its_topic_as_the_bots(db: Database) -> None:
    turn_id = waiting_turn(db)
    turn = db.turns.get(turn_id)
    assert turn is not None
    told = db.tree.add(turn.session_id, None, 1, "assistant", "Свет погас.", now=1, kind="part")
    own = db.tree.add(turn.session_id, told, 1, "user", "Он встал.", now=1, kind="part")
    db.tree.set_head(turn.session_id, own, 1)
    with BotApiServer() as server:
        made = json.dumps({"ok": True, "result": {"message_thread_id": 77, "name": "Маяк"}}).encode()
        server.order("createForumTopic", Order(200, made))
        assert story_topics(db, server, threading.Event()).start(turn_id) is not None
    shown = [str(row.params.get("text")) for row in db.outbox.pending()]
    assert "Свет погас." in shown and "Он встал." not in shown


def test_the_last_lines_of_a_story_that_was_brought_move_into_its_topic(forum: BotHarness) -> None:
    person = at_the_question(forum)
    forum.says(CARD)
    person.document("Три огня.txt", STORY.encode())
    person.wait("мокрые следы")
    until(forum.settled)
    forum.says("За дверью стоял мальчик.")
    person.press("▶️ Дальше")
    until(lambda: bool(person.chat.topics))
    story = newest_topic(person)
    story.wait("За дверью стоял мальчик.", since=0)
    until(forum.settled)
    here = [said.text for said in person.shown if said.topic_id == story.topic_id]
    order = [next(place for place, text in enumerate(here) if words in text) for words in ("живёт", "следы", "мальчик")]
    assert order == sorted(order)
    there = [said for said in person.shown if not said.topic_id]
    assert not [said for said in there if "мокрые следы" in said.text]
    assert "«Три огня» пишется в своей теме" in there[-1].text and person.keyboard[0][0] == "📖 Новая история"
