"""The tables, as steps of migrations. New and existing files take the same steps (`storage/migration.py`)."""

from __future__ import annotations

APPLICATION_ID = 0x50415254  # «PART»

_FIRST = """
create table user (
    id integer primary key,              -- Telegram's user id
    username text,
    first_name text not null,
    last_name text,
    language text not null default 'ru',
    model text not null default '',      -- for stories, chats and characters; empty: the default model
    at_full text not null default 'summarise' check (at_full in ('summarise', 'anew')),  -- when a chat fills the prompt
    registered_at integer not null,
    step text not null default 'menu',
    came_from text not null default 'menu', -- the step to return to after a question
    asks_about integer,                  -- the session that the question is about
    character_id integer references character (id) on delete set null,  -- the chosen character
    session_id integer references session (id) on delete set null,  -- the open or last session
    balance integer not null,            -- tokens left
    reserved integer not null default 0, -- part of the balance that running calls hold
    spent integer not null default 0,
    requests integer not null default 0,
    sessions integer not null default 0, -- sessions started, including deleted ones
    more_sessions integer not null default 0,  -- allowed by an admin beyond the limit
    last_request_at integer,
    refilled_on integer not null default 0, -- day of the last refill, counted from 1970
    debug integer not null default 0,
    blocked integer not null default 0,  -- the user has blocked the bot
    banned integer not null default 0,   -- an admin has closed the bot to the user
    asked_more_at integer                -- time of an unanswered request for more
) strict;

create table session (
    id integer primary key autoincrement, -- never reused: old buttons and messages refer to it
    user_id integer not null references user (id) on delete cascade,
    chat_id integer not null,
    kind text not null check (kind in ('story', 'chat', 'character')),
    character_id integer references character (id) on delete set null,
    head_id integer references prompt (id) on delete set null,
    spent integer not null default 0,
    reserved integer not null default 0,
    created_at integer not null,
    started_at integer,                  -- time of its first model call
    finished_at integer,
    touched_at integer not null,
    deleted_at integer,                  -- can be undone for a day
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
    named integer not null default 0,    -- the title is the user's own
    starts_after integer,                -- in a second volume: the last text of the first
    share_token text unique              -- whoever has it may read the story and branch it
) strict;

create table character (
    id integer primary key,
    owner_id integer references user (id) on delete cascade,  -- null: built in
    key text,                            -- of a built-in one: its key in the locales
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
    mode text not null default '',       -- name of a ready role; empty: `prompt`, or the default role
    prompt text not null default ''
) strict, without rowid;

create table prompt (
    id integer primary key autoincrement, -- never reused: messages refer to it, even unsent ones
    session_id integer not null references session (id) on delete cascade,
    parent_id integer references prompt (id) on delete set null,
    chosen_id integer,                   -- the child on the path, also after an undo
    user_id integer not null,
    role text not null check (role in ('user', 'assistant')),
    kind text not null default 'part',   -- of a model's text: part, ending, epilogue
    text text not null,
    quoted text not null default '',     -- the message that a question replies to
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
    insert or ignore into setting (key, value) values ('words_left', '1');  -- read by Forgetting.erase_words
end;

create table suggestion (
    id integer primary key,
    session_id integer not null references session (id) on delete cascade,
    head_id integer,                     -- the session's head when they were made
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
    update_id integer unique,            -- null: created by the bot itself
    chat_id integer not null,
    body text not null,                  -- the update as JSON; empty when done
    state text not null default 'new' check (state in ('new', 'turn', 'done', 'aside')),
    attempts integer not null default 0, -- attempts in which the process died in its handler
    queued integer not null default 0,   -- waits for the running turn: the session of its words, or -1
    arrived_at integer not null,
    done_at integer
) strict;
create index inbox_open on inbox (id) where state in ('new', 'turn');
create index inbox_done on inbox (done_at) where state = 'done';

create table turn (
    id integer primary key,
    inbox_id integer unique references inbox (id) on delete set null,
    chat_id integer not null,
    user_id integer references user (id) on delete set null,  -- null: the user's data was deleted
    session_id integer references session (id) on delete set null,  -- null: none, or deleted
    kind text not null,
    prompt_id integer references prompt (id) on delete set null,  -- the text that the answer follows
    hint text not null default '',       -- the kind of ending, or the user's own words for one
    soft integer not null default 0,     -- ask the model to avoid a refused topic
    variant integer not null default 0,  -- a variant of an existing answer
    reply_to integer,                    -- the message that an answer in a group replies to
    state text not null default 'waiting' check (state in ('waiting', 'running', 'answered', 'stopped', 'failed')),
    notice_message_id integer,           -- the message that shows the queue place
    created_at integer not null,
    ended_at integer
) strict;
create unique index turn_open_in_chat on turn (chat_id) where state in ('waiting', 'running');
create index turn_of_session on turn (session_id);

-- Ending a turn marks the update that asked for it as done.
create trigger turn_ends after update of state on turn
when old.ended_at is null and new.ended_at is not null and new.inbox_id is not null begin
    update inbox set state = 'done', body = '', done_at = new.ended_at where id = new.inbox_id;
end;

create table call (
    id integer primary key,
    turn_id integer not null references turn (id) on delete cascade,
    user_id integer not null,
    session_id integer,                  -- null: none, as for a voice message in the menu
    purpose text not null,
    model text not null default '',
    state text not null default 'asked' check (state in ('asked', 'settled', 'returned', 'lost')),
    period text not null,
    reserved integer not null,
    input integer not null default 0,
    output integer not null default 0,
    price integer not null default 0,    -- input and output, in tokens of the default model
    charged integer not null default 0,  -- the part of the price that the user paid
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
    lost integer not null default 0,     -- upper bound of the cost of calls that a crash interrupted
    told integer not null default 0      -- highest share, in per cent, that the admins were told of
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
    recipe text,                         -- a deferred attachment as a JSON list
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

-- An insert into `delivered` deletes the outbox row and records in `sent` which prompt its message shows.
create view delivered (outbox_id, chat_id, message_id, prompt_id) as select id, chat_id, null, prompt_id from outbox;
create trigger outbox_delivered instead of insert on delivered begin
    delete from outbox where id = new.outbox_id;
    insert or replace into sent (chat_id, message_id, prompt_id) select new.chat_id, new.message_id, new.prompt_id
        where new.prompt_id = 0 or exists (select 1 from prompt where id = new.prompt_id);  -- the prompt may be deleted
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

-- What users with deleted data had used, so that returning resets nothing.
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

_SECOND = """
-- A message that says what is under way is deleted when its update's turn, or its wait for another turn, is over.
alter table outbox add column notice integer not null default 0;

create table notice (                    -- such messages, once Telegram has them
    inbox_id integer primary key references inbox (id) on delete cascade,
    chat_id integer not null,
    message_id integer not null
) strict;

-- An insert into `delivered` also stores the number of a notice.
drop trigger outbox_delivered;
create trigger outbox_delivered instead of insert on delivered begin
    insert or replace into notice (inbox_id, chat_id, message_id)
        select outbox.inbox_id, new.chat_id, new.message_id from outbox join inbox on inbox.id = outbox.inbox_id
        where outbox.id = new.outbox_id and outbox.notice = 1;
    delete from outbox where id = new.outbox_id;
    insert or replace into sent (chat_id, message_id, prompt_id) select new.chat_id, new.message_id, new.prompt_id
        where new.prompt_id = 0 or exists (select 1 from prompt where id = new.prompt_id);  -- the prompt may be deleted
end;

create table picture (
    id integer primary key,
    jpeg blob not null
) strict;

create table illustration (              -- the picture of a part; branches share pictures
    prompt_id integer primary key references prompt (id) on delete cascade,
    picture_id integer not null references picture (id)
) strict;
create index illustration_of_picture on illustration (picture_id);

-- A picture that no part has any more is deleted.
create trigger illustration_deleted after delete on illustration begin
    delete from picture where id = old.picture_id
        and not exists (select 1 from illustration where picture_id = old.picture_id);
end;
"""

# The deferred attachment of a message, which is rendered when it is sent.
_ATTACHMENT_COLUMN = "alter table outbox rename column recipe to attachment;"
_CACHED_PROMPTS = """
alter table call add column cached integer not null default 0;  -- of `input`: the vendor had it in its cache
"""
_GROWING_ANSWERS = """
-- The message in which a running turn's answer grows by edits, once Telegram has it. The answer takes its place; a turn
-- that ends without one has it deleted. Either is a row of the outbox that names the turn.
create table growing (
    turn_id integer primary key references turn (id) on delete cascade,
    chat_id integer not null,
    message_id integer not null
) strict;

create trigger growing_ends after delete on outbox
when old.attachment is not null and json_extract(old.attachment, '$[0]') = 'growing' begin
    delete from growing where turn_id = json_extract(old.attachment, '$[1]');
end;
"""
_PIECES = """
-- Of a message that is a piece of a longer text: where its words stand in the prompt.
alter table sent add column piece_start integer;
alter table sent add column piece_length integer;
"""

_TOPICS = """
-- The topic of a forum, or of a private chat with topics, that something belongs to; 0: none, or the main one.
alter table inbox add column topic_id integer not null default 0;
alter table turn add column topic_id integer not null default 0;
alter table session add column topic_id integer not null default 0;
drop index session_of_chat;
create index session_of_chat on session (chat_id, topic_id, kind, touched_at);
-- A group's topics have a turn each. In private there is one: the user has one step and one open story.
drop index turn_open_in_chat;
create unique index turn_open_in_chat on turn (chat_id, iif(chat_id < 0, topic_id, 0))
    where state in ('waiting', 'running');
"""

_OPINIONS = """
create table opinion (                   -- a user's reaction on the message of a text
    prompt_id integer not null references prompt (id) on delete cascade,
    user_id integer not null references user (id) on delete cascade,
    model text not null,                 -- that wrote the text; empty: the default one
    liked integer not null check (liked in (0, 1)),
    primary key (prompt_id, user_id)
) strict, without rowid;
create index opinion_of_user on opinion (user_id);
"""

# In order. The statements of a released step never change.
STEPS = (_FIRST, _SECOND, _ATTACHMENT_COLUMN, _CACHED_PROMPTS, _GROWING_ANSWERS, _PIECES, _TOPICS, _OPINIONS)
