"""The outside is hostile: any update, well-formed or broken, is handled or refused, and none stops the bot."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from conversation.steps import COMMANDS
from handlers import buttons
from telegram.updates import Unreadable, read
from tests.harness import BotHarness, until

JUNK: list[Any] = [None, 0, -1, "", [], {}, True, 1e9, "х" * 5000, {"id": "a"}, [1], "\u202e<b>", "/start s_x", "\n"]
VERBS = sorted(buttons.VERBS)
ARGUMENTS = [1, 2, 7, "x", "", "9" * 30, "lucky", "ru", "all", "keep", "½", "-1", "1:1", "٣", "tokens:1:1:1", "a" * 60]
WORDS = ["слово", "/start", "/help", "/new_story", "/stories", "/whole_story", "/end_story", "/cancel", "стоп", "/logs"]


def broken(value: Any, dice: random.Random) -> Any:
    """Return the value with something in it taken out or replaced by junk."""
    if isinstance(value, dict) and value and dice.random() < 0.8:
        key = dice.choice(list(value))
        kept = {name: inner for name, inner in value.items() if name != key}
        return kept if dice.random() < 0.3 else kept | {key: broken(value[key], dice)}
    return dice.choice(JUNK)


def message(user_id: int, text: str) -> dict[str, Any]:
    chat = {"id": user_id, "type": "private", "first_name": "А"}
    sender = {"id": user_id, "is_bot": False, "first_name": "А", "language_code": "ru"}
    return {"message_id": 5, "date": 1, "chat": chat, "from": sender, "text": text}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_update_stops_the_bot(harness: BotHarness, seed: int) -> None:
    dice = random.Random(seed)
    assert harness.app is not None
    labels = [label for language in harness.app.locales for label in harness.app.locales[language].labels.values()]
    person = harness.writer()
    for number in range(300):
        kind = dice.choice(["words", "button", "broken message", "broken button", "stopped"])
        query = {
            "id": str(number),
            "from": {"id": 1, "is_bot": False, "first_name": "А"},
            "message": message(1, "х"),
            "chat_instance": "1",
            "data": f"{dice.choice(VERBS)}:{dice.choice([1, 2, 7, 'x', '', '9' * 30, 'lucky', 'ru'])}",
        }
        if kind == "words":
            person.send(dice.choice(labels + WORDS))
            continue
        update: dict[str, Any] = {
            "button": {"callback_query": query},
            "broken message": {"message": message(1, dice.choice(labels + WORDS))},
            "broken button": {"callback_query": query},
            "stopped": {"stopped_message_generation": {"chat": message(1, "")["chat"], "draft_id": dice.randint(1, 9)}},
        }[kind]
        if kind.startswith("broken"):
            [(name, content)] = update.items()
            update = {name: broken(content, dice)}
        harness.telegram.raw_update(update)
    until(harness.settled, 30)
    assert harness.nothing_held()
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    harness.telegram.api.violations.clear()  # invented queries have no true id to answer to


@pytest.mark.parametrize("odd", [True, False, None, "1", 1.5, [], {}])
@pytest.mark.parametrize("where", ["chat", "from"])
def test_an_update_whose_chat_or_sender_has_no_number_is_answered_to_nobody(
    harness: BotHarness, where: str, odd: Any
) -> None:
    person = harness.new_person()
    said = message(1, "/help")
    harness.telegram.raw_update({"message": said | {where: said[where] | {"id": odd}}})
    until(lambda: harness.db.count("inbox", state="aside"))
    person.send("/menu")
    person.wait()
    assert harness.telegram.violations == []
    assert harness.db.count("user") == 1


def in_group(text: str) -> dict[str, Any]:
    chat = {"id": -100500, "type": "supergroup", "title": "Клуб"}
    return message(1, text) | {"chat": chat}


def any_update(dice: random.Random, number: int) -> dict[str, Any]:
    """Return an update of whatever kind, known to the bot or not; half of them broken somewhere."""
    words = dice.choice([*WORDS, *sorted(COMMANDS), *JUNK_TEXTS])
    file = {"file_id": "f", "file_unique_id": "u", "file_size": dice.choice([1, 10**12]), "duration": 1}
    said = message(1, words)
    silent = {name: value for name, value in said.items() if name != "text"}
    query = {"id": str(number), "from": said["from"], "chat_instance": "1"}
    data = f"{dice.choice(VERBS)}:{dice.choice(ARGUMENTS)}"
    kinds: list[dict[str, Any]] = [
        {"message": said},
        {"message": in_group(words)},
        {"message": in_group(f"@soavtor_demo_bot {words}")},
        {"message": said | {"reply_to_message": message(1, words)}},
        {"message": said | {"reply_to_message": said | {"reply_to_message": said}, "quote": {"text": words}}},
        {"message": silent | {"voice": file}},
        {"message": silent | {"document": file | {"file_name": "../../x"}, "caption": words}},
        {"message": silent | {"photo": [file | {"width": 1, "height": 1}]}},
        {"message": silent | {"web_app_data": {"data": data, "button_text": ""}}},
        {"message": silent | {"web_app_data": {"data": words, "button_text": ""}}},
        {"message": in_group("") | {"migrate_to_chat_id": -100600}},
        {"message": in_group("") | {"sender_chat": in_group("")["chat"]}},
        {"edited_message": said},
        {"edited_message": in_group(words)},
        {"callback_query": query | {"message": said, "data": data}},
        {"callback_query": query | {"message": in_group(words), "data": data}},
        {"callback_query": query | {"inline_message_id": "1", "data": data}},
        {"callback_query": query | {"message": {"chat": said["chat"], "message_id": 1, "date": 0}, "data": data}},
        {"stopped_message_generation": {"chat": said["chat"], "draft_id": dice.randint(-1, 9)}},
        {"my_chat_member": query | {"chat": said["chat"], "date": 1, "old_chat_member": {},
                                    "new_chat_member": {"user": said["from"], "status": dice.choice(["kicked", ""])}}},
        {"inline_query": {"id": "1", "from": said["from"], "query": words, "offset": ""}},
        {"channel_post": in_group(words)},
        {"message_reaction": {"chat": said["chat"], "message_id": 1, "date": 1}},
        {"a_kind_of_tomorrow": {"from": said["from"], "text": words}},
        {},
    ]  # fmt: skip
    update = dice.choice(kinds)
    if update and dice.random() < 0.5:
        [(name, content)] = update.items()
        update = {name: broken(content, dice)}
    return update


JUNK_TEXTS = [
    "\x00",
    "🏳️‍🌈" * 500,
    "/" * 4096,
    "@" * 100,
    "/start s_",
    "/forget_me",
    "/my_data",
    "٣",
    "{genre}",
]


@pytest.mark.parametrize("seed", range(4))
def test_no_update_of_any_kind_stops_the_bot(harness: BotHarness, seed: int) -> None:
    dice = random.Random(seed)
    harness.writer()
    harness.writer(2)
    before = harness.db.count("inbox")
    for number in range(400):
        harness.telegram.raw_update(any_update(dice, number))
    until(harness.settled, 30)
    assert harness.db.count("inbox") >= before + 400
    assert harness.nothing_held()
    assert harness.db.is_sound()
    other = harness.telegram.user(2, "Анна")
    other.send("/whole_story")
    other.wait("Начало.")
    harness.telegram.api.violations.clear()  # invented updates have no true ids to answer to


SENDER = {"id": 1, "is_bot": False, "first_name": "A"}


@pytest.mark.parametrize(
    "content",
    [
        {
            "callback_query": {
                "id": {"id": "a"},
                "from": {"id": 1, "is_bot": False, "first_name": "A"},
                "data": "stop:1",
            }
        },
        {"callback_query": {"id": 7, "from": SENDER, "data": "stop:1"}},
        {"message": {**message(1, "привет"), "message_id": "12"}},
        {"message": {**message(1, "привет"), "message_id": True}},
        {"message": {**message(1, "привет"), "chat": {"id": "1", "type": "private"}}},
    ],
)
def test_an_id_of_another_type_is_never_named_in_an_answer(content: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read(json.dumps({"update_id": 1, **content}))
