"""Hashes of texts that an admin has removed from the public shelf, so that a copy is known after the original is gone.

A hash is the SHA-256 of a text's words in small letters. No text, user or title is kept beside it. A removed branch
begins with texts of another user's story: that user may go on to publish them, and nobody else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from storage.connection import Connection

REMOVED_TEXTS = """
create table removed_text (              -- texts of stories that an admin removed from the public shelf
    published_id integer not null,       -- tells the stories apart; the row of `published` may be gone
    hash blob not null,                  -- SHA-256 of the text's words
    ends integer not null,               -- it is the last one: whoever has it has the story
    first_id integer,                    -- the prompt of another user that had the text first, may be gone; null: none
    primary key (published_id, hash)
) strict, without rowid;
-- Finds who had a text first without an index of whole texts.
create index prompt_of_length on prompt (length(text)) where role = 'assistant';
"""

_WORD: Final = re.compile(r"\w+")
_TELLING_WORDS: Final = 30  # a shorter text may be anybody's


def remember(connection: Connection, published_id: int, texts: Mapping[str, int | None], last: str) -> None:
    """Store the hashes of a removed story's texts, but for short ones, each with its `first_id`."""
    for text, first_id in texts.items():
        if len(_WORD.findall(text)) >= _TELLING_WORDS:
            connection.run(
                "insert or replace into removed_text (published_id, hash, ends, first_id) values (?, ?, ?, ?)",
                (published_id, _hash(text), int(text == last), first_id),
            )


def are_known(connection: Connection, texts: Iterable[str], user_id: int) -> bool:
    """Return whether these texts have the last one, or at least half of those, of a story that was removed.

    The texts that the user had before its author don't count.
    """
    own = json.dumps([_hash(text).hex() for text in texts])
    sql = (
        "with own (hash) as materialized (select distinct value from json_each(?1))"
        " select 1 from removed_text left join own on own.hash = lower(hex(removed_text.hash))"
        " where not exists (select 1 from prompt join session on session.id = prompt.session_id"
        " where prompt.id = first_id and session.user_id = ?2) group by published_id"
        " having max(own.hash is not null and ends) or 2 * count(own.hash) >= count(*) limit 1"
    )
    return connection.value(sql, (own, user_id)) is not None


def _hash(text: str) -> bytes:
    return hashlib.sha256(" ".join(_WORD.findall(text.casefold())).encode()).digest()
