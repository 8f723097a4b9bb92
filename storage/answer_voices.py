"""Where answers are read aloud: by the assistant in a chat, or by a character there."""

from __future__ import annotations

from dataclasses import dataclass

from storage.connection import Connection

ANSWER_VOICES = """
create table answer_voice (              -- how the answers of a talk are read aloud; no row: as the default is
    chat_id integer not null,            -- a private chat or a group
    character_id integer references character (id) on delete cascade,  -- null: the assistant's answers
    aloud integer not null default 0 check (aloud in (0, 1)),  -- every answer
    voice text not null default ''       -- as the service calls it; empty: a fitting one
) strict;
create unique index answer_voice_of_talk on answer_voice (chat_id, ifnull(character_id, 0));
create index answer_voice_of_character on answer_voice (character_id);

-- Whether whoever asks by voice is answered by voice.
alter table user add column voice_to_voice integer not null default 0;
"""


@dataclass(frozen=True, slots=True)
class AnswerVoice:
    """Whether every answer is read aloud, and in which voice; empty: a fitting one."""

    aloud: bool = False
    voice: str = ""


class AnswerVoices:
    """The table `answer_voice`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, chat_id: int, character_id: int | None) -> AnswerVoice:
        """Return how answers are read aloud in a chat: a character's, or the assistant's for None."""
        row = self._connection.row(
            "select aloud, voice from answer_voice where chat_id = ? and ifnull(character_id, 0) = ?",
            (chat_id, character_id or 0),
        )
        return AnswerVoice(bool(row["aloud"]), row["voice"]) if row else AnswerVoice()

    def put(self, chat_id: int, character_id: int | None, chosen: AnswerVoice) -> None:
        """Store how answers are read aloud in a chat."""
        self._connection.run(
            "insert or replace into answer_voice (chat_id, character_id, aloud, voice) values (?, ?, ?, ?)",
            (chat_id, character_id, int(chosen.aloud), chosen.voice),
        )
