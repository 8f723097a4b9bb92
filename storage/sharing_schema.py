"""Migrations of what users show to others: cards that are sent into other chats, and the public shelf."""

from __future__ import annotations

SHARE_CARDS = """
-- The token of the link in a card that its user's inline query has listed. The link counts as shared, and becomes
-- `share_token`, once the card is chosen or the link is followed.
alter table story add column offered_token text;
create unique index story_of_offer on story (offered_token) where offered_token is not null;
-- Whoever has it may take a copy of the character.
alter table character add column share_token text;
create unique index character_of_token on character (share_token) where share_token is not null;
"""

PUBLIC_SHELF = """
create table published (                 -- a story on the public shelf, as it was when it was published
    id integer primary key autoincrement, -- never reused: buttons refer to it
    session_id integer not null unique references session (id) on delete cascade,
    user_id integer not null references user (id) on delete cascade,
    head_id integer not null references prompt (id) on delete cascade,  -- its last text; undoing changes nothing here
    title text not null,
    genre text not null,
    author text not null default '',     -- the name that readers see; empty: none
    -- reported: hidden until an admin decides; then it is allowed, or removed for good
    state text not null default 'shown' check (state in ('shown', 'reported', 'allowed', 'removed')),
    withdrawn integer not null default 0, -- by its author
    published_at integer not null
) strict;
create index published_of_user on published (user_id, published_at);

create table heart (
    published_id integer not null references published (id) on delete cascade,
    user_id integer not null references user (id) on delete cascade,
    given_at integer not null,
    primary key (published_id, user_id)
) strict, without rowid;
create index heart_of_user on heart (user_id);

create table report (                    -- a reader finds that a story should not be on the shelf
    published_id integer not null references published (id) on delete cascade,
    user_id integer not null references user (id) on delete cascade,
    reported_at integer not null,
    primary key (published_id, user_id)
) strict, without rowid;
create index report_of_user on report (user_id, reported_at);
"""
