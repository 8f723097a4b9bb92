"""The inline mode: `@bot words` in any chat lists one's finished stories and own characters, as cards to be sent there.

A query is answered from the database at once. Somebody unknown is only shown the way to the bot; somebody banned, and
everybody unknown while the bot is full, is shown nothing. A query registers nobody.
"""

from __future__ import annotations

import re
from typing import Final

from telebot import types

from conversation.localization import Texts
from core.numbers import is_number
from core.schemas import Json, Outgoing
from database import Character, Story, User
from handlers.context import Services, after_commit
from telegram.update_result import NOTHING, IncomingUpdate, TrackEvent, UpdateResult
from turns import share_cards

ANSWER: Final = "answerInlineQuery"
PAGE: Final = 20  # cards; Telegram takes 50
CACHE_S: Final = 3  # a story that was finished just now is listed
MOST_FOUND: Final = 1000
ONE_STORY: Final = re.compile(r"#(\d{1,18})", re.ASCII)  # «Отправить в чат» under a story's link
_CARD: Final = re.compile(rf"({share_cards.STORY_CARD}|{share_cards.CHARACTER_CARD}):(\d{{1,18}})", re.ASCII)


def one_story(session_id: int) -> str:
    """Return the query that finds this story of the user's, finished or not."""
    return f"#{session_id}"


def on_query(services: Services, incoming: IncomingUpdate, query: types.InlineQuery) -> UpdateResult:
    """Answer what somebody types after the bot's name."""
    user = services.db.users.get(query.from_user.id)
    if user is None:
        full = services.db.users.count() >= services.config.max_users
        texts = services.locales[services.locales.language_of(query.from_user.language_code)]
        return _answer(incoming, query.id, [], "", None if full else _way_in(texts))
    texts = services.locales[user.language]
    if user.banned and user.id not in services.config.admin_ids:
        return _answer(incoming, query.id, [], "", None)
    found = _found(services, user, " ".join(query.query.split()))
    begin = int(query.offset) if is_number(query.offset) else 0
    cards = [_card(services, texts, one) for one in found[begin : begin + PAGE]]
    more = str(begin + PAGE) if len(found) > begin + PAGE else ""
    return _answer(incoming, query.id, cards, more, None if found else _way_in(texts))


def on_chosen(services: Services, incoming: IncomingUpdate, chosen: types.ChosenInlineResult) -> UpdateResult:
    """Count a card that was sent; its story's link is shared from now on. Comes only if @BotFather has it on."""
    card, user = _CARD.fullmatch(chosen.result_id), services.db.users.get(chosen.from_user.id)
    if card is None or user is None:
        return NOTHING
    if card[1] == share_cards.STORY_CARD:
        services.db.sharing.accept(int(card[2]), user.id)
    return after_commit(TrackEvent("card_sent", user.id, {"card": card[1]}))


def is_own_card(services: Services, message: types.Message) -> bool:
    """Whether a message is a card that was sent into a chat with the bot: it asks nothing."""
    bot_id = services.config.telegram_token.partition(":")[0]
    return message.via_bot is not None and str(message.via_bot.id) == bot_id


def _found(services: Services, user: User, words: str) -> list[Story | Character]:
    """Return the user's finished stories and own characters that have all these words."""
    db = services.db
    if one := ONE_STORY.fullmatch(words):
        story = db.stories.own(user.id, int(one[1]))
        return [story] if story is not None and story.head_id is not None else []
    characters = [one for one in db.characters.offered(user.id, user.language) if one.owner_id == user.id]
    if not words:
        return [*db.sharing.finished(user.id), *characters]
    wanted = words.casefold().split()
    stories = [story for story in db.stories.search(user.id, words, limit=MOST_FOUND) if story.finished]
    return [*stories, *(one for one in characters if _has(one, wanted))]


def _has(character: Character, wanted: list[str]) -> bool:
    names = f"{character.name} {character.persona.line}".casefold().split()
    return all(any(name.startswith(word) for name in names) for word in wanted)


def _card(services: Services, texts: Texts, one: Story | Character) -> dict[str, Json]:
    db, username = services.db, services.username
    if isinstance(one, Story):
        return share_cards.story_card(db, services.config, texts, one, username=username)
    return share_cards.character_card(db, texts, one, username=username)


def _way_in(texts: Texts) -> Json:
    return {"text": texts.plain("inline.nothing"), "start_parameter": "new"}


def _answer(
    incoming: IncomingUpdate, query_id: str, cards: list[dict[str, Json]], more: str, button: Json
) -> UpdateResult:
    params: dict[str, Json] = {
        "inline_query_id": query_id,
        "results": [*cards],
        "cache_time": CACHE_S,
        "is_personal": True,
        "next_offset": more,
    }
    if button is not None:
        params["button"] = button
    return UpdateResult(messages=(Outgoing(incoming.chat_id, ANSWER, params),))
