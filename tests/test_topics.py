"""Topics of forums and of private chats: what belongs to one stays there, and each is a conversation of its own."""

from __future__ import annotations

import random

import pytest

from sandbox.users import ChatUser
from telegram.updates import topic_of
from tests.chatting import asked
from tests.harness import BotHarness, until
from tests.test_groups import BOT, club
from tests.test_hostile import in_group, message

DICE = random.Random(1)
LONG = "Маяк. " + " ".join("".join(DICE.choices("абвгдежзиклмнопрсту", k=DICE.randint(3, 9))) for _ in range(800))


def in_topics(harness: BotHarness) -> tuple[ChatUser, ChatUser]:
    _, (anna,) = club(harness, 1)
    return anna.new_topic("Маяк"), anna.new_topic("Туман")


def elsewhere(person: ChatUser) -> list[str]:
    """Return the bot's messages that are in no topic."""
    return [said.text for said in person.bot_messages if not said.topic_id]


def test_every_piece_notice_and_action_stays_in_the_topic(harness: BotHarness) -> None:
    anna, _ = in_topics(harness)
    held = harness.holds(LONG)
    anna.send(f"{BOT} расскажи")
    anna.wait("Отвечаю")  # the progress of an answer that takes longer
    assert harness.telegram.called("sendChatAction")[0].params["message_thread_id"] == anna.topic_id
    held.set()
    anna.wait(lambda said: said.text.startswith("Маяк."))
    until(harness.settled)
    pieces = [said for said in anna.bot_messages if "Отвечаю" not in said.text]
    assert len(pieces) == 2 and {said.topic_id for said in anna.bot_messages} == {anna.topic_id}
    assert not elsewhere(anna)


def test_answers_that_grow_in_two_topics_at_once_have_a_message_each(harness: BotHarness) -> None:
    lighthouse, fog = in_topics(harness)
    held = harness.holds_all("Ответ.")
    for person in (lighthouse, fog):
        person.send(f"{BOT} расскажи")
        person.wait("Отвечаю")
    until(lambda: harness.db.count("growing") == 2)
    held.set()
    for person in (lighthouse, fog):
        person.wait(lambda said: said.text == "Ответ.")
        assert [said.text for said in person.bot_messages if said.topic_id == person.topic_id][-1] == "Ответ."
    until(harness.settled)
    assert not any("Отвечаю" in said.text for said in fog.bot_messages)
    assert harness.db.count("growing") == 0
    assert len(harness.telegram.called("sendMessage")) == 2


def test_topics_of_a_group_remember_apart_and_answer_at_once(harness: BotHarness) -> None:
    lighthouse, fog = in_topics(harness)
    held = harness.holds("Красный.", "Серый.", "Густой.")
    lighthouse.send(f"{BOT} какого цвета маяк?")
    until(lambda: len(harness.prompts()) == 1)
    fog.send(f"{BOT} какого цвета туман?")
    answer = fog.wait("Серый.")
    held.set()
    lighthouse.wait("Красный.")
    fog.send("Какой ещё?", reply_to=answer.id)
    fog.wait("Густой.")
    assert [text for _, text in asked(harness)] == ["какого цвета туман?", "Серый.", "Какой ещё?"]
    assert not elsewhere(fog)
    until(harness.settled)
    harness.check_books()


def test_a_stop_and_a_queue_belong_to_a_topic(harness: BotHarness) -> None:
    lighthouse, fog = in_topics(harness)
    held = harness.holds_all("Ответ.")
    lighthouse.send(f"{BOT} какого цвета маяк?")
    fog.send(f"{BOT} какого цвета туман?")
    until(lambda: len(harness.prompts()) == 2)
    lighthouse.send(f"{BOT} стоп")
    until(lambda: harness.db.count("turn", state="stopped") == 1)
    fog.send(f"{BOT} а море?")
    until(lambda: harness.db.count("inbox", topic_id=fog.topic_id, state="new") == 1)
    held.set()
    until(lambda: len([said for said in fog.bot_messages if said.text == "Ответ."]) == 2)
    assert not elsewhere(fog)
    assert [said.topic_id for said in fog.bot_messages if said.text == "Ответ."] == [fog.topic_id] * 2


def test_a_topic_survives_a_restart(harness: BotHarness) -> None:
    anna, _ = in_topics(harness)
    held = harness.holds("Первый.", "Второй.", "Третий.")
    anna.send(f"{BOT} первый вопрос")
    until(lambda: len(harness.prompts()) == 1)
    anna.send(f"{BOT} второй вопрос")
    until(lambda: harness.db.count("inbox", state="new"))
    harness.restart()
    held.set()
    anna.wait("Третий.", since=0)
    assert not elsewhere(anna)


def test_a_private_chat_with_topics_answers_where_it_was_asked(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("💬 Чат")
    person.wait()
    lighthouse, fog = person.new_topic("Маяк"), person.new_topic("Туман")
    until(harness.settled)
    before = len(elsewhere(person))
    held = harness.holds("Красный.", "Серый.")
    lighthouse.send("Какого цвета маяк?")
    until(lambda: harness.telegram.called("sendChatAction"))
    assert harness.telegram.called("sendChatAction")[-1].params["message_thread_id"] == lighthouse.topic_id
    fog.send("Какого цвета туман?")
    fog.wait("Серый.")
    held.set()
    lighthouse.wait("Красный.")
    assert [text for _, text in asked(harness)] == ["Какого цвета туман?"]
    until(harness.settled)
    fog.send("/sessions")
    fog.wait(lambda said: bool(said.labels))
    assert len(elsewhere(person)) == before
    drafts = harness.telegram.called("sendMessageDraft")
    assert all("message_thread_id" in draft.params for draft in drafts)


def test_a_draft_stays_in_its_topic_and_its_stop_button_works(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("💬 Чат")
    person.wait()
    topic = person.new_topic("Маяк")
    harness.says("Свет погас. " * 200, chunks=100, chunk_s=0.05)
    topic.send("Что случилось?")
    assert topic.wait_draft("Свет").topic_id == topic.topic_id
    topic.stop_draft()
    topic.wait(lambda said: said.text.startswith("Свет погас."))
    until(harness.is_idle)


@pytest.mark.parametrize(
    ("more", "topic"),
    [
        ({"message_thread_id": 70, "is_topic_message": True}, 70),
        ({"message_thread_id": 70}, 0),
        ({"message_thread_id": 70, "is_topic_message": False}, 0),
        ({"message_thread_id": 1, "is_topic_message": True}, 0),
        ({"message_thread_id": "70", "is_topic_message": True}, 0),
        ({"is_topic_message": True}, 0),
    ],
)
def test_a_thread_of_replies_and_the_main_topic_are_no_topics(more: dict[str, object], topic: int) -> None:
    said = in_group("слово") | more
    assert topic_of({"message": said}) == topic_of({"edited_message": said}) == topic
    assert topic_of({"callback_query": {"id": "1", "message": said}}) == topic
    if more.get("is_topic_message") is True:
        chat = in_group("")["chat"]
        assert topic_of({"stopped_message_generation": {"chat": chat, "draft_id": 1, **more}}) == topic


def test_a_message_in_a_topic_that_the_bot_began_isnt_a_reply_to_it(harness: BotHarness) -> None:
    _, (anna,) = club(harness, 1)
    began = message(1, "") | {"forum_topic_created": {"name": "Маяк", "icon_color": 1}}
    began["from"] = {"id": 5, "is_bot": True, "first_name": "С", "username": "soavtor_demo_bot"}
    harness.telegram.raw_update({"message": in_group("привет всем") | {"reply_to_message": began}})
    anna.send("/help@soavtor_demo_bot")
    anna.wait()
    assert len(anna.bot_messages) == 1 and not harness.prompts()
