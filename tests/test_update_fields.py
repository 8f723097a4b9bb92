"""Fields that can't be read cost themselves and not the message; senders that are nobody are never charged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telegram.updates import read
from tests.harness import BotHarness, until
from tests.test_groups import BOT, GROUP_ID, club
from tests.test_hostile import in_group, message

# Every optional field of a message, as the Bot API lists them, but for the text.
OPTIONAL = """
message_thread_id direct_messages_topic from sender_chat sender_boost_count sender_business_bot sender_tag
business_connection_id forward_origin is_topic_message is_automatic_forward reply_to_message external_reply quote
reply_to_story reply_to_checklist_task_id reply_to_poll_option_id via_bot guest_bot_caller_user guest_bot_caller_chat
edit_date has_protected_content is_from_offline is_paid_post media_group_id author_signature paid_star_count entities
link_preview_options suggested_post_info effect_id rich_message animation audio document live_photo paid_media photo
sticker story video video_note voice caption caption_entities show_caption_above_media has_media_spoiler checklist
contact dice game poll venue location new_chat_members left_chat_member chat_owner_left chat_owner_changed
new_chat_title new_chat_photo delete_chat_photo group_chat_created supergroup_chat_created channel_chat_created
message_auto_delete_timer_changed migrate_to_chat_id migrate_from_chat_id pinned_message invoice successful_payment
refunded_payment users_shared chat_shared gift unique_gift gift_upgrade_sent connected_website write_access_allowed
passport_data proximity_alert_triggered boost_added chat_background_set checklist_tasks_done checklist_tasks_added
direct_message_price_changed forum_topic_created forum_topic_edited forum_topic_closed forum_topic_reopened
general_forum_topic_hidden general_forum_topic_unhidden giveaway_created giveaway giveaway_winners giveaway_completed
managed_bot_created paid_message_price_changed poll_option_added poll_option_deleted suggested_post_approved
suggested_post_paid suggested_post_refunded video_chat_scheduled video_chat_started video_chat_ended
video_chat_participants_invited web_app_data reply_markup a_field_of_tomorrow
"""
BROKEN: tuple[Any, ...] = (None, 0, True, 1e9, "х", [], {}, [1], [{}], {"type": "tomorrow"}, {"id": "1"}, {"text": 5})


@pytest.mark.parametrize("kind", ["message", "edited_message"])
@pytest.mark.parametrize("field", OPTIONAL.split())
def test_a_text_is_read_whatever_is_broken_beside_it(kind: str, field: str) -> None:
    for broken in BROKEN:
        if field == "from" and isinstance(broken, dict):
            continue  # an id that an answer would name
        update = read(json.dumps({"update_id": 1, kind: message(1, "слово") | {field: broken}}))
        assert update is not None
        said = getattr(update, kind)
        assert (said.content_type, said.text, said.from_user.id) == ("text", "слово", 1)


@pytest.mark.parametrize(
    "odd",
    [
        {"external_reply": {"story": {}, "origin": {"type": "tomorrow"}}},
        {"external_reply": {}, "quote": {"text": 5}},
        {"forward_origin": {"type": "tomorrow", "date": 1}},
        {"reply_to_message": {"message_id": 3, "forward_origin": {"type": "tomorrow"}}},
        {"reply_to_message": 5, "entities": [{"type": "tomorrow"}], "via_bot": {}},
        {"from": "Анна"},
        {"text": "/help", "story": {}, "sticker": None},
    ],
)
def test_a_message_with_something_unknown_is_answered(harness: BotHarness, odd: dict[str, Any]) -> None:
    person = harness.new_person()
    harness.telegram.raw_update({"message": message(1, "/help") | odd})
    person.wait("Мы пишем историю вдвоём")
    assert not harness.db.count("inbox", state="aside")


def test_a_status_of_tomorrow_means_that_the_bot_isnt_blocked(harness: BotHarness) -> None:
    harness.new_person()
    change = {"chat": message(1, "")["chat"], "from": message(1, "")["from"], "date": 1}
    for status, blocked in (("kicked", 1), ("tomorrow", 0)):
        change |= {"old_chat_member": {"status": "tomorrow"}, "new_chat_member": {"status": status}}
        harness.telegram.raw_update({"my_chat_member": dict(change)})
        until(lambda blocked=blocked: harness.db.value("user", "blocked", id=1) == blocked)  # type: ignore[misc]
    assert not harness.db.count("inbox", state="aside")


def test_a_voice_message_without_its_file_is_answered_as_something_else(harness: BotHarness) -> None:
    person = harness.new_person()
    said = message(1, "") | {"voice": {"duration": 3}}
    del said["text"]
    harness.telegram.raw_update({"message": said})
    person.wait("Такие сообщения я не понимаю")


def test_a_quote_from_another_chat_goes_with_the_question(harness: BotHarness) -> None:
    person = harness.new_person()
    person.press("💬 Чат")
    person.wait()
    harness.says("Ударение на второй слог.")
    external = {"external_reply": {"origin": {"type": "tomorrow"}}, "quote": {"text": "жалюзи́", "position": 0}}
    harness.telegram.raw_update({"message": message(1, "Верно?") | external})
    person.wait("Ударение на второй слог.")
    assert "жалюзи́" in harness.prompts()[-1][-1]["text"]


ADMIN_BOT = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
OTHER_BOT = {"id": 77, "is_bot": True, "first_name": "Погода", "username": "weather_bot"}
TELEGRAM = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
CHANNEL = {"id": -100777, "type": "channel", "title": "Маяк"}
GROUP = {"id": GROUP_ID, "type": "supergroup", "title": "Клуб"}


@pytest.mark.parametrize("text", [f"{BOT} привет", "/help@soavtor_demo_bot", "/clear@soavtor_demo_bot"])
@pytest.mark.parametrize(
    "sender",
    [
        {"from": TELEGRAM, "sender_chat": CHANNEL, "is_automatic_forward": True},
        {"from": OTHER_BOT},
        {"from": OTHER_BOT, "via_bot": OTHER_BOT},
    ],
)
def test_posts_of_channels_and_other_bots_are_ignored(harness: BotHarness, sender: dict[str, Any], text: str) -> None:
    _, (anna,) = club(harness, 1)
    harness.telegram.raw_update({"message": in_group(text) | sender})
    anna.send("/help@soavtor_demo_bot")
    anna.wait()
    assert len(anna.bot_messages) == 1 and not harness.prompts() and not harness.db.count("user")


@pytest.mark.parametrize(
    "sender",
    [
        {"from": ADMIN_BOT, "sender_chat": GROUP},
        {"from": {**ADMIN_BOT, "id": 136817688, "username": "Channel_Bot"}, "sender_chat": CHANNEL},
        {"from": None},
    ],
)
def test_nobody_in_particular_is_told_why_and_nobody_is_charged(harness: BotHarness, sender: dict[str, Any]) -> None:
    _, (anna,) = club(harness, 1)
    harness.telegram.raw_update({"message": in_group(f"{BOT} сколько будет 6×7?") | sender})
    anna.until(lambda: anna.bot_messages)
    assert not harness.prompts() and not harness.db.count("user")


def test_words_sent_by_way_of_another_bot_are_their_senders(harness: BotHarness) -> None:
    _, (anna,) = club(harness, 1)
    harness.says("Сорок два.")
    harness.telegram.raw_update({"message": in_group(f"{BOT} сколько будет 6×7?") | {"via_bot": OTHER_BOT}})
    anna.until(lambda: [said for said in anna.bot_messages if said.text == "Сорок два."])
    assert harness.db.value("user", "spent", id=1)
