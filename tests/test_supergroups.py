"""A group that becomes a supergroup keeps what it had."""

from __future__ import annotations

from tests.chatting import asked, system
from tests.harness import BotHarness, until
from tests.test_groups import BOT, GROUP_ID, club


def test_a_group_that_becomes_a_supergroup_keeps_its_talk_and_role(harness: BotHarness) -> None:
    _, (anna,) = club(harness, 1)
    anna.send("/prompt Ты пират.")
    anna.wait("Запомнил")
    harness.says("Гоша.")
    anna.send(f"{BOT} попугая зовут Гоша")
    anna.wait("Гоша.")
    old = {"id": GROUP_ID, "type": "group", "title": "Клуб"}
    sender = {"id": 1, "is_bot": False, "first_name": "Имя1"}
    migrated = {"message_id": 99, "date": 1, "chat": old, "from": sender, "migrate_to_chat_id": -100700}
    harness.telegram.raw_update({"message": migrated})
    until(lambda: harness.db.value("session", "chat_id") == -100700)
    member = harness.telegram.group(-100700, "Клуб", [harness.telegram.user(1)]).member(harness.telegram.user(1))
    harness.says("Гоша же.")
    member.send(f"{BOT} как зовут попугая?")
    member.wait("Гоша же.")
    assert system(harness).startswith("Ты пират.\n") and len(asked(harness)) == 3


def test_a_group_that_becomes_a_supergroup_keeps_its_story(harness: BotHarness) -> None:
    group, (anna,) = club(harness, 1)
    anna.send("/story")
    anna.wait("История для всей группы")
    harness.says("Начало.")
    anna.tap("✨ Начать историю")
    anna.wait("Ответьте на последнюю часть")
    until(harness.settled)
    group.dismiss_bot(anna)  # it is no member of the old group any more, and may be told so first
    until(lambda: harness.db.value("session", "deleted_at", kind="story") is not None)
    old = {"id": GROUP_ID, "type": "group", "title": "Клуб"}
    sender = {"id": 1, "is_bot": False, "first_name": "Имя1"}
    migrated = {"message_id": 99, "date": 1, "chat": old, "from": sender, "migrate_to_chat_id": -100700}
    harness.telegram.raw_update({"message": migrated})
    until(lambda: harness.db.value("session", "chat_id", kind="story") == -100700)
    member = harness.telegram.group(-100700, "Клуб", [harness.telegram.user(1)]).member(harness.telegram.user(1))
    member.send("/continue")
    member.wait("Начало.")
