"""Make a book of a story in the database, and a message that carries its file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, cast

from conversation.game_words import as_read
from conversation.localization import Locales, Texts
from conversation.story_draft import working_title
from conversation.wishes import without_wishes
from core.schemas import DeferredAttachment, Outgoing, RenderedAttachment
from database import Database, Prompt, Story
from export.book import Book, Part, Picture, Wording, in_chapters
from export.formats import FORMATS, file_name

MOST_PICTURES: Final = 40  # in a book: at most 6.4 MB of them

_BRACKETS: Final = re.compile(r"\s*\([^()\n]*\)")


def book_of(db: Database, texts: Texts, story: Story) -> Book:
    """Return the story's shown path as a book. `texts` are those of the story's language."""
    whole = db.tree.whole(story.head_id, story.starts_after)
    author = db.users.get(story.user_id)
    genre = texts.genre_of(story.genre)
    say = texts.plain
    pictures = _pictures(db, story, whole)
    parts = [_part(prompt, pictures.get(prompt.id)) for prompt in whole]
    return Book(
        id=f"{story.session_id}-{story.created_at}",
        title=story.title or working_title(story.hero, story.setting),
        genre=genre.key if genre else "",
        genre_label=without_wishes(story.genre),
        hero=for_readers(story.hero),
        setting=for_readers(story.setting),
        language=cast(Literal["ru", "en"], story.language),
        author_names=(
            author.first_name if author else "",
            *db.group_stories.coauthors(story.session_id),
            say("profile.name"),
        ),
        created_at=story.created_at,
        finished_at=whole[-1].created_at if whole else story.created_at,
        chapters=in_chapters(parts, say("book.chapter", number="{number}")),
        finished=story.finished,
        wording=Wording(
            untitled=say("book.untitled"),
            the_end=say("book.the_end"),
            unfinished=say("book.unfinished"),
            colophon=say("book.colophon"),
            contents=say("book.contents"),
            cover=say("book.cover"),
            hero=say("book.hero"),
            setting=say("book.setting"),
            picture=say("book.picture"),
        ),
        cover_picture=db.illustrations.cover(story.session_id) or b"",
    )


def document(story: Story, extension: str, chat_id: int) -> Outgoing:
    """Return a message with the story in one of `FORMATS`; the file is made when it is sent."""
    return Outgoing(chat_id, "sendDocument", {}, deferred=DeferredAttachment("book", story.session_id, extension))


def file_of(db: Database, locales: Locales, deferred: DeferredAttachment) -> RenderedAttachment | None:
    """Return the story's file, or None if the story is gone. Takes 0.1 s or more."""
    story = db.stories.get(deferred.of)
    if story is None:
        return None
    book = book_of(db, locales[story.language], story)
    return RenderedAttachment({}, {"document": (file_name(book, deferred.how), FORMATS[deferred.how](book))})


def for_readers(setting: str) -> str:
    """Return a hero or a setting as a book prints it: «Name — what is wrong here», without brackets."""
    return _BRACKETS.sub("", setting).strip().replace(": ", " — ", 1)


def _part(prompt: Prompt, picture: Picture | None) -> Part:
    by_user = prompt.role == "user"
    text = as_read(prompt.text) if prompt.has_wishes else prompt.text
    return Part.of(text, "user" if by_user else "model", picture)


def _pictures(db: Database, story: Story, whole: Sequence[Prompt]) -> dict[int, Picture]:
    """Return the pictures of a story's shown path by prompt, the last `MOST_PICTURES` of them."""
    path = {prompt.id for prompt in whole}
    shown = [prompt_id for prompt_id in db.illustrations.of_session(story.session_id) if prompt_id in path]
    found = {}
    for number, prompt_id in enumerate(shown[-MOST_PICTURES:], start=1):
        if jpeg := db.illustrations.jpeg(prompt_id):
            found[prompt_id] = Picture(f"picture-{number:03}", jpeg)
    return found
