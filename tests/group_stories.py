"""What tests of a group's story do as its members."""

from __future__ import annotations

from sandbox.groups import Group
from sandbox.telegram_state import ChatMessage
from sandbox.users import ChatUser
from tests.harness import BotHarness, until
from tests.test_groups import club

BEGIN = "✨ Начать историю"
NEXT = "▶️ Дальше"


def begun(harness: BotHarness, *user_ids: int, privacy: bool = True) -> tuple[Group, list[ChatUser], ChatMessage]:
    """Return a group whose first member has begun a story; its people, and the message of the first part."""
    group, people = club(harness, *user_ids, privacy=privacy)
    people[0].send("/story")
    people[0].wait("История для всей группы")
    harness.says("Начало.")
    people[0].tap(BEGIN)
    people[0].wait("Ответьте на последнюю часть")
    until(harness.settled)
    return group, people, part(people[0], "Начало.")


def part(person: ChatUser, text: str) -> ChatMessage:
    return next(message for message in reversed(person.bot_messages) if message.text == text)


def moves(harness: BotHarness, person: ChatUser, words: str, answer: str, to: ChatMessage) -> ChatMessage:
    """Have a member reply to the last part; return the next one."""
    harness.says(answer)
    person.send(words, reply_to=to.id)
    person.wait(lambda message: message.text == answer)
    until(harness.settled)
    return part(person, answer)


def path(harness: BotHarness) -> list[str]:
    """Return the texts of the newest prompt, from the story's first part on."""
    texts = [message["text"].partition("\n\n(")[0] for message in harness.prompts()[-1]]
    return texts[texts.index("Начало.") :]
