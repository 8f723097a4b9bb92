"""What every kind of turn must have: a row in the docs, prompts, a price, and a sentence for each of its ends."""

from __future__ import annotations

import errno
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast
from unittest import mock

import pytest

from ai.catalog import CostMultiplier, Model
from ai.registry import ModelRegistry
from config import Config
from conversation.personas import Persona
from core.errors import (
    CoauthorError,
    LimitReached,
    ModelAway,
    ModelBusy,
    ModelDenied,
    ModelRefused,
    PromptTooLong,
    StorageError,
)
from core.metrics import SILENT
from core.schemas import Message, Outgoing
from database import Database, Turn
from gpt import GPT
from telegram.chat_queue import ChatQueues
from tests.ready_made import new_database, shipped_locales
from turns.billing import TurnBilling
from turns.brought import Source
from turns.completion import TurnCompletion
from turns.generation import TextGenerator
from turns.kinds.registry import MediaServices, build_kinds
from turns.memory import PromptSource
from turns.running_turn import OpenCall, RunningTurn, RunningTurns
from turns.session_warnings import SessionWarnings
from turns.sight import Sight
from turns.turn_commit import MOST_COMMIT_FILE_FAILURES, TurnCommits
from turns.turn_kind import BelongsTo, TurnKind, TurnKinds
from turns.turn_result import TurnResult

ROOT = Path(__file__).resolve().parent.parent
LOCALES = shipped_locales()
CONFIG = Config.from_env(
    {"TELEGRAM_TOKEN": "123456789:" + "A" * 35, "YANDEX_FOLDER_ID": "b1g", "YANDEX_API_KEY": "k", "ADMIN_IDS": "9"}
)
HINTS = {
    "hearing": json.dumps({"message_id": 5, "voice": {"file_id": "f", "duration": 3}}),
    "bringing": Source(text="Маяк погас. Туман").as_hint(),
}
USER_ID = CHAT_ID = 1
UNASKED = "letter"  # nobody waits for it: its failure says nothing
SAYING = ("sendMessage", "editMessageText")  # a guest's message is changed
TEXT = "Маяк погас. Туман"

LIMITS = [LimitReached(limit, used=9, allowed=10) for limit in ("session", "sessions", "balance", "project", "request")]
ERRORS: list[Exception] = [
    *(ModelAway("a"), ModelBusy("b"), ModelRefused("r"), ModelDenied("d", status=403), PromptTooLong("p")),
    *(StorageError("s"), ValueError("a bug"), *LIMITS),
]


class PromptsRead(CoauthorError):
    """Ends a run as soon as its prompts are known."""


class PromptReader:
    """A generator that asks no model: it makes the prompts and stops there."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.messages: list[Message] = []
        self.tokens = 0  # of every prompt

    def estimate(self, source: PromptSource, prompt_id: int | None) -> int:
        return self.tokens

    def stream(self, running: RunningTurn, source: PromptSource, **_: Any) -> None:
        path = self._db.tree.path(running.turn.prompt_id)
        self.messages = [*source.prompt(path), *source.memory_prompt("Память.", path.prompts)]
        raise PromptsRead

    ask = rebuild_memory = stream


@dataclass
class Kinds:
    """The real kinds over a real database, and a user who writes with them."""

    db: Database
    kinds: TurnKinds
    reader: PromptReader

    def completion(self) -> TurnCompletion:
        return TurnCompletion(
            db=self.db,
            kinds=self.kinds,
            billing=TurnBilling(config=CONFIG, db=self.db, gpt=cast(GPT, None)),
            warnings=SessionWarnings(
                config=CONFIG, db=self.db, locales=LOCALES, registry=ModelRegistry(Model("m", title="M"))
            ),
            metrics=SILENT,
        )

    def turn(self, kind: TurnKind, language: str) -> Turn:
        """Return a running turn of this kind, as a handler leaves it."""
        self.db.users.register(USER_ID, None, "А", None, language=language, balance=10_000, now=1)
        session_id: int | None = None
        prompt_id = None
        if kind.belongs_to is BelongsTo.STORY:
            session_id = self.db.stories.create(
                USER_ID, CHAT_ID, genre="г", hero="г", setting="м", extra="", title="", now=1, language=language
            )
        elif kind.name == UNASKED:
            cat = self._want_letters(language)
            session_id = self.db.talks.create(USER_ID, CHAT_ID, 1, kind="character", character_id=cat)
        elif kind.belongs_to is BelongsTo.TALK:
            session_id = self.db.talks.create(USER_ID, CHAT_ID, 1)
        if session_id is not None:
            prompt_id = self.db.tree.add(session_id, None, USER_ID, "assistant", TEXT, now=1)
            self.db.tree.set_head(session_id, prompt_id, 1)
        [row] = self.db.inbox.add([(1, CHAT_ID, "{}")], 1)
        self.db.outbox.add(
            row.id, [Outgoing(CHAT_ID, "answerGuestQuery", {})]
        )  # without it a guest has nowhere to answer
        turn_id = self.db.turns.add(
            inbox_id=row.id,
            chat_id=CHAT_ID,
            user_id=USER_ID,
            session_id=session_id,
            kind=kind.name,
            prompt_id=prompt_id,
            hint=HINTS.get(kind.name, ""),
            now=1,
        )
        turn = self.db.turns.start(turn_id)
        assert turn is not None
        return turn

    def _want_letters(self, language: str) -> int:
        """Have a character write first, since noon of a day to come; return its id."""
        cat = self.db.characters.add(USER_ID, language, Persona("К", "к", "м", "к"), 1)
        self.db.first_letters.ask(USER_ID, cat)
        self.db.first_letters.set_zone(USER_ID, 0)
        self.db.first_letters.begin(USER_ID, 30_000 * 86_400 + 43_200, 1)
        return cat


def build(db: Database) -> Kinds:
    nothing = cast(Any, None)  # no run gets as far as a service
    reader = PromptReader(db)
    kinds = build_kinds(
        config=CONFIG,
        db=db,
        locales=LOCALES,
        registry=ModelRegistry(Model("m", title="M")),
        billing=TurnBilling(config=CONFIG, db=db, gpt=cast(GPT, None)),
        generator=cast(TextGenerator, reader),
        sight=cast(Sight, None),
        media=MediaServices(images=nothing, speech=nothing, recognition=nothing, files=nothing),
    )
    return Kinds(db, kinds, reader)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Kinds]:
    db = new_database(tmp_path / "bot.db")
    yield build(db)
    db.close()


KINDS = build(cast(Database, None)).kinds
NAMES = sorted(KINDS)
every_kind = pytest.mark.parametrize("name", NAMES)
every_language = pytest.mark.parametrize("language", sorted(LOCALES))


def assert_said(messages: list[Outgoing]) -> None:
    """There are sentences, each with all its values filled in."""
    sentences = [str(message.params["text"]) for message in messages if message.method in SAYING]
    assert sentences
    for shown in sentences:
        assert shown.strip() and not re.search(r"\{\w*\}", shown)


def test_the_table_of_the_architecture_names_every_kind_and_no_other() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    table = page.partition("## Kinds of turns")[2].partition("\n#")[0]
    rows = re.findall(r"^\|(.*?)\|", table, re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == NAMES


@every_kind
@every_language
def test_a_kind_has_a_name_in_the_statistics(name: str, language: str) -> None:
    assert f"purpose.{name}" in LOCALES[language].templates()


@every_kind
def test_a_turn_holds_tokens(made: Kinds, name: str) -> None:
    assert made.kinds[name].least_price(CostMultiplier()) > 0


@every_kind
def test_no_session_makes_a_turn_hold_more_at_least_than_its_kind_says(made: Kinds, name: str) -> None:
    kind = made.kinds[name]
    session_id = made.turn(kind, "ru").session_id or None
    for made.reader.tokens in (0, CONFIG.max_tokens_per_request // 2, CONFIG.max_tokens_per_request, 10**6):
        for weight in (CostMultiplier(), CostMultiplier(Fraction(7, 3), Fraction(1, 9))):
            assert kind.least_price_in(session_id, weight) <= kind.most_price(weight)


@every_kind
def test_whoever_spends_tokens_stays_within_a_balance_and_the_project(made: Kinds, name: str) -> None:
    kind = made.kinds[name]
    user, admin = (kind.caps(user_id, CostMultiplier()) for user_id in (USER_ID, 9))
    assert user.balance and not admin.balance
    assert user.project == CONFIG.max_project_tokens
    assert (user.session is None) == (user.sessions is None) == (kind.belongs_to is BelongsTo.NOTHING)


@pytest.mark.parametrize("name", [name for name in NAMES if not KINDS[name].by_service])
@every_language
def test_a_model_is_asked_in_the_language_of_the_session(made: Kinds, name: str, language: str) -> None:
    kind = made.kinds[name]
    turn = made.turn(kind, language)
    with pytest.raises(PromptsRead):
        kind.run(RunningTurn(turn, kind))
    asked = " ".join(message.text for message in made.reader.messages).replace(TEXT, "")
    assert all(message.text.strip() for message in made.reader.messages)
    assert bool(re.search("[а-я]{4}", asked.replace("Память.", ""))) == (language == "ru")


@every_kind
def test_what_is_shown_while_it_grows_is_kept_by_a_stop_and_by_a_failure(made: Kinds, name: str) -> None:
    kind = made.kinds[name]
    kept = [kind.draft(TEXT, ""), kind.text_after_stop(TEXT, ""), kind.text_after_failure(TEXT, "")]
    assert all(kept) or not any(kept)


@every_kind
@every_language
def test_a_stop_says_something(made: Kinds, name: str, language: str) -> None:
    kind = made.kinds[name]
    assert_said(kind.stopped(made.turn(kind, language), ""))


@every_kind
@every_language
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_failure_says_something(made: Kinds, name: str, language: str, error: Exception) -> None:
    kind = made.kinds[name]
    said = kind.failed(made.turn(kind, language), error)
    if name == UNASKED:
        assert not said
    else:
        assert_said(said)


@every_kind
@every_language
@pytest.mark.parametrize("error", LIMITS, ids=lambda error: error.limit)
def test_a_limit_says_something(made: Kinds, name: str, language: str, error: LimitReached) -> None:
    kind = made.kinds[name]
    turn = made.turn(kind, language)
    assert_said([kind.limit_message(USER_ID, CHAT_ID, turn.session_id or None, error)])


@every_kind
@every_language
def test_a_turn_that_cannot_be_ended_otherwise_says_something(made: Kinds, name: str, language: str) -> None:
    kind = made.kinds[name]
    said = kind.abandoned(made.turn(kind, language))
    if name == UNASKED:
        assert not said
    else:
        assert_said(said)


@every_kind
@pytest.mark.parametrize(
    "result", [TurnResult("answered", TEXT), TurnResult("failed", error=ModelAway("a"))], ids=["answered", "failed"]
)
def test_a_result_that_comes_after_a_stop_changes_nothing(made: Kinds, name: str, result: TurnResult) -> None:
    kind = made.kinds[name]
    turn = made.turn(kind, "ru")
    completion = made.completion()
    completion.stop(turn, None)
    before = made.db._connection.total_changes
    assert completion.store(RunningTurn(turn, kind), result) is None
    assert made.db._connection.total_changes == before


@dataclass
class UnreadableFile:
    """A kind whose run asks for an answer and then can't read a file."""

    by_service: bool = True
    runs: int = 0

    def run(self, running: RunningTurn) -> TurnResult:
        self.runs += 1
        running.call = OpenCall(1, Model("m", title="M"), 5)
        raise OSError(errno.EIO, "Input/output error")


def test_what_a_service_makes_is_not_bought_again_because_a_file_cannot_be_read(made: Kinds) -> None:
    kind = UnreadableFile()
    nothing: Any = None
    commits = TurnCommits(
        db=made.db,
        completion=made.completion(),
        running_turns=RunningTurns(),
        queues=nothing,
        notices=nothing,
        delivery=nothing,
        chats=nothing,
    )
    with pytest.raises(OSError, match="Input/output"):
        commits.run(RunningTurn(made.turn(made.kinds["picture"], "ru"), cast(TurnKind, kind)))
    assert kind.runs == 1


class UnreadableAnswer:
    """A kind that can't read a file whenever its answer is to be shown."""

    def __init__(self, kind: TurnKind) -> None:
        self._kind = kind
        self.tries = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kind, name)

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        self.tries += 1
        raise OSError(errno.EIO, "Input/output error")


class Passing(threading.Event):
    """Never set, and waited for in no time."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_s += timeout or 0
        return False


def test_an_answer_that_cannot_be_shown_for_a_file_that_cannot_be_read_becomes_an_apology(made: Kinds) -> None:
    kind, chats, sent = UnreadableAnswer(made.kinds["part"]), ChatQueues(), mock.Mock()
    turns = RunningTurns()
    turns.stopping = passing = Passing()
    commits = TurnCommits(
        db=made.db,
        completion=made.completion(),
        running_turns=turns,
        queues=sent.queues,
        notices=sent.notices,
        delivery=sent.delivery,
        chats=chats,
    )
    turn = made.turn(cast(TurnKind, kind), "ru")
    committed = commits.commit(RunningTurn(turn, cast(TurnKind, kind)), TurnResult("answered", TEXT))
    assert committed is not None and committed.state == "failed"
    assert kind.tries == 1 + MOST_COMMIT_FILE_FAILURES and 60 <= passing.waited_s < 120
    assert not made.db.turns.is_open(turn.id)
    assert sent.delivery.wake.call_args.args[0]  # the apology is on its way


def test_a_letter_that_comes_to_nothing_is_not_counted_and_another_character_writes_none(made: Kinds) -> None:
    kind = made.kinds[UNASKED]
    turn = made.turn(kind, "ru")
    letters = made.db.first_letters
    kind.abandoned(turn)
    letter = letters.get(USER_ID)
    assert letter is not None and letter.unanswered == 0
    letters.ask(USER_ID, made.db.characters.add(USER_ID, "ru", Persona("Л", "л", "м", "л"), 1))
    assert kind.run(RunningTurn(turn, kind)) == TurnResult("failed")
