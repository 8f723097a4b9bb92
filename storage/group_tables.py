"""The migration of stories that a group writes together."""

from __future__ import annotations

GROUP_STORIES = """
create table group_draft (               -- the card of a story that a group may begin; one a topic
    id integer primary key autoincrement, -- never reused: buttons refer to it
    chat_id integer not null,
    topic_id integer not null,
    user_id integer not null references user (id) on delete cascade,  -- who asked for it
    genre text not null,
    hero text not null,
    setting text not null,
    extra text not null,
    lucky integer not null,
    unique (chat_id, topic_id)
) strict;

create table story_vote (                -- of a member of a group, for what is to happen to its story next
    session_id integer not null references session (id) on delete cascade,
    user_id integer not null references user (id) on delete cascade,
    what text not null check (what in ('next', 'finale')),
    head_id integer not null,            -- the story's last text then; another one makes the vote void
    voted_at integer not null,
    primary key (session_id, user_id, what)
) strict, without rowid;

create table coauthor (                  -- who wishes to be named in the book of a group's story
    session_id integer not null references session (id) on delete cascade,
    user_id integer not null references user (id) on delete cascade,
    primary key (session_id, user_id)
) strict, without rowid;
"""
