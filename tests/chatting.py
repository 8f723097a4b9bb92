"""What tests of the chat do as its user, and what the model is asked then."""

from __future__ import annotations

from sandbox.users import ChatUser
from tests.harness import BotHarness, until


def chatting(harness: BotHarness, user_id: int = 1) -> ChatUser:
    """Somebody who has opened the chat."""
    person = harness.new_person(user_id)
    person.press("💬 Чат")
    person.wait("💬 Чат. Истории ждут")
    return person


def ask(harness: BotHarness, person: ChatUser, words: str, answer: str, **behaviour: object) -> int:
    """Asks and is answered; the id of the question."""
    harness.says(answer, **behaviour)
    message_id = person.send(words)
    person.wait(answer)
    until(harness.settled)  # the bot knows the answer's message only when Telegram has told it
    return message_id


def asked(harness: BotHarness, place: int = -1) -> list[tuple[str, str]]:
    """Roles and texts of a prompt that reached the model, without the system's."""
    return [(message["role"], message["text"]) for message in harness.prompts()[place] if message["role"] != "system"]


def system(harness: BotHarness) -> str:
    return str(harness.prompts()[-1][0]["text"])
