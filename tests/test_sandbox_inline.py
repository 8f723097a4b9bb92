"""Telegram's stand-in plays the inline mode strictly: answers, prepared messages, and what it refuses of them."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.inline_user import share_prepared
from sandbox.telegram import TelegramServer
from sandbox.users import NotShown
from tests.sandbox_bot import Bot, Clock, bot, clock, server

__all__ = ["bot", "clock", "server"]

ARTICLE: dict[str, Any] = {
    "type": "article",
    "id": "story:1",
    "title": "Маяк",
    "input_message_content": {"message_text": "<b>Маяк</b>", "parse_mode": "HTML"},
}


def asked(bot: Bot, server: TelegramServer) -> str:
    """Return a query that a user has typed and the bot has got."""
    server.user(1)
    server.api.ask_inline(1, "маяк", "")
    query = bot.ok("getUpdates", allowed_updates=["inline_query"])[-1]["inline_query"]
    assert (query["query"], query["offset"], query["from"]["id"]) == ("маяк", "", 1)
    return str(query["id"])


@pytest.mark.parametrize(
    ("results", "more", "words"),
    [
        ([ARTICLE] * 2, {}, "RESULT_ID_DUPLICATE"),
        ([{**ARTICLE, "id": str(number)} for number in range(51)], {}, "RESULTS_TOO_MUCH"),
        ([{**ARTICLE, "id": "я" * 33}], {}, "RESULT_ID_INVALID"),
        ([{**ARTICLE, "input_message_content": {"message_text": "<b>", "parse_mode": "HTML"}}], {}, "parse entities"),
        ([{**ARTICLE, "input_message_content": {"message_text": " "}}], {}, "message text is empty"),
        ([ARTICLE], {"next_offset": "1" * 65}, "NEXT_OFFSET_INVALID"),
        ([ARTICLE], {"button": {"text": "a"}}, "BUTTON_TYPE_INVALID"),
    ],
)
def test_an_answer_that_telegram_would_not_take_is_refused(
    bot: Bot, server: TelegramServer, results: list[Any], more: dict[str, Any], words: str
) -> None:
    query_id = asked(bot, server)
    assert words in bot.refused("answerInlineQuery", inline_query_id=query_id, results=results, **more)
    assert bot.ok("answerInlineQuery", inline_query_id=query_id, results=[ARTICLE])


def test_an_answer_counts_once_and_in_time(bot: Bot, server: TelegramServer, clock: Clock) -> None:
    query_id = asked(bot, server)
    assert bot.ok("answerInlineQuery", inline_query_id=query_id, results=[])
    assert "query is too old" in bot.refused("answerInlineQuery", inline_query_id=query_id, results=[])
    late = asked(bot, server)
    clock.now += 60
    assert "query is too old" in bot.refused("answerInlineQuery", inline_query_id=late, results=[])


def test_a_prepared_message_is_its_users_own(bot: Bot, server: TelegramServer) -> None:
    person, other = server.user(1), server.user(2)
    allowed = {"allow_user_chats": True}
    assert "user not found" in bot.refused("savePreparedInlineMessage", user_id=9, result=ARTICLE, **allowed)
    assert "PEER_TYPES_INVALID" in bot.refused("savePreparedInlineMessage", user_id=1, result=ARTICLE)
    prepared = bot.ok("savePreparedInlineMessage", user_id=1, result=ARTICLE, **allowed)["id"]
    with pytest.raises(NotShown):
        share_prepared(other, prepared)
    assert share_prepared(person, prepared).text == "Маяк"
