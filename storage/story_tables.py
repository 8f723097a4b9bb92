"""Migrations of what is made of a story beside its text: its hero to talk to, its cover, its card."""

from __future__ import annotations

HEROES = """
-- Of a story's hero as a character: the story, which has one. What it knows is read from the story.
alter table character add column story_id integer references session (id) on delete cascade;
create unique index character_of_story on character (story_id) where story_id is not null;

-- What was said with a hero goes with it, and it goes with its story.
create trigger hero_deleted before delete on character when old.story_id is not null begin
    delete from sent where prompt_id in (select prompt.id from prompt
        join session on session.id = prompt.session_id where session.character_id = old.id);
    delete from session where character_id = old.id;
end;
"""

COVERS = """
create table cover (                     -- of a finished story's books, drawn for its user
    session_id integer primary key references session (id) on delete cascade,
    jpeg blob not null
) strict;
"""

CARD_OF_A_QUESTION = """
alter table user add column asked_under integer;  -- the message whose button asked the question, if it is changed then
"""

STORY_TABLES = (HEROES, COVERS, CARD_OF_A_QUESTION)
