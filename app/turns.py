"""Builds what runs turns."""

from __future__ import annotations

from dataclasses import dataclass

from ai.registry import ModelRegistry
from config import Config
from conversation.localization import Locales
from core.metrics import Metrics
from database import Database
from gpt import GPT
from monitoring.analytics import Analytics
from telegram.api_client import BotApi
from telegram.chat_queue import ChatQueues
from telegram.failure_notices import FailureNotices
from telegram.sender import Delivery
from turns.billing import TurnBilling
from turns.completion import TurnCompletion
from turns.generation import TextGenerator
from turns.kinds.registry import MediaServices, build_kinds
from turns.memory import PathMemory
from turns.model_choice import ModelChoice
from turns.notices import TurnNotices
from turns.partial_answers import PartialAnswers
from turns.running_turn import RunningTurns
from turns.session_warnings import SessionWarnings
from turns.sight import Sight
from turns.story_topics import StoryTopics
from turns.turn_commit import TurnCommits
from turns.turn_kind import TurnKinds
from turns.turn_queue import TurnQueues
from turns.turn_runner import TurnRunner
from turns.turn_service import TurnService
from turns.turn_stops import TurnStops
from turns.workers import TurnWorkers


@dataclass(frozen=True, slots=True)
class TurnOutlets:
    """The parts that turns send messages, notices and figures to."""

    api: BotApi
    delivery: Delivery
    chats: ChatQueues
    notices: FailureNotices
    analytics: Analytics
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class TurnParts:
    """What handlers call, and the threads."""

    service: TurnService
    workers: TurnWorkers


def build_turns(
    *,
    config: Config,
    db: Database,
    locales: Locales,
    gpt: GPT,
    registry: ModelRegistry,
    media: MediaServices,
    outlets: TurnOutlets,
) -> TurnParts:
    """Return the parts that run turns; no thread is started."""
    delivery, chats = outlets.delivery, outlets.chats
    asking = _build_asking(
        config=config, db=db, locales=locales, gpt=gpt, registry=registry, media=media, delivery=delivery
    )
    kinds = asking.kinds
    running_turns = RunningTurns()
    queues = TurnQueues(kinds=kinds, stopping=running_turns.stopping)
    notices = _build_notices(config, db, locales, running_turns, outlets)
    warnings = SessionWarnings(config=config, db=db, locales=locales, registry=registry)
    completion = TurnCompletion(db=db, kinds=kinds, billing=asking.billing, warnings=warnings, metrics=outlets.metrics)
    commits = TurnCommits(
        db=db,
        completion=completion,
        running_turns=running_turns,
        queues=queues,
        notices=notices,
        delivery=delivery,
        chats=chats,
    )
    runner = TurnRunner(
        kinds=kinds,
        running_turns=running_turns,
        commits=commits,
        notices=notices,
        analytics=outlets.analytics,
        topics=StoryTopics(
            db=db,
            locales=locales,
            api=outlets.api,
            delivery=delivery,
            chats=chats,
            notices=outlets.notices,
            stopping=running_turns.stopping,
        ),
        metrics=outlets.metrics,
    )
    stops = TurnStops(
        completion=completion,
        running_turns=running_turns,
        queues=queues,
        notices=notices,
        delivery=delivery,
        chats=chats,
    )
    workers = TurnWorkers(
        db=db,
        runner=runner,
        running_turns=running_turns,
        queues=queues,
        notices=notices,
        delivery=delivery,
        model_slots=config.model_slots,
    )
    service = TurnService(config=config, db=db, gpt=gpt, kinds=kinds, models=asking.models, queues=queues, stops=stops)
    return TurnParts(service, workers)


def _build_notices(
    config: Config, db: Database, locales: Locales, running_turns: RunningTurns, outlets: TurnOutlets
) -> TurnNotices:
    delivery = outlets.delivery
    partial_answers = PartialAnswers(
        config=config, db=db, locales=locales, delivery=delivery, running_turns=running_turns
    )
    return TurnNotices(
        db=db, locales=locales, delivery=delivery, partial_answers=partial_answers, failure_notices=outlets.notices
    )


@dataclass(frozen=True, slots=True)
class _Asking:
    """The parts that ask a model, and the kinds of turn that use them."""

    billing: TurnBilling
    models: ModelChoice
    kinds: TurnKinds


def _build_asking(
    *,
    config: Config,
    db: Database,
    locales: Locales,
    gpt: GPT,
    registry: ModelRegistry,
    media: MediaServices,
    delivery: Delivery,
) -> _Asking:
    billing = TurnBilling(config=config, db=db, gpt=gpt)
    sight = Sight(registry=registry, gpt=gpt)
    models = ModelChoice(db=db, locales=locales, registry=registry, billing=billing, delivery=delivery, sight=sight)
    memory = PathMemory(db=db, gpt=gpt, billing=billing)
    generator = TextGenerator(
        config=config, db=db, gpt=gpt, billing=billing, memory=memory, models=models, delivery=delivery
    )
    kinds = build_kinds(
        config=config,
        db=db,
        locales=locales,
        registry=registry,
        billing=billing,
        generator=generator,
        sight=sight,
        media=media,
    )
    return _Asking(billing=billing, models=models, kinds=kinds)
