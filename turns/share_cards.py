"""Cards of stories and characters for other chats: a title, the first lines, and a button that leads to the bot.

A card is one result of an inline query, as the Bot API takes it; the same one is prepared for the page's «Поделиться».
"""

from __future__ import annotations

from typing import Final

from config import Config
from conversation.keyboards import link_button
from conversation.localization import Html, Texts
from conversation.story_draft import short_name
from core.graphemes import first_letters
from core.schemas import Json
from database import Character, Database, Story
from turns.message_view import text_of, title_of
from turns.text_cleanup import first_sentences

STORY_LINK: Final = "s_"  # before a token: what a link starts the bot with
CHARACTER_LINK: Final = "c_"
STORY_CARD: Final = "story"  # the kind in a result's id
CHARACTER_CARD: Final = "character"
FIRST_PARTS: Final = 3  # texts of a story, that its first lines are taken from
FIRST_CHARS: Final = 320
GENRE_CHARS: Final = 60
LINE_CHARS: Final = 120
_ANY_CHAT: Final = ("allow_user_chats", "allow_group_chats", "allow_channel_chats")


def link(username: str, start: str) -> str:
    """Return the address that starts the bot with this parameter."""
    return f"https://t.me/{username}?start={start}"


def story_card(db: Database, config: Config, texts: Texts, story: Story, *, username: str) -> dict[str, Json]:
    """Return the card of a story, whose link opens it from now on. Writes the link's token."""
    token = db.sharing.offer(story)
    text = text_of(db.tree.beginning(story.head_id, story.starts_after, FIRST_PARTS))
    first = first_letters(first_sentences(text, 3), FIRST_CHARS)
    parts = db.tree.parts(story.head_id, story.starts_after)
    title = title_of(story)
    genre = short_name(story.genre, GENRE_CHARS)
    said = texts.say("inline.story", title=title, genre=genre, first=first)
    button = link_button(texts.label("read"), link(username, f"{STORY_LINK}{token}"))
    picture = f"{config.webapp_url}/covers/{token}.jpg" if config.webapp_url else ""
    line = first_letters(" ".join(first.split()), LINE_CHARS)
    about = texts.plain("inline.story_line", genre=genre, parts=parts, first=line)
    return _article(f"{STORY_CARD}:{story.session_id}", title, about, said, button, picture)


def character_card(db: Database, texts: Texts, character: Character, *, username: str) -> dict[str, Json]:
    """Return the card of a user's own character. Writes the link's token."""
    token, persona = db.sharing.offer_character(character.id), character.persona
    first = first_letters(first_sentences(persona.greeting, 3), FIRST_CHARS)
    said = texts.say("inline.character", name=persona.name, line=persona.line, greeting=first)
    button = link_button(texts.plain("inline.talk"), link(username, f"{CHARACTER_LINK}{token}"))
    title = texts.plain("inline.character_title", name=persona.name)
    return _article(f"{CHARACTER_CARD}:{character.id}", title, persona.line, said, button, "")


def with_send_button(keyboard: Json, text: str, query: str) -> Json:
    """Return inline buttons with one above that asks for a chat, and shows what the inline mode finds for a query."""
    chosen: dict[str, Json] = {"query": query, **dict.fromkeys(_ANY_CHAT, True)}
    rows = keyboard["inline_keyboard"] if isinstance(keyboard, dict) else []
    assert isinstance(rows, list)
    return {"inline_keyboard": [[{"text": text, "switch_inline_query_chosen_chat": chosen}], *rows]}


def _article(card_id: str, title: str, about: str, html: Html, button: Json, picture: str) -> dict[str, Json]:
    preview: dict[str, Json] = {"is_disabled": True}
    if picture:
        preview = {"url": picture, "prefer_large_media": True, "show_above_text": True}
    card: dict[str, Json] = {
        "type": "article",
        "id": card_id,
        "title": title,
        "description": about,
        "input_message_content": {"message_text": html, "parse_mode": "HTML", "link_preview_options": preview},
        "reply_markup": {"inline_keyboard": [[button]]},
    }
    return {**card, "thumbnail_url": picture} if picture else card
