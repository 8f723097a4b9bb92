"""A database of an earlier version, and the tables that came since."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from conversation.cards import CardText
from conversation.personas import Persona
from core.schemas import DeferredAttachment, Outgoing
from core.star_packs import StarPack
from database import AnswerVoice, Database, Role
from storage import schema
from storage.connection import Connection
from storage.migration import migrate
from storage.payment_schema import BALANCES
from telegram.send_growing import GROWING
from tests.test_database import add_story, add_user, db

__all__ = ["db"]


def test_a_file_of_version_1_0_0_is_migrated_with_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    raw = sqlite3.connect(path)
    raw.executescript(schema.STEPS[0])
    raw.execute(f"pragma application_id = {schema.APPLICATION_ID}")
    raw.execute("pragma user_version = 1")
    raw.executescript(
        "insert into user (id, first_name, registered_at, balance) values (1, 'Анна', 1, 100);"
        "insert into session (id, user_id, chat_id, kind, created_at, touched_at) values (1, 1, 1, 'story', 1, 1);"
        "insert into story (session_id, genre, hero, setting) values (1, 'Сказка', 'Кот', 'Лес');"
        "insert into prompt (id, session_id, user_id, role, text, created_at) values (1, 1, 1, 'assistant', 'Жил', 1);"
        "insert into chat_role (chat_id, mode) values (1, 'editor');"
        "insert into inbox (id, update_id, chat_id, body, arrived_at) values (1, 10, 1, '{}', 1);"
        "insert into outbox (id, inbox_id, seq, chat_id, method, params, prompt_id)"
        " values (1, 1, 0, 1, 'sendMessage', '{\"text\": \"Жил\"}', 1);"
        "insert into outbox (id, inbox_id, seq, chat_id, method, params, recipe)"
        " values (2, 1, 1, 1, 'sendPhoto', '{}', '[\"days\", 1, \"ru\"]');"
        "insert into outbox (id, inbox_id, seq, chat_id, method, params)"
        " values (3, 1, 2, 1, 'getStarTransactions', '{\"offset\": 0}');"
        "insert into turn (id, chat_id, user_id, session_id, kind, state, created_at)"
        " values (1, 1, 1, 1, 'part', 'answered', 1);"
        "insert into call (turn_id, user_id, session_id, purpose, state, period, reserved, input, output, asked_at)"
        " values (1, 1, 1, 'part', 'settled', 'ever', 9, 5, 4, 1);"
    )
    raw.commit()
    raw.close()
    db = Database(path)
    assert db.steps_taken == len(schema.STEPS) - 1
    assert path.with_name(f"bot.db.before-{len(schema.STEPS)}").exists()
    waiting, picture = db.outbox.pending()
    assert picture.deferred == DeferredAttachment("days", 1, "ru")
    assert db.outbox.has_attachment(1, "days") and not db.outbox.has_attachment(1, "cover")
    db.outbox.sent(waiting.id, 1, 100, waiting.prompt_id)
    db.outbox.dropped(picture.id, "")
    assert db.outbox.shown(1, 100) == 1 and db.outbox.pending() == []
    story = db.stories.get(1)
    assert story is not None and story.hero == "Кот" and story.topic_id == 0
    assert db.roles.get(1, 0) == db.roles.get(1, 7) == Role("editor")
    db.roles.put(1, 7, Role())
    assert db.roles.get(1, 7) == Role() and db.roles.get(1, 0) == Role("editor")
    assert db.users.get(1).asks_card is None  # type: ignore[union-attr]
    assert read_whole(db, "prompt") == [] and read_whole(db, "session") == ["user"]  # there are few users
    assert db._connection.value("select count(*) from sqlite_master where name = 'call_of_session'") == 1
    db.answer_voices.put(1, None, AnswerVoice(aloud=True))
    assert db.answer_voices.get(1, None).aloud and not db.answer_voices.get(1, 5).aloud
    for topic_id in (7, 0, 0):
        db.topic_states.enter(1, topic_id)
        assert db.users.get(1).topic_id == topic_id  # type: ignore[union-attr]
    [update] = db.inbox.unfinished()
    assert update.topic_id == 0 and db.outbox.pieces_of(1, 1) == []
    db.outbox.show(1, 7, 1, start=0, length=2)
    assert db.outbox.pieces_of(1, 1) == [(7, 0, 2)]
    db.illustrations.put(1, b"jpeg")
    assert db.illustrations.jpeg(1) == b"jpeg"
    assert db.cards.note(1) == "" and db.cards.offers_to(1) and db.cards.of_story(1) == []
    db.cards.set_note(1, "Кот жив.")
    db.cards.keep(db.cards.offer(1, CardText("Мышь", "мала"), 3), CardText("Мышь", "велика"))
    assert db.cards.note(1) == "Кот жив." and [card.text.about for card in db.cards.of_story(1)] == ["велика"]
    persona = Persona("Кот", "герой", "Мяу.", "")
    hero = db.characters.put_hero(1, 1, "ru", persona, 1)
    assert (hero.story_id, hero.persona) == (1, persona) and db.characters.may_talk(1, hero.id) == hero
    assert db.characters.put_hero(1, 1, "ru", persona, 2).id == hero.id and db.characters.offered(1, "ru") == []
    (spending,) = db.reports.totals(1).spendings
    assert (spending.input, spending.output, spending.cached) == (5, 4, 0)
    assert not db.opinions.put(1, 1, liked=True) and db.opinions.by_model() == []  # no call is known to have written it
    grow(db)
    assert db.growing.take_orphans() == [(1, 500)]
    paid: dict[str, Any] = {"charge_id": "c", "user_id": 1, "stars": 1, "payload": "once:50:1", "pack": StarPack(50, 1)}
    assert db.payments.credit(**paid, month=None, now=1) and not db.payments.credit(**paid, month=None, now=1)
    user = db.users.get(1)
    assert user is not None and (user.balance, user.bought) == (150, 50)
    assert db._connection.value("select sum(bought) from call") == 0
    db.close()


def test_payments_of_a_file_from_before_subscriptions_had_a_number_keep_them(tmp_path: Path) -> None:
    path, before = tmp_path / "bot.db", schema.STEPS.index(BALANCES)
    connection = Connection(path)
    assert migrate(connection, path, schema.STEPS[:before]) == before
    connection.run("insert into user (id, first_name, registered_at, balance, bought) values (1, 'Анна', 1, 100, 40)")
    for charge_id, user_id, until, taken in (("a", 1, 10, 0), ("b", 1, 20, 7), ("c", None, 20, 0), ("d", 1, None, 0)):
        connection.run(
            "insert into payment (charge_id, user_id, stars, tokens, payload, until, renews, taken_back, state,"
            " paid_at) values (?1, ?2, 1, 50, 'month', ?3, ?3 is not null, ?4, iif(?4, 'refunding', 'paid'), 1)",
            (charge_id, user_id, until, taken),
        )
    connection.close()
    db = Database(path)
    assert db.steps_taken == len(schema.STEPS) - before
    assert db.payments.cancel_refund("b", 1) and db.payments.end_renewal("b")
    user = db.users.get(1)
    assert user is not None and (user.balance, user.bought) == (107, 47)
    renews = {one: payment.renews for one in "abcd" if (payment := db.payments.get(one)) is not None}
    assert renews == {"a": False, "b": False, "c": True, "d": False}
    db.close()


def read_whole(db: Database, table: str) -> list[str]:
    """Return the tables that are read to their end for a deleted row's references."""
    details = [
        str(row["detail"]) for row in db._connection.rows(f"explain query plan delete from {table} where id = 1")
    ]
    return [detail.removeprefix("SCAN ") for detail in details if detail.startswith("SCAN ")]


def grow(db: Database) -> int:
    """Add a turn whose answer grows in message 500; return the turn's id."""
    turn_id = db.turns.add(
        inbox_id=None, chat_id=1, user_id=1, session_id=None, kind="chat", prompt_id=None, hint="", now=1
    )
    db.growing.set(turn_id, 1, 500)
    return turn_id


def test_the_message_of_a_growing_answer_is_known_until_its_row_has_left_the_outbox(db: Database) -> None:
    add_user(db)
    turn_id = grow(db)
    named = Outgoing(1, "sendMessage", {"text": "Целое"}, deferred=DeferredAttachment(GROWING, turn_id))
    rows = db.outbox.add(None, [named, Outgoing(1, "sendMessage", {"text": "другое"})])
    assert db.growing.take_orphans() == []
    db.outbox.sent(rows[1].id, 1, 501, None)
    assert db.growing.message_of(turn_id) == 500
    db.outbox.sent(rows[0].id, 1, 500, None)
    assert db.growing.message_of(turn_id) is None


def test_a_message_for_a_turn_that_is_gone_is_not_stored(db: Database) -> None:
    db.growing.set(77, 1, 500)
    assert db.growing.message_of(77) is None


def test_a_picture_goes_with_the_last_part_that_has_it(db: Database) -> None:
    add_user(db)
    first, branch = add_story(db), add_story(db)
    prompt = db.tree.add(first, None, 1, "assistant", "Жил кот.", now=1)
    db.tree.set_head(first, prompt, 1)
    db.illustrations.put(prompt, b"old")
    db.illustrations.put(prompt, b"new")
    assert db._connection.value("select count(*) from picture") == 1
    copied = db.tree.copy(prompt, branch, 1)
    assert copied is not None and db.illustrations.jpeg(copied) == b"new"
    assert db.illustrations.of_session(branch) == [copied]
    assert db._connection.value("select count(*) from picture") == 1
    for session, left in ((first, 1), (branch, 0)):
        db.stories.delete(session, 1)
        db.stories.purge(2 * 86_400)
        assert db._connection.value("select count(*) from picture") == left
