"""Fields that an older Bot API server refuses: what goes out in their place, and that it is remembered."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from conversation.keyboards import copy_button, inline, page_row
from core.errors import TelegramRefused
from core.schemas import Json
from telegram.newer_fields import EPHEMERAL, NewerFields
from tests.harness import BotHarness, until
from tests.test_groups import club

KEYBOARD = inline([("Удалить", "delete:1")], page_row("shelf", 0, 2), copy_button("Скопировать", "https://t.me/bot"))
PARAMS: dict[str, Json] = {
    "text": "х",
    "reply_markup": KEYBOARD,
    "message_effect_id": "1",
    EPHEMERAL: {"receiver_user_id": 1},
}
ALL = ["disabled", "copy_text", "style", EPHEMERAL, "message_effect_id"]


class Notes(dict[str, str]):
    """The bot's notes, in memory."""

    def put(self, key: str, value: str) -> None:
        self[key] = value


class Server:
    """A Bot API server that refuses some fields, and notes what it took."""

    def __init__(self, *refused: str, description: str = "can't parse inline keyboard button: Text buttons") -> None:
        self.refused, self.description = refused, description
        self.calls = 0
        self.taken: list[str] = []

    def call(self, params: Mapping[str, Json]) -> Json:
        self.calls += 1
        if any(f"'{name}'" in str(params) for name in self.refused):
            raise TelegramRefused("sendMessage", 400, f"Bad Request: {self.description}")
        self.taken.append(str(params))
        return {"message_id": 1}


def test_a_server_that_knows_all_gets_all_at_once() -> None:
    server, notes = Server(), Notes()
    NewerFields(notes, "http://a").call(PARAMS, server.call)
    [taken] = server.taken
    assert all(f"'{name}'" in taken for name in ALL) and server.calls == 1 and not notes
    assert "{'text': '◀', 'disabled': {}}" in taken  # one action a button


def test_the_login_of_a_server_is_not_noted() -> None:
    notes = Notes()
    NewerFields(notes, "http://name:password@a").call(PARAMS, Server("style").call)
    NewerFields(notes, "http://name:password@a").call({EPHEMERAL: {}}, lambda _: {"ephemeral_message_id": 1})
    assert len(notes) == 2 and "http://a" in str(notes) and "password" not in str(notes)


def test_a_login_that_an_earlier_version_noted_is_cut_off() -> None:
    notes = Notes(
        telegram_refuses=f'{{"server": "http://name:p@ss@a", "fields": {{"style": {time.time()}}}}}',
        telegram_ephemeral="http://name:p@ss@a",
    )
    server = Server("style")
    NewerFields(notes, "http://name:new@a").call(PARAMS, server.call)
    assert server.calls == 1, "what was learned counts"
    assert "name" not in str(notes) and "ss@" not in str(notes) and notes["telegram_ephemeral"] == "http://a"


@pytest.mark.parametrize("name", ALL)
def test_a_refused_field_is_left_out_from_then_on_also_after_a_restart(name: str) -> None:
    server, notes = Server(name), Notes()
    fields = NewerFields(notes, "http://a")
    fields.call(PARAMS, server.call)
    calls = server.calls
    fields.call(PARAMS, server.call)
    NewerFields(notes, "http://a").call(PARAMS, server.call)
    assert server.calls == calls + 2
    for other in ALL:
        assert (f"'{other}'" in server.taken[-1]) == (other != name)
    NewerFields(notes, "http://b").call(PARAMS, Server().call)  # another server is asked anew


def test_two_refused_fields_are_both_learned() -> None:
    server, notes = Server("disabled", "copy_text"), Notes()
    fields = NewerFields(notes, "http://a")
    for _ in range(3):
        fields.call(PARAMS, server.call)
    assert "'callback_data': 'shelf:1'" in server.taken[-1] and "Скопировать" not in server.taken[-1]
    before = server.calls
    fields.call(PARAMS, server.call)
    assert server.calls == before + 1


@pytest.mark.parametrize("description", ["chat not found", "message is not modified", "can't parse entities: <b>"])
def test_a_refusal_for_another_reason_is_no_ones_fault(description: str) -> None:
    server, notes = Server(*ALL, description=description), Notes()
    with pytest.raises(TelegramRefused):
        NewerFields(notes, "http://a").call(PARAMS, server.call)
    assert server.calls == 1 and not notes


@pytest.mark.parametrize("noted", ["", "{", "[]", '{"server": "http://a", "fields": {"style": "x"}}', '{"fields": 1}'])
def test_a_damaged_note_is_no_note(noted: str) -> None:
    server = Server()
    NewerFields(Notes(telegram_refuses=noted), "http://a").call(PARAMS, server.call)
    assert server.calls == 1


def test_with_an_older_server_the_arrows_turn_in_a_ring_and_links_are_sent_without_a_button(
    harness: BotHarness,
) -> None:
    harness.telegram.api.refuses = frozenset(ALL)
    person = harness.writer(words="Первый.")
    harness.says("Второй.")
    person.press("🔄 Другой вариант")
    assert not any(button.disabled for row in person.wait("Второй.").buttons for button in row)
    until(harness.settled)
    person.tap("▶")
    person.wait("Первый.")
    harness.telegram.api.refuses = frozenset()  # what is learned stays
    person.tap("◀")
    assert not any(button.disabled for row in person.wait("Второй.").buttons for button in row)
    assert '"disabled"' in harness.db.value("setting", "value", key="telegram_refuses")


def test_notices_of_a_group_and_the_balance_are_seen_by_who_asked_alone(harness: BotHarness) -> None:
    _, (anna, boris) = club(harness, 1, 2)
    anna.send("/balance")
    anna.wait("Это делаем в личном чате")
    until(harness.settled)  # that the server can show it to her alone is known from now on
    anna.send("/balance")
    anna.wait("Осталось:")
    boris.send("/t")
    boris.wait("ничего не потрачено")
    assert [message.text for message in anna.bot_messages if "потрачено" in message.text.lower()] == [anna.last.text]
    assert not [message for message in boris.bot_messages if "Осталось" in message.text]
    harness.telegram.api.refuses = frozenset({EPHEMERAL})
    anna.send("/balance")  # refused: nobody gets it, rather than everybody
    anna.send("/help")
    anna.wait("Разговор у группы общий")
    until(harness.settled)
    anna.send("/balance")
    anna.send("/t")
    anna.wait("ничего не потрачено")
    assert not [message for message in boris.bot_messages if "Осталось" in message.text]
    assert [message for message in boris.bot_messages if "Разговор у группы общий" in message.text]


def test_an_end_has_confetti_a_link_is_copied_and_deleting_is_red(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("И они жили долго.")
    person.press("🏁 Финал")
    person.wait()
    harness.says("Маяк")
    person.press("😊 Счастливый")
    assert person.wait("Дописали!").effect
    person.tap("📤 Поделиться")
    shared = person.wait("Кто откроет эту ссылку")
    copies = shared.buttons[1][0]
    assert copies.copy_text is not None and copies.copy_text in shared.text
    person.send("/stories")
    person.tap(person.wait("Ваши истории").labels[0])
    styles = {button.text: button.style for row in person.wait("📖 Маяк").buttons for button in row}
    assert styles["🗑 Удалить"] == "danger" and not styles["✏️ Имя"]
    person.send("/forget_me")
    assert [button.style for row in person.wait("Удалить всё навсегда?").buttons for button in row] == ["danger", ""]
