"""The tables, as steps of migrations. New and existing files take the same steps (`storage/migration.py`)."""

from __future__ import annotations

from storage.answer_voices import ANSWER_VOICES
from storage.first_tables import FIRST_TABLES
from storage.group_tables import GROUP_STORIES
from storage.guest_tables import FIRST_LETTERS, GUESTS
from storage.payment_schema import BALANCES, PAYMENTS
from storage.removed_texts import REMOVED_TEXTS
from storage.sharing_schema import PUBLIC_SHELF, SHARE_CARDS
from storage.story_tables import STORY_TABLES
from storage.topic_states import TOPIC_STATES

APPLICATION_ID = 0x50415254  # «PART»

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

_CARDS = """
alter table story add column note text not null default '';  -- what the reader wants to be kept in mind
alter table user add column offers_cards integer not null default 1;

create table card (                      -- a person, a place or a thing of a story
    id integer primary key autoincrement, -- never reused: buttons refer to it
    session_id integer not null references session (id) on delete cascade,
    name text not null,
    about text not null,
    words text not null default '',      -- that call it beside its name, separated by commas
    state text not null default 'kept' check (state in ('kept', 'offered', 'refused')),
    offered_after integer                -- the number of the part after which the bot offered it; null: it didn't
) strict;
create index card_of_session on card (session_id);
"""

_FILES_OF_QUESTIONS = """
-- The pictures and documents that a question is about, a JSON list: what Telegram calls them, not what they have.
alter table prompt add column files text not null default '';
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

_CARD_QUESTIONS = """
-- The card that a question is about; `asks_about` is the story that has it.
alter table user add column asks_card integer;
alter table topic_state add column asks_card integer;
update user set asks_card = asks_about, asks_about = (select session_id from card where id = asks_about)
    where step = 'edit_card';
update topic_state set asks_card = asks_about, asks_about = (select session_id from card where id = asks_about)
    where step = 'edit_card';
"""

_INDEXES_OF_DELETIONS = """
-- What a deleted text or session would otherwise be looked for in whole tables.
create index published_of_head on published (head_id);
create index call_of_session on call (session_id);
"""
_MORE_INDEXES_OF_DELETIONS = """
create index turn_of_prompt on turn (prompt_id) where prompt_id is not null;
create index session_of_head on session (head_id) where head_id is not null;
create index suggestion_of_session on suggestion (session_id);
"""
_OUTBOX_COLUMNS = """
alter table outbox add column note_for_end text not null default '';  -- what the end of a call about payments is told
-- A reading of Telegram's list from before has no such note; each start begins one anew.
delete from outbox where method = 'getStarTransactions';

-- A call that waits when its reader has everything deleted. The row stays until the queue of messages has let it go, or
-- for the next start to delete: its number must not name another row meanwhile.
alter table outbox add column withdrawn integer not null default 0;
"""

# In order. The statements of a released step never change.
STEPS = (
    FIRST_TABLES,
    _SECOND,
    _ATTACHMENT_COLUMN,
    _CACHED_PROMPTS,
    _GROWING_ANSWERS,
    _PIECES,
    _TOPICS,
    _CARDS,
    PAYMENTS,
    _FILES_OF_QUESTIONS,
    *STORY_TABLES,
    _OPINIONS,
    SHARE_CARDS,
    PUBLIC_SHELF,
    GROUP_STORIES,
    ANSWER_VOICES,
    TOPIC_STATES,
    GUESTS,
    FIRST_LETTERS,
    _CARD_QUESTIONS,
    _INDEXES_OF_DELETIONS,
    _MORE_INDEXES_OF_DELETIONS,
    BALANCES,
    _OUTBOX_COLUMNS,
    REMOVED_TEXTS,
)
