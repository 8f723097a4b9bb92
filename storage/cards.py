"""What a reader wants a story to keep in mind: a note of their own, and cards of people, places and things.

A card is kept, or the bot has offered it. A refused offer leaves its name, so that it isn't offered again.
"""

from __future__ import annotations

from dataclasses import dataclass

from conversation.cards import CardText
from storage.connection import Connection, Row

_COLUMNS = "id, session_id, name, about, words, state"


@dataclass(frozen=True, slots=True)
class Card:
    """A card of a story. `kept`: the reader has it; otherwise it is an offer."""

    id: int
    session_id: int
    text: CardText
    kept: bool


@dataclass(frozen=True, slots=True)
class CardOffersState:
    """Whether a user wants offers, after which part of a story the last one came, and how many cards it keeps."""

    wanted: bool
    last: int | None
    kept: int


def _card(row: Row) -> Card:
    text = CardText(row["name"], row["about"], row["words"])
    return Card(row["id"], row["session_id"], text, row["state"] == "kept")


class Cards:
    """The table `card`, the column `story.note`, and whether a user is offered cards."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # ------------------------------------------------------------------ the note

    def note(self, session_id: int) -> str:
        """Return the reader's note of a story; empty if there is none."""
        return str(self._connection.value("select note from story where session_id = ?", (session_id,)) or "")

    def set_note(self, session_id: int, note: str) -> None:
        """Set the note; empty: none."""
        self._connection.run("update story set note = ? where session_id = ?", (note, session_id))

    # ------------------------------------------------------------------ cards

    def of_story(self, session_id: int) -> list[Card]:
        """Return the kept cards of a story, in the order in which they were made."""
        sql = f"select {_COLUMNS} from card where session_id = ? and state = 'kept' order by id"
        return [_card(row) for row in self._connection.rows(sql, (session_id,))]

    def get(self, card_id: int) -> Card | None:
        """Return a kept or offered card; None if it is refused or gone."""
        row = self._connection.row(f"select {_COLUMNS} from card where id = ? and state <> 'refused'", (card_id,))
        return _card(row) if row else None

    def add(self, session_id: int, text: CardText) -> int:
        """Keep a new card; return its id. One of the same name is changed instead."""
        same = self.named(session_id, text.name)
        if same is not None:
            self.keep(same.id, text)
            return same.id
        return self._insert(session_id, text, "kept", None)

    def named(self, session_id: int, name: str, *, but: int = 0) -> Card | None:
        """Return a story's kept card of this name, other than the card `but`; None if there is none."""
        kept = (card for card in self.of_story(session_id) if card.id != but)
        return next((card for card in kept if card.text.name.casefold() == name.casefold()), None)

    def keep(self, card_id: int, text: CardText) -> None:
        """Change a card, and keep it if it was an offer."""
        self._connection.run(
            "update card set name = ?, about = ?, words = ?, state = 'kept' where id = ? and state <> 'refused'",
            (text.name, text.about, text.words, card_id),
        )

    def delete(self, card_id: int) -> bool:
        """Delete a card; return False if it is gone. Of an offered one the name stays: it isn't offered again."""
        refused = "update card set about = '', words = '', state = 'refused'"
        sql = f"{refused} where id = ? and offered_after is not null and state <> 'refused'"
        if self._connection.run(sql, (card_id,)):
            return True
        return self._connection.run("delete from card where id = ? and state = 'kept'", (card_id,)) == 1

    def copy(self, session_id: int, to_id: int, *, refused: bool) -> None:
        """Copy the cards of a story to another one without cards; with `refused` also the names that aren't offered."""
        self._connection.run(
            "insert into card (session_id, name, about, words, state, offered_after)"
            " select ?, name, about, words, state, offered_after from card"
            " where session_id = ? and (state = 'kept' or (state = 'refused' and ?)) order by id",
            (to_id, session_id, int(refused)),
        )

    # ------------------------------------------------------------------ offers

    def offer(self, session_id: int, text: CardText, part: int) -> int:
        """Store a card that is offered after this part of a story; return its id."""
        return self._insert(session_id, text, "offered", part)

    def withdraw_offers(self, session_id: int, part: int) -> None:
        """Delete the offers after this part that nobody has answered: its text is another one now."""
        self._connection.run(
            "delete from card where session_id = ? and offered_after = ? and state = 'offered'", (session_id, part)
        )

    def offers(self, user_id: int, session_id: int) -> CardOffersState:
        """Return what decides whether a user is offered another card for a story."""
        row = self._connection.row(
            "select (select offers_cards from user where id = ?1) as wanted, max(offered_after) as last,"
            " count(*) filter (where state = 'kept') as kept from card where session_id = ?2",
            (user_id, session_id),
        )
        assert row is not None  # an aggregate
        return CardOffersState(bool(row["wanted"]), row["last"], row["kept"])

    def known(self, session_id: int) -> list[CardText]:
        """Return all cards of a story, offered and refused ones too: none of them is offered again."""
        rows = self._connection.rows(f"select {_COLUMNS} from card where session_id = ?", (session_id,))
        return [_card(row).text for row in rows]

    def offers_to(self, user_id: int) -> bool:
        """Return whether the user is offered cards."""
        return bool(self._connection.value("select offers_cards from user where id = ?", (user_id,)))

    def set_offers(self, user_id: int, on: bool) -> None:
        """Set whether the user is offered cards, in all their stories."""
        self._connection.run("update user set offers_cards = ? where id = ?", (int(on), user_id))

    def _insert(self, session_id: int, text: CardText, state: str, part: int | None) -> int:
        return self._connection.insert(
            "insert into card (session_id, name, about, words, state, offered_after) values (?, ?, ?, ?, ?, ?)",
            (session_id, text.name, text.about, text.words, state, part),
        )
