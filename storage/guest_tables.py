"""The migration of chats in which the bot is a guest."""

from __future__ import annotations

GUESTS = """
create table guest_answer (              -- the message that answers a guest query, once Telegram has it
    inbox_id integer primary key references inbox (id) on delete cascade,
    inline_message_id text not null
) strict;
"""
