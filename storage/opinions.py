"""What users think of the model's texts: a reaction on a text's message, as liked or not."""

from __future__ import annotations

from dataclasses import dataclass

from storage.connection import Connection


@dataclass(frozen=True, slots=True)
class Opinions:
    """How often texts of one model were liked and disliked. An empty `model` is the default one."""

    model: str
    liked: int
    disliked: int


class OpinionStore:
    """The table `opinion`: at most one opinion of a user on a text. It goes with its text and with its user."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, prompt_id: int, user_id: int, *, liked: bool) -> bool:
        """Store an opinion on a text that a model wrote, in place of an older one. Return False for any other text."""
        changed = self._connection.run(
            "insert or replace into opinion (prompt_id, user_id, model, liked) select prompt.id, ?, call.model, ?"
            " from prompt join turn on turn.id = prompt.turn_id"
            " join call on call.turn_id = turn.id and call.purpose = turn.kind and call.state = 'settled'"
            " where prompt.id = ? order by call.id desc limit 1",
            (user_id, int(liked), prompt_id),
        )
        return changed > 0

    def take_back(self, prompt_id: int, user_id: int) -> None:
        """Delete a user's opinion on a text; without one nothing happens."""
        self._connection.run("delete from opinion where prompt_id = ? and user_id = ?", (prompt_id, user_id))

    def by_model(self, user_id: int | None = None) -> list[Opinions]:
        """Return a user's opinions, or those of everybody who isn't banned, by model, the most judged one first."""
        rows = self._connection.rows(
            "select opinion.model, sum(liked) as liked, sum(1 - liked) as disliked from opinion"
            " join user on user.id = user_id where user_id = ?1 or (?1 is null and not user.banned)"
            " group by opinion.model order by count(*) desc, opinion.model",
            (user_id,),
        )
        return [Opinions(**dict(row)) for row in rows]
