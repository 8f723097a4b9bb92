"""The migrations of characters outside their talks: as guests in other chats, and when they write first."""

from __future__ import annotations

GUESTS = """
create table guest_answer (              -- the message that answers a guest query, once Telegram has it
    inbox_id integer primary key references inbox (id) on delete cascade,
    inline_message_id text not null
) strict;
"""

FIRST_LETTERS = """
create table first_letter (              -- who has asked a character to write first, and how that goes
    user_id integer primary key references user (id) on delete cascade,
    character_id integer not null references character (id) on delete cascade,
    zone_minutes integer,                -- the user's time, east of UTC; null: not chosen yet, nothing is written
    last_at integer not null default 0,  -- time of the last letter; 0: none
    last_prompt_id integer not null default 0,  -- the newest text of anybody then
    unanswered integer not null default 0
) strict;
create index first_letter_of_character on first_letter (character_id);
"""
