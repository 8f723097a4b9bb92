"""The greeting of a group that adds the bot."""

from __future__ import annotations

import pytest

from sandbox.groups import Group
from tests.harness import BotHarness, until
from tests.test_groups import BOT, club


def hellos(group: Group) -> list[str]:
    return [message.text for message in group.messages if message.from_bot and "когда меня зовут" in message.text]


def test_a_group_that_adds_the_bot_is_greeted_once_and_told_how_to_call_it(harness: BotHarness) -> None:
    group, (anna, boris) = club(harness, 1, 2)
    group.welcome_bot(anna)
    hello = anna.wait("Здравствуйте!")
    assert f"{BOT} почему небо синее?" in hello.text and "start=new" in hello.text
    assert not hello.markup and hello.reply_to is None
    group.welcome_bot(boris)  # removed and added again
    until(harness.settled)
    assert len(hellos(group)) == 1
    assert harness.db.count("user") == 0  # an inviter isn't registered
    harness.says("Сорок два.")
    boris.send(f"{BOT} сколько будет 6×7?")
    boris.wait("Сорок два.")


def test_the_greeting_speaks_the_language_of_who_adds_the_bot(harness: BotHarness) -> None:
    group, (emma,) = club(harness, 1)
    emma.speaks("en")
    group.welcome_bot(emma)
    emma.wait("why is the sky blue?")


@pytest.mark.parametrize(
    ("old", "new", "chat_type"),
    [
        ("member", "administrator", "group"),
        ("administrator", "member", "group"),
        ("member", "left", "group"),
        ("left", "administrator", "channel"),
        ("left", "restricted", "supergroup"),
    ],
)
def test_other_changes_of_its_membership_are_left_without_a_word(
    harness: BotHarness, old: str, new: str, chat_type: str
) -> None:
    group, (anna,) = club(harness, 1)
    bot = {"id": 42, "is_bot": True, "first_name": "Соавтор"}
    member = {"user": bot, "until_date": 0, "is_member": True}
    harness.telegram.raw_update(
        {
            "my_chat_member": {
                "chat": {"id": group.id, "type": chat_type, "title": "Клуб"},
                "from": {"id": 1, "is_bot": False, "first_name": "Анна", "language_code": "ru"},
                "date": 1,
                "old_chat_member": member | {"status": old},
                "new_chat_member": member | {"status": new},
            }
        }
    )
    anna.send("/chat")
    anna.wait("Позовите меня и спросите")
    assert not hellos(group)
