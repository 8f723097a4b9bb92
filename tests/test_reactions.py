"""Reactions on the model's texts: liked or not, counted by model."""

from __future__ import annotations

import json

import pytest

from handlers.reactions import opinion_of
from sandbox.reactions import react
from tests.harness import ADMIN_ID, BotHarness, until


@pytest.mark.parametrize(
    ("emoji", "liked"),
    [(["👍"], True), (["❤", "🔥"], True), (["👎"], False), ([], None), (["🤔"], None), (["👍", "👎"], None)],
)
def test_emoji_say_whether_a_text_was_liked(emoji: list[str], liked: bool | None) -> None:
    assert opinion_of(emoji) is liked


def test_reactions_are_counted_by_model_and_go_with_their_user(harness: BotHarness) -> None:
    person = harness.writer(words="Начало.")
    until(harness.settled)
    part = next(message for message in person.bot_messages if message.text == "Начало.")
    hello = person.bot_messages[0]
    for message, emoji in ((part, "👎"), (part, "👍"), (hello, "👍")):  # the last one is no text of a model
        react(person, message.id, emoji)
    until(lambda: harness.db.values("opinion", "liked") == [1] and harness.settled())
    person.send("/stats")
    assert "понравилось 1, нет 0" in person.wait("Запросов к модели").text
    admin = harness.telegram.user(ADMIN_ID, "Админ")
    admin.send("/stats")
    assert "yandexgpt-lite: понравилось 1, нет 0" in admin.wait("Весь бот").text
    react(person, part.id, "👎")
    until(lambda: harness.db.values("opinion", "liked") == [0])
    assert harness.app is not None
    harness.db.change("user", {"id": 1}, banned=1)  # the opinions of somebody banned don't count
    assert harness.app.db.opinions.by_model() == [] != harness.app.db.opinions.by_model(1)
    harness.db.change("user", {"id": 1}, banned=0)
    data = harness.app.db.personal_data(1)
    assert data is not None and '"liked": 0' in json.dumps(data["opinions"])
    react(person, part.id, "🤔")
    until(lambda: not harness.db.count("opinion"))
    react(person, part.id, "❤")
    until(lambda: harness.db.count("opinion"))
    person.send("/forget_me")
    person.wait("Удалить всё")
    person.tap("🗑 Удалить всё")
    until(lambda: not harness.db.count("opinion"))
    react(person, hello.id, "👍")  # of somebody whom the bot doesn't know
    until(harness.settled)
    assert not harness.db.count("opinion")


def test_an_odd_reaction_stops_nothing(harness: BotHarness) -> None:
    person = harness.new_person()
    chat = {"id": 1, "type": "private"}
    user = {"id": 1, "is_bot": False, "first_name": "А"}
    whole = {"chat": chat, "message_id": 1, "date": 1, "user": user, "old_reaction": [], "new_reaction": []}
    for change in (
        {"new_reaction": "x"},
        {"message_id": "x"},
        {"user": None, "actor_chat": chat, "new_reaction": [{"type": "paid"}]},
        {"new_reaction": [{"type": "emoji"}, 1, {"type": "new"}, {"type": "emoji", "emoji": "👍"}]},
    ):
        harness.telegram.raw_update({"message_reaction": whole | change})
    harness.telegram.raw_update({"message_reaction": {"chat": chat, "message_id": 1}})
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    assert harness.db.count("inbox", state="aside") == 1  # the one whose message has no number
