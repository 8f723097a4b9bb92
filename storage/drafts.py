"""Drafts of stories that are not started yet: a mapping by user id that survives a restart."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

from conversation.steps import Step
from conversation.story_draft import Draft
from storage.connection import Connection


class Drafts(MutableMapping[int, Draft]):
    """Map user ids to drafts, in the table `draft`.

    Nothing is cached: a transaction that rolls back also rolls back its drafts.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __getitem__(self, user_id: int) -> Draft:
        row = self._connection.row(
            "select genre, hero, setting, extra, step, page, lucky from draft where user_id = ?", (user_id,)
        )
        if row is None:
            raise KeyError(user_id)
        return Draft(
            row["genre"], row["hero"], row["setting"], row["extra"], Step(row["step"]), row["page"], bool(row["lucky"])
        )

    def __setitem__(self, user_id: int, draft: Draft) -> None:
        self._connection.run(
            "insert or replace into draft (user_id, genre, hero, setting, extra, step, page, lucky)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            (user_id, draft.genre, draft.hero, draft.setting, draft.extra, draft.step, draft.page, int(draft.lucky)),
        )

    def __delitem__(self, user_id: int) -> None:
        if not self._connection.run("delete from draft where user_id = ?", (user_id,)):
            raise KeyError(user_id)

    def __iter__(self) -> Iterator[int]:
        return iter([row["user_id"] for row in self._connection.rows("select user_id from draft")])

    def __len__(self) -> int:
        return int(self._connection.value("select count(*) from draft"))
