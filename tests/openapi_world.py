"""Who asks the page's server in the tests of its description, and what belongs to whom.

A caller has a story, a card and a character with a picture. Somebody else has the same, with `SECRET` in each text,
and a published story. Callers change, since the server limits how much one of them asks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from conversation.cards import CardText
from conversation.personas import Persona
from tests.webapp_fixtures import picture
from tests.webapp_site import PERSON, Site, init_data, running

SECRET: Final = "чужоенепокажу"
REQUESTS: Final = 15  # of one caller; the server takes 20 changes at once
_STRANGER: Final = 8


class World:
    """A server with its callers; `ids` are of what a path may name: by parameter and by whose it is."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._asked = 0
        self._caller = 100
        self.picture = picture()
        strangers = self._person(_STRANGER, SECRET)
        self._strangers = {name: ids for name, ids in strangers.items() if name != "published_id"}
        self._published = self._publish(_STRANGER, "Открытая сказка")
        site.db.stories.share(int(strangers["session_id"]), None)
        self.ids: dict[str, dict[str, int | str]] = {}
        self._next()

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of the next request, with the caller's init data."""
        if self._asked == REQUESTS:
            self._next()
        self._asked += 1
        return {"Authorization": self._authorization}

    def sound_body(self, operation: str, body: Any) -> Any:
        """Return a body that the server takes if the ids of its path are the caller's; `body` if it may be any."""
        bodies = {"setCharactersPicture": self.picture, "publish": {"story": str(self.ids["own"]["session_id"])}}
        return bodies.get(operation, body)

    def _next(self) -> None:
        self._asked, self._caller = 0, self._caller + 1
        own = self._person(self._caller, "моё")
        session_id = int(own["session_id"])
        self.site.db.stories.share(session_id, f"token{self._caller:011}")
        self.ids = {
            "own": own | {"published_id": self._published, "token": f"token{self._caller:011}", "name": "app.js"},
            "another's": self._strangers | {"published_id": own["published_id"], "token": "0" * 16, "name": "yaga.svg"},
        }
        self._authorization = f"tma {init_data({**PERSON, 'id': self._caller})}"

    def _person(self, user_id: int, text: str) -> dict[str, int | str]:
        db, now = self.site.db, int(time.time())
        self.site.register(user_id)
        session_id = self.site.story(user_id, text, f"{text} было.")
        db.stories.finish(session_id, now)
        character_id = db.characters.add(user_id, "ru", Persona(text, text, text, text), now)
        db.characters.set_picture(character_id, user_id, self.picture)
        return {
            "session_id": session_id,
            "card_id": db.cards.add(session_id, CardText(text, text, text)),
            "character_id": character_id,
            "published_id": self._publish(user_id, "Моя сказка") if text != SECRET else 0,
        }

    def _publish(self, user_id: int, title: str) -> int:
        db = self.site.db
        story = db.stories.get(self.site.story(user_id, title, "Все читают."))
        assert story is not None and story.head_id is not None
        number: int = db.shelf.publish(
            session_id=story.session_id,
            user_id=user_id,
            head_id=story.head_id,
            title=title,
            genre="Сказка",
            author="",
            now=int(time.time()),
        )
        return number


@contextmanager
def open_world(folder: Path) -> Iterator[World]:
    """Return a world whose server listens."""
    with running(folder, SHELF="on", ADMIN_IDS="900") as site:
        yield World(site)
