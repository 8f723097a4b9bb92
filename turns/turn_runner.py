"""One turn from its start to its committed end."""

from __future__ import annotations

import logging

from core.errors import CoauthorError, ModelCancelled
from core.logs import event
from core.metrics import Metrics
from core.schemas import Usage
from monitoring.analytics import Analytics
from turns.notices import TurnNotices
from turns.running_turn import RunningTurn, RunningTurns
from turns.story_topics import StoryTopics
from turns.turn_commit import TurnCommits
from turns.turn_kind import TurnKinds
from turns.turn_result import TurnResult

log = logging.getLogger(__name__)


class TurnRunner:
    """Runs turns, in the worker's thread."""

    def __init__(
        self,
        *,
        kinds: TurnKinds,
        running_turns: RunningTurns,
        commits: TurnCommits,
        notices: TurnNotices,
        analytics: Analytics,
        topics: StoryTopics,
        metrics: Metrics,
    ) -> None:
        self._kinds = kinds
        self._running_turns = running_turns
        self._commits = commits
        self._notices = notices
        self._analytics = analytics
        self._topics = topics
        self._metrics = metrics

    def run(self, turn_id: int) -> None:
        """Run a waiting turn to its end; do nothing if it was stopped while it waited. Raises `StorageError`."""
        turn = self._topics.start(turn_id)
        if turn is None:
            return
        running = RunningTurn(turn, self._kinds[turn.kind])
        try:
            # A stop that comes before this line is noticed when tokens are reserved.
            self._running_turns.add(running)
            self._notices.typing(turn, running.kind.chat_action)
            self._analytics.tell("request_sent", turn.user_id, kind=turn.kind)
            self._run(running)
        finally:
            self._running_turns.remove(turn_id)

    def _run(self, running: RunningTurn) -> None:
        try:
            result = self._commits.run(running)
        except ModelCancelled:
            return  # the stop has ended the turn
        except Exception as error:
            if not isinstance(error, CoauthorError):
                event(log, logging.ERROR, "turn_failed", turn=running.turn.id, exc_info=True)
            committed = self._commits.commit_failure(running, error)
        else:
            if result is None:
                return  # asked again at the next start
            self._report_answer(running, result)
            committed = self._commits.commit(running, result)
        self._report_end(running, committed)

    def _report_answer(self, running: RunningTurn, result: TurnResult) -> None:
        """Tell analytics that an answer has come, before it is known whether it can be stored."""
        turn, usage = running.turn, result.usage or Usage(0, 0)
        milliseconds = round(running.seconds * 1000)
        tokens = {"input_tokens": usage.input, "output_tokens": usage.output}
        self._analytics.tell("response_received", turn.user_id, kind=turn.kind, milliseconds=milliseconds, **tokens)

    def _report_end(self, running: RunningTurn, committed: TurnResult | None) -> None:
        """Tell log, metrics and analytics how the turn ended. `committed` is None if a stop was faster."""
        turn, seconds = running.turn, running.seconds
        usage = committed.usage if committed is not None else None
        if committed is not None:
            first_text_s = running.first_text_at - running.started_at if running.first_text_at is not None else None
            self._metrics.turn_ended(turn.kind, committed.state, seconds, first_text_s)
            if committed.state == "answered" and running.kind.written_event:
                self._analytics.tell(running.kind.written_event, turn.user_id, variant=turn.variant)
        event(
            log,
            logging.INFO,
            "turn_ended",
            user=turn.user_id,
            session=turn.session_id,
            turn=turn.id,
            kind=turn.kind,
            chars=len(committed.text) if committed is not None else 0,
            input=usage.input if usage is not None else None,
            output=usage.output if usage is not None else None,
            ms=round(seconds * 1000),
        )
