"""Stories and characters that are sent into other chats, for the tests of the inline mode and of the page."""

from __future__ import annotations

from typing import Any

from conversation.personas import Persona
from tests.harness import BotHarness

LONG_AGO = 1_700_000_000


def put_story(harness: BotHarness, title: str, *texts: str, user_id: int = 1, **changes: Any) -> int:
    """Store a finished story of these texts, the user's own words and the model's by turns; return its number."""
    assert harness.app is not None
    db = harness.app.db
    values = {"genre": "Детектив", "hero": "Смотритель", "setting": "Остров", "extra": ""} | changes
    finished, now = values.pop("finished", True), values.pop("now", LONG_AGO)
    with db.transaction():
        session = db.stories.create(user_id, user_id, **values, title=title, now=now)
        head = None
        for place, text in enumerate(texts):
            head = db.tree.add(session, head, user_id, "user" if place % 2 else "assistant", text, now=now)
        db.tree.set_head(session, head, now)
        if finished:
            db.stories.finish(session, now)
    return session


def put_character(harness: BotHarness, name: str, user_id: int = 1) -> int:
    """Store a character of the user's own; return its number."""
    assert harness.app is not None
    persona = Persona(name=name, line="Чинит звёзды.", greeting="Здравствуйте! Я чиню звёзды.", personality="Тих.")
    return harness.app.db.characters.add(user_id, "ru", persona, LONG_AGO)
