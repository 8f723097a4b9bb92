"""The outside is hostile: any update, well-formed or broken, is handled or refused, and none stops the bot."""

from __future__ import annotations

import random
from typing import Any

import pytest

from handlers.buttons import _ACTIONS, _OF_A_STORY, _OF_THE_OPEN_STORY
from tests.world import World, until

JUNK: list[Any] = [None, 0, -1, "", [], {}, True, 1e9, "х" * 5000, {"id": "a"}, [1], "\u202e<b>", "/start s_x", "\n"]
WORDS = ["слово", "/start", "/help", "/new_story", "/stories", "/whole_story", "/end_story", "/cancel", "стоп", "/logs"]


def broken(value: Any, dice: random.Random) -> Any:
    """The value with something in it taken out or replaced by junk."""
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
def test_no_update_stops_the_bot(world: World, seed: int) -> None:
    dice = random.Random(seed)
    assert world.app is not None
    labels = [label for language in world.app.locales for label in world.app.locales[language].labels.values()]
    verbs = [*_ACTIONS, *_OF_A_STORY, *_OF_THE_OPEN_STORY, "go", "language"]
    person = world.writer()
    for number in range(300):
        kind = dice.choice(["words", "button", "broken message", "broken button", "stopped"])
        query = {
            "id": str(number),
            "from": {"id": 1, "is_bot": False, "first_name": "А"},
            "message": message(1, "х"),
            "chat_instance": "1",
            "data": f"{dice.choice(verbs)}:{dice.choice([1, 2, 7, 'x', '', '9' * 30, 'lucky', 'ru'])}",
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
        world.telegram.raw_update(update)
    until(lambda: not world.value("select count(*) from inbox where state in ('new', 'turn')"), 30)
    until(lambda: not world.value("select count(*) from turn where state in ('waiting', 'running')"), 30)
    until(lambda: not world.value("select count(*) from outbox"), 30)
    assert world.value("select sum(reserved) from user") == 0
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    world.telegram.api.violations.clear()  # invented queries have no true id to answer to
