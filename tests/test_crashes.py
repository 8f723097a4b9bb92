"""Killed at any moment, the bot answers every message once and in order, and charges every token once.

The kills are `SIGKILL` to a real process; `CHAOS_KILLS` (make chaos) says how many the random test does, `CHAOS_MODE`
how it streams: with `edit` its answers are slow and long enough to be shown before they are whole.

Doesn't cover a machine that loses power: what the disk had not yet written then is Telegram's to deliver again.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from ai.opus_splitter import Recording, read, write
from sandbox.buyer import begin_to_pay
from sandbox.model_faults import Behaviour, Received
from sandbox.payments import Checkout
from sandbox.users import ChatUser
from tests.bot_database import Not
from tests.counted_servers import is_stream
from tests.growing import each_shown, wait_growing
from tests.harness import ADMIN_ID, ROOT, BotHarness, until
from tests.poisoned_bot import DEADLY, DEATH
from tests.test_pictures import picture

KILLS = int(os.environ.get("CHAOS_KILLS", "10"))
MODE = os.environ.get("CHAOS_MODE", "draft")
START_S = 60.0  # for the bot's first start, on a busy machine
WRITERS = 5
ASKERS = 2  # of them, who ask about photos too, in a topic of their own and with a model that takes pictures
SEES = "qwen3.6-35b-a3b"
MOST_OPEN = 3  # messages of one writer that wait for their answers; the bot takes five
PACK = 1000
SHOP = {"STARS_PER_1000_TOKENS": 1, "STARS_PACKS": PACK, "SUPPORT_CONTACT": "@seller"}
RICH = {"USER_TOKENS": 10**9, "MAX_PROJECT_TOKENS": 10**9, "MAX_TOKENS_PER_SESSION": 10**9}
_TUNE = read((ROOT / "tests" / "voice.ogg").read_bytes())
TAG = re.compile(r"ход (\d+-\d+)")
ANSWER = re.compile(r"Случился ход (\d+-\d+)")


@each_shown
def test_killed_in_the_middle_of_an_answer_it_answers_after_the_restart_and_charges_once(
    make_harness: Callable[..., BotHarness], mode: str
) -> None:
    harness = make_harness(STREAMING=mode)
    process = harness.process()
    person = harness.writer()
    paid = harness.db.total("call", "charged")
    begun = "Он шёл по самому краю берега. Он бежал по воде, не касаясь её. "
    harness.says(f"{begun}Он летел над морем, и никто его не видел.", chunks=2, hang_after=1)
    person.press("▶️ Дальше")
    wait_growing(person, "Он шёл", mode)
    until(lambda: harness.db.count("growing") == (mode == "edit"))
    assert harness.db.value("user", "reserved") > 0
    harness.kill(process)
    harness.says(f"{begun}Он прибежал.")
    harness.process()
    person.wait("Он прибежал.")
    until(harness.settled)
    assert [message.text for message in person.bot_messages if "Он шёл" in message.text] == [f"{begun}Он прибежал."]
    assert not harness.db.count("growing")
    assert harness.db.count("call", state="lost") == 1
    assert harness.db.value("budget", "lost") > 0
    assert harness.db.total("call", "charged") > paid
    harness.check_books()


@dataclass
class Writer:
    """Somebody who writes on in a topic without waiting for each answer."""

    person: ChatUser
    sent: list[str] = field(default_factory=list)
    checkouts: list[Checkout] = field(default_factory=list)

    @property
    def name(self) -> int:
        return self.person.id

    def buy(self, chance: random.Random) -> None:
        """Now and then confirm a payment; the bot may be dead when it is to answer."""
        if chance.random() < 0.2:
            self.checkouts.append(begin_to_pay(self.person, next(iter(self.person.state.shop["invoices"]))))

    def bought(self) -> int:
        return PACK * sum(bool(checkout.ok) for checkout in self.checkouts)

    def shown(self) -> list[str]:
        """Return the tags of the answers on the screen of the topic, in order."""
        said = [message.text for message in self.person.bot_messages if message.topic_id == self.person.topic_id]
        return [found[1] for text in said if (found := ANSWER.search(text))]

    def answers(self) -> list[str]:
        """Return what is shown, one shown twice in a row counted once."""
        return [tag for tag, _ in itertools.groupby(self.shown())]

    def shown_twice(self) -> int:
        return len(self.shown()) - len(self.answers())

    def write(self) -> None:
        if len(self.sent) - len(self.answers()) < MOST_OPEN:
            tag = f"{self.name}-{len(self.sent) + 1}"
            self.sent.append(tag)
            number = len(self.sent)
            if number % 3:
                self.person.send(f"И настал ход {tag}, долгий и трудный.")
            else:
                self.write_otherwise(tag, number)

    def write_otherwise(self, tag: str, number: int) -> None:
        """Say it; what is recognised goes by the recording's number."""
        self.person.voice(write(Recording(_TUNE.head, _TUNE.packets[:50]), serial=self.name << 16 | number))


class Asker(Writer):
    """Somebody who asks about photos, too."""

    @property
    def name(self) -> int:
        return 100 + self.person.id

    def write_otherwise(self, tag: str, number: int) -> None:
        self.person.photo(picture("navy", (64, 48)), f"Что за ход {tag} на этом снимке?")


def answer_by_tag(chance: random.Random) -> Callable[[Received], Behaviour]:
    """Return a model that answers words with their own tag, so that all answers differ; it recognises speech, too."""

    def rule(received: Received) -> Behaviour:
        if received.kind == "stt":
            serial = int.from_bytes(received.body["audio"][14:18], "little")
            heard = f"И настал ход {serial >> 16}-{serial & 0xFFFF}, долгий и трудный."
            return Behaviour(heard=heard, first_chunk_s=chance.uniform(0, 0.1))
        if not is_stream(received):
            return Behaviour(text="Память: было долго и трудно.") if received.kind == "completion" else Behaviour()
        found = TAG.findall(str(received.body["messages"][-1]))
        text = f"Случился ход {found[-1]}. Потом стало тихо." if found else "Начало."
        if MODE == "edit":
            return Behaviour(text=f"{text} {'Было тихо. ' * 20}", chunk_s=chance.uniform(0, 0.4), chunks=4)
        return Behaviour(text=text, first_chunk_s=chance.uniform(0, 0.1), chunk_s=0.01, chunks=4)

    return rule


def begun_stories(harness: BotHarness) -> list[Writer]:
    """Return five users in the topics of their stories, which have begun."""
    people = [harness.at_summary(number) for number in range(1, WRITERS + 1)]
    for person in people:
        person.press("✨ Начать историю")

    def topic_of(person: ChatUser) -> int:
        return next((message.topic_id for message in person.bot_messages if "Начало." in message.text), 0)

    return [
        Writer(ChatUser(person.api, person.user, person.chat, until(lambda person=person: topic_of(person))))  # type: ignore[misc]
        for person in people
    ]


def askers(harness: BotHarness) -> list[Writer]:
    """Return users in topics where they chat, with a model that takes pictures."""
    asking: list[Writer] = []
    for number in range(1, ASKERS + 1):
        topic = harness.telegram.user(number).new_topic("Разное")
        for command, told in ((f"/model {SEES}", "Теперь для вас пишет"), ("/chat", "С чего начать")):
            topic.send(command)
            topic.wait(told)
        asking.append(Asker(topic))
    return asking


@pytest.mark.timeout(180 + 6 * KILLS)
def test_random_kills_lose_nothing_and_charge_nothing_twice(make_harness: Callable[..., BotHarness]) -> None:
    seed = int(os.environ.get("CHAOS_SEED", "7"))
    chance = random.Random(seed)
    harness = make_harness(
        MODEL_SLOTS=2, MAX_TOKENS_PER_REQUEST=1500, MAX_TOKENS_PER_ANSWER=300, STREAMING=MODE, **RICH, **SHOP
    )
    harness.models.faults.rule = answer_by_tag(random.Random(seed))
    harness.telegram.api.has_topics = True
    process = harness.process()
    first = harness.telegram.user(WRITERS + 1)
    first.send("/start")
    first.wait("Кнопки под сообщением", START_S)  # the bot has its tables
    until(lambda: harness.db.values("setting", "value", key="has_topics") == ["1"])
    writers = begun_stories(harness) + askers(harness)
    until(lambda: harness.telegram.state.shop["invoices"])
    for _ in range(KILLS):
        dies_at = time.monotonic() + chance.uniform(0.3, 1.2)
        while time.monotonic() < dies_at:
            writer = chance.choice(writers)
            writer.write()
            writer.buy(chance)
            time.sleep(chance.uniform(0, 0.05))
        harness.kill(process)
        process = harness.process()
    for writer in writers:
        writer.write()
    with suppress(AssertionError):  # what is missing is said below
        until(lambda: all(writer.answers() == writer.sent for writer in writers) and harness.settled(), 60 + KILLS)
    process.send_signal(signal.SIGTERM)
    assert process.wait(25) == 0
    for writer in writers:
        assert writer.answers() == writer.sent
        assert writer.shown_twice() <= KILLS
        assert not [message for message in writer.person.bot_messages if "сломалось" in message.text]
    assert harness.db.count("inbox", state="aside") == 0
    assert harness.db.count("turn", state="failed") == 0
    said = sum(len(writer.sent) // 3 for writer in writers if not isinstance(writer, Asker))
    assert harness.db.count("turn", kind="hearing", state="answered") == said
    harness.check_books()
    for user_id in range(1, WRITERS + 1):
        bought = sum(writer.bought() for writer in writers if writer.person.id == user_id)
        assert harness.db.total("payment", "tokens", user_id=user_id) == bought
    charges = harness.telegram.state.shop["charges"]
    assert set(charges) == set(harness.db.values("payment", "charge_id")) and 2 * len(charges) >= KILLS
    # A notice that was on its way at the kill has an id that nobody knows of: that one stays. Here somebody waits for
    # a slot at nearly every moment, so that about one kill in ten meets one.
    notices = [message for writer in writers for message in writer.person.bot_messages if "в очереди" in message.text]
    assert len(notices) <= 1 + KILLS // 2


# ---------------------------------------------------------------------- poison


def test_an_update_that_kills_the_process_three_times_becomes_a_dead_letter_and_the_rest_goes_on(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness()
    process = harness.process("-m", "tests.poisoned_bot")
    admin, victim, other = harness.new_person(ADMIN_ID), harness.new_person(1), harness.new_person(2)
    admin.send("/debug")
    admin.wait("Отладка включена")
    with harness.telegram.state.lock:
        victim.send(DEADLY)
        victim.send("/help")
        other.send("/help")
    for _ in range(3):
        assert process.wait(10) == DEATH
        process = harness.process("-m", "tests.poisoned_bot")
    victim.wait("я его отложил", since=0)
    victim.wait("Мы пишем историю вдвоём")
    other.wait("Мы пишем историю вдвоём")
    assert "died 3 times" in admin.wait("🐞 inbox").text
    assert "event=update_dead_lettered" in harness.log()
    assert process.poll() is None
    assert harness.db.count("inbox", state="aside") == 1


def test_waiting_for_the_model_does_not_count_against_the_words_that_wait(
    make_harness: Callable[..., BotHarness],
) -> None:
    harness = make_harness()
    harness.start()
    person = harness.writer()
    harness.models.faults.rule = lambda received: Behaviour(hang=True)
    person.press("▶️ Дальше")
    until(lambda: len(harness.prompts()) == 2)
    person.send("Слова, которые ждут.")
    person.wait("Я ещё пишу")
    for restart in range(1, 6):
        harness.restart()
        until(lambda restart=restart: len(harness.prompts()) == 2 + restart)  # type: ignore[misc]
        until(lambda: not harness.db.value("inbox", "attempts", state="new"))
    harness.models.faults.rule = lambda received: Behaviour(text=f"Ответ {len(harness.prompts())}.")
    harness.restart()
    person.wait("Ответ 9.", since=0)
    assert harness.prompts()[-1][-1]["text"].startswith("Слова, которые ждут.")
    assert not [message for message in person.bot_messages if "отложил" in message.text]
    until(lambda: not [message for message in person.shown if "Я ещё пишу" in message.text])


UNREADABLE: dict[str, dict[str, Any]] = {
    "a message without anything": {"message": {"message_id": 1}},
    "a message of another shape": {"message": {"message_id": "x", "chat": {"id": 1}, "date": []}},
    "a button without a sender": {"callback_query": {"id": "1"}},
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_update_becomes_a_dead_letter_at_once_and_is_told_to_the_admin(
    harness: BotHarness, name: str
) -> None:
    admin, person = harness.new_person(ADMIN_ID), harness.new_person()
    admin.send("/debug")
    admin.wait("Отладка включена")
    harness.telegram.raw_update(UNREADABLE[name])
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    assert "unreadable update" in admin.wait("🐞 inbox").text
    assert harness.db.count("inbox", state="aside", attempts=0) == 1


HOSTILE: dict[str, dict[str, Any]] = {
    "a chat with too large a number": {"chat": {"id": 10**30, "type": "private"}},
    "a chat that is no object": {"chat": 5},
    "no chat at all": {"chat": None},
    "a sender without a name": {"from": {"id": 5}},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_update_stops_the_others(harness: BotHarness, name: str) -> None:
    person = harness.new_person()
    message = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": 1, "type": "private", "first_name": "Анна"},
        "from": {"id": 1, "is_bot": False, "first_name": "Анна"},
        "text": "слово",
    }
    harness.telegram.raw_update({"message": message | HOSTILE[name]})
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")
    until(lambda: not harness.db.count("inbox", state="new"))


def test_text_that_no_database_can_hold_is_kept_readable(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Дальше.")
    sender = b'{"id":1,"is_bot":false,"first_name":"\\ud83d"}'
    chat = b'{"id":1,"type":"private","first_name":"A"}'
    message = b'{"message_id":1,"date":1,"text":"half \\ud83d a pair","chat":%b,"from":%b}' % (chat, sender)
    # Past the stand-in, which can't write it either.
    body = b'{"ok":true,"result":[{"update_id":5,"message":%b}]}' % message
    harness.telegram.faults.not_json("getUpdates", body)
    person.send("/help")
    person.wait("Дальше.", since=0)
    assert harness.prompts()[-1][-1]["text"].startswith("half ? a pair")


# ---------------------------------------------------------------------- whatever breaks, nobody is left writing


def test_a_turn_whose_story_is_broken_ends_with_an_apology_and_holds_nothing(harness: BotHarness) -> None:
    person = harness.writer()
    harness.says("Дальше.", first_chunk_s=0.5)
    person.press("▶️ Дальше")
    until(lambda: len(harness.prompts()) == 2)
    harness.db.delete("story")
    person.wait("Произошла ошибка")
    until(harness.settled)
    harness.check_books()
    person.send("/help")
    person.wait("Мы пишем историю вдвоём")


def test_places_in_the_queue_are_shown_again_after_a_restart(make_harness: Callable[..., BotHarness]) -> None:
    harness = make_harness(MODEL_SLOTS=1)
    harness.start()
    first, second = harness.at_summary(1), harness.at_summary(2)
    harness.models.faults.rule = lambda received: Behaviour(hang=True)
    first.press("✨ Начать историю")
    until(lambda: len(harness.prompts()) == 1)
    second.press("✨ Начать историю")
    old = second.wait("Вы в очереди: место 1")
    harness.stop(0.0)
    harness.start()
    second.until(lambda: old.id not in [message.id for message in second.shown])
    new = second.wait(lambda message: "Вы в очереди: место 1" in message.text and message.id != old.id)
    harness.models.faults.rule = lambda received: Behaviour(text="Начало.")
    harness.restart()
    first.wait("Начало.")
    second.wait("Начало.")
    second.until(lambda: not [message for message in second.shown if message.id == new.id])
    until(lambda: harness.db.count("turn", notice_message_id=Not(None)) == 0)
