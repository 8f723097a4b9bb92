"""The tables, and the one path that every file walks to them.

A new file and an old one take the same steps. A step and the number that says it was taken
(`user_version`) are one transaction; a file of another program or of a newer version is refused; an
existing file is copied beside itself before its first step.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from core.errors import ForeignDatabase, StorageError
from storage.connection import Connection

APPLICATION_ID = 0x50415254  # «PART»

_FIRST = """
create table user (
    id integer primary key,              -- Telegram's
    username text,
    first_name text not null,
    last_name text,
    language text not null default 'ru',
    model text not null default '',      -- of chats and characters and stories; empty: the default one
    at_full text not null default 'summarise' check (at_full in ('summarise', 'anew')),  -- a chat that fills the prompt
    registered_at integer not null,
    step text not null default 'menu',
    came_from text not null default 'menu', -- the step to go back to from a question that needs one answer
    asks_about integer,                  -- the session that this question is about
    character_id integer references character (id) on delete set null,  -- chosen last
    session_id integer references session (id) on delete set null,  -- what is open, or was last
    balance integer not null,            -- tokens left
    reserved integer not null default 0, -- of them held by calls under way
    spent integer not null default 0,
    requests integer not null default 0,
    sessions integer not null default 0, -- begun, deleted ones too
    more_sessions integer not null default 0,  -- that an admin allowed beyond the limit
    last_request_at integer,
    refilled_on integer not null default 0, -- the day, since 1970, that tokens last came back on
    debug integer not null default 0,
    blocked integer not null default 0,  -- the user has blocked the bot
    banned integer not null default 0,   -- an admin has closed the bot to the user
    asked_more_at integer                -- has asked the admins for more, and wasn't answered yet
) strict;

create table session (
    id integer primary key autoincrement, -- never given twice: old buttons and messages name it
    user_id integer not null references user (id) on delete cascade,
    chat_id integer not null,
    kind text not null check (kind in ('story', 'chat', 'character')),
    character_id integer references character (id) on delete set null,
    head_id integer references prompt (id) on delete set null,
    spent integer not null default 0,
    reserved integer not null default 0,
    created_at integer not null,
    started_at integer,                  -- its first model call
    finished_at integer,
    touched_at integer not null,
    deleted_at integer,                  -- to be undone for a day
    warned integer not null default 0
) strict;
create index session_of_user on session (user_id, touched_at);
create index session_of_chat on session (chat_id, kind, touched_at);
create index session_deleted on session (deleted_at) where deleted_at is not null;

create table story (
    session_id integer primary key references session (id) on delete cascade,
    genre text not null,
    hero text not null,
    setting text not null,
    extra text not null default '',
    tone text not null default '',
    length text not null default 'middle',
    language text not null default 'ru',
    title text not null default '',
    named integer not null default 0,    -- the user gave it its title
    starts_after integer,                -- of a second volume: the last text of the first one
    share_token text unique              -- who has it may read the story, and branch from it
) strict;

create table character (
    id integer primary key,
    owner_id integer references user (id) on delete cascade,  -- null: one of the bot's own
    key text,                            -- of the bot's own: its name in the locales
    language text not null default 'ru',
    name text not null,
    line text not null,
    greeting text not null,
    personality text not null,
    picture blob,
    created_at integer not null,
    deleted_at integer,
    unique (key, language)
) strict;
create index character_of_owner on character (owner_id);

create table chat_role (
    chat_id integer primary key,         -- a private chat or a group
    mode text not null default '',       -- the name of a ready role; empty: the default one, or the prompt here
    prompt text not null default ''
) strict, without rowid;

create table prompt (
    id integer primary key autoincrement, -- never given twice: messages stand for it, also those not sent yet
    session_id integer not null references session (id) on delete cascade,
    parent_id integer references prompt (id) on delete set null,
    chosen_id integer,                   -- the child that the path goes on to, or went before an undo
    user_id integer not null,
    role text not null check (role in ('user', 'assistant')),
    kind text not null default 'part',   -- of the model's texts: part, ending, epilogue
    text text not null,
    quoted text not null default '',     -- of a question: the message that it replies to
    tokens integer not null default 0,
    turn_id integer,
    created_at integer not null
) strict;
create index prompt_of_session on prompt (session_id);
create index prompt_of_parent on prompt (parent_id);

create virtual table prompt_words using fts5 (text, content = 'prompt', content_rowid = 'id');
create trigger prompt_added after insert on prompt begin
    insert into prompt_words (rowid, text) values (new.id, new.text);
end;
create trigger prompt_deleted after delete on prompt begin
    insert into prompt_words (prompt_words, rowid, text) values ('delete', old.id, old.text);
    insert or ignore into setting (key, value) values ('words_left', '1');  -- in the index's own pages (erasing.py)
end;

create table suggestion (
    id integer primary key,
    session_id integer not null references session (id) on delete cascade,
    head_id integer,                     -- where the story stood when they were made
    texts text not null                  -- a JSON list of sentences
) strict;

create table memory (
    prompt_id integer primary key references prompt (id) on delete cascade,
    text text not null,
    edited integer not null default 0
) strict;

create table draft (
    user_id integer primary key references user (id) on delete cascade,
    genre text not null,
    hero text not null,
    setting text not null,
    extra text not null,
    step text not null,
    page integer not null,
    lucky integer not null
) strict;

create table kept_words (
    id integer primary key,
    user_id integer not null references user (id) on delete cascade,
    session_id integer,                  -- the story that was offered for them
    text text not null,
    kept_at integer not null
) strict;
create index kept_words_of_user on kept_words (user_id);

create table inbox (
    id integer primary key,
    update_id integer unique,            -- null: started by ourselves
    chat_id integer not null,
    body text not null,                  -- the update as JSON; emptied when done
    state text not null default 'new' check (state in ('new', 'turn', 'done', 'aside')),
    attempts integer not null default 0, -- deaths of the process inside its handler
    queued integer not null default 0,   -- told to wait for the running turn: the session its words are for, or -1
    arrived_at integer not null,
    done_at integer
) strict;
create index inbox_open on inbox (id) where state in ('new', 'turn');
create index inbox_done on inbox (done_at) where state = 'done';

create table turn (
    id integer primary key,
    inbox_id integer unique references inbox (id) on delete set null,
    chat_id integer not null,
    user_id integer references user (id) on delete set null,  -- null: of somebody who had their data deleted
    session_id integer references session (id) on delete set null,  -- what it cost is kept when the story goes
    kind text not null,
    prompt_id integer references prompt (id) on delete set null,  -- what the answer is written under
    hint text not null default '',       -- the kind of ending, or the user's own words for one
    soft integer not null default 0,     -- asked to go round a refused topic
    variant integer not null default 0,  -- the same again, differently
    reply_to integer,                    -- in a group: the message that the answer replies to
    state text not null default 'waiting' check (state in ('waiting', 'running', 'answered', 'stopped', 'failed')),
    notice_message_id integer,           -- the message that shows the queue place
    created_at integer not null,
    ended_at integer
) strict;
create unique index turn_open_in_chat on turn (chat_id) where state in ('waiting', 'running');
create index turn_of_session on turn (session_id);

-- With a turn ends the update that asked for it.
create trigger turn_ends after update of state on turn
when old.ended_at is null and new.ended_at is not null and new.inbox_id is not null begin
    update inbox set state = 'done', body = '', done_at = new.ended_at where id = new.inbox_id;
end;

create table call (
    id integer primary key,
    turn_id integer not null references turn (id) on delete cascade,
    user_id integer not null,
    session_id integer,                  -- null: of none, as a voice message in the menu
    purpose text not null,
    model text not null default '',
    state text not null default 'asked' check (state in ('asked', 'settled', 'returned', 'lost')),
    period text not null,
    reserved integer not null,
    input integer not null default 0,
    output integer not null default 0,
    price integer not null default 0,    -- both together, in tokens of the default model
    charged integer not null default 0,  -- what the user paid of it
    estimated integer not null default 0,
    asked_at integer not null,
    ended_at integer
) strict;
create index call_of_turn on call (turn_id);
create index call_asked on call (id) where state = 'asked';
create index call_of_user on call (user_id, asked_at);

create trigger call_begins after insert on call when new.state = 'asked' begin
    update user set reserved = reserved + new.reserved,
        sessions = sessions + coalesce((select started_at is null from session where id = new.session_id), 0)
        where id = new.user_id;
    update session set reserved = reserved + new.reserved, started_at = coalesce(started_at, new.asked_at)
        where id = new.session_id;
    insert into budget (period, reserved) values (new.period, new.reserved)
        on conflict (period) do update set reserved = reserved + excluded.reserved;
end;
create trigger call_ends after update of state on call when old.state = 'asked' begin
    update user set reserved = reserved - new.reserved, balance = balance - new.charged, spent = spent + new.charged,
        requests = requests + (new.state = 'settled'),
        last_request_at = iif(new.state = 'settled', new.ended_at, last_request_at)
        where id = new.user_id;
    update session set reserved = reserved - new.reserved, spent = spent + new.charged where id = new.session_id;
    update budget set reserved = reserved - new.reserved,
        spent = spent + iif(new.state = 'settled', new.price, 0)
        where period = new.period;
end;

create table budget (
    period text primary key,             -- 'ever', or '2026-11'
    spent integer not null default 0,
    reserved integer not null default 0,
    lost integer not null default 0,     -- an upper bound of what was billed for calls that a crash cut off
    told integer not null default 0      -- the highest share in per cent that the admins were told of
) strict;

create table outbox (
    id integer primary key,
    inbox_id integer,
    seq integer not null,
    chat_id integer not null,
    method text not null,
    params text not null,                -- JSON
    file_field text,
    file_name text,
    file blob,
    recipe text,                         -- what is made when it is sent, as a JSON list
    prompt_id integer,                   -- the prompt that this message shows
    unique (inbox_id, seq)
) strict;

create table sent (
    chat_id integer not null,
    message_id integer not null,
    prompt_id integer not null,
    primary key (chat_id, message_id)
) strict, without rowid;

create index sent_of_prompt on sent (prompt_id);

-- Telegram has a row of the outbox: it goes, and its message stands for its prompt.
create view delivered (outbox_id, chat_id, message_id, prompt_id) as select id, chat_id, null, prompt_id from outbox;
create trigger outbox_delivered instead of insert on delivered begin
    delete from outbox where id = new.outbox_id;
    insert or replace into sent (chat_id, message_id, prompt_id) select new.chat_id, new.message_id, new.prompt_id
        where new.prompt_id = 0 or exists (select 1 from prompt where id = new.prompt_id);  -- deleted meanwhile
end;

create table setting (
    key text primary key,
    value text not null
) strict;

create table event (
    day integer not null,                -- since 1970, UTC
    name text not null,
    count integer not null,
    primary key (day, name)
) strict, without rowid;

-- Of those who had their data deleted: what they had used, so that coming back gives nothing anew.
create table forgotten (
    mark text primary key,               -- a keyed hash of the user's id
    balance integer not null,
    spent integer not null,
    requests integer not null,
    sessions integer not null,
    more_sessions integer not null,
    refilled_on integer not null,
    banned integer not null,
    asked_more_at integer
) strict, without rowid;
"""

# In order; a step that was released is never changed.
STEPS = (_FIRST,)


def migrate(connection: Connection, path: Path) -> int:
    """Brings the file up to date; the number of steps taken.

    Raises `ForeignDatabase` for a file of another program or of a newer version of this one.
    """
    application_id = int(connection.value("pragma application_id"))
    version = int(connection.value("pragma user_version"))
    tables = int(connection.value("select count(*) from sqlite_master"))
    if application_id not in (0, APPLICATION_ID) or (application_id == 0 and tables):
        raise ForeignDatabase(f"{path} belongs to another program: give DATABASE_PATH another file")
    if version > len(STEPS):
        raise ForeignDatabase(
            f"{path} was written by a newer version (schema {version}, this one knows {len(STEPS)}): update the bot"
        )
    if 0 < version < len(STEPS):
        _copy(connection, path.with_name(f"{path.name}.before-{len(STEPS)}"))
    for number, step in enumerate(STEPS[version:], start=version + 1):
        with connection.transaction(durable=True):
            for statement in _statements(step):
                connection.run(statement)
            connection.run(f"pragma application_id = {APPLICATION_ID}")
            connection.run(f"pragma user_version = {number}")
    return len(STEPS) - version


def look(path: Path) -> str:
    """What an existing file holds, without writing to it. Raises `StorageError`."""
    try:
        raw = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            application_id = raw.execute("pragma application_id").fetchone()[0]
            version = raw.execute("pragma user_version").fetchone()[0]
            state = raw.execute("pragma quick_check(1)").fetchone()[0]
            if application_id != APPLICATION_ID:
                raise ForeignDatabase(f"{path} belongs to another program: give DATABASE_PATH another file")
            if version > len(STEPS):
                raise ForeignDatabase(f"{path} was written by a newer version: update the bot")
            users = raw.execute("select count(*) from user").fetchone()[0]
        finally:
            raw.close()
    except sqlite3.Error as error:
        raise StorageError(f"{path}: {error}") from error
    if state != "ok":
        raise StorageError(f"{path} is damaged: {state}")
    return f"is sound, {users} users"


def _copy(connection: Connection, target: Path) -> None:
    target.unlink(missing_ok=True)
    connection.run("vacuum into ?", (str(target),))


def _statements(script: str) -> list[str]:
    """The script's single statements: `executescript` would commit the transaction that it runs in."""
    found: list[str] = []
    pending = ""
    for line in script.splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            found.append(pending.strip())
            pending = ""
    if pending.strip():
        raise StorageError(f"unfinished statement in a migration: {pending.strip()[:60]}")
    return found
