"""`reading`: a part of a story, read aloud."""

from __future__ import annotations

from ai.catalog import SPOKEN_CHARACTERS, CostMultiplier
from ai.speech import TextToSpeech
from config import Config
from core.errors import ModelError, ModelRefused
from core.schemas import Outgoing, Usage
from database import Turn
from turns.billing import TurnBilling
from turns.kinds.story import StoryKind
from turns.message_view import title_of
from turns.running_turn import RunningTurn
from turns.turn_kind import KindServices, retry_button
from turns.turn_result import TurnResult


def reading_price(config: Config, text: str) -> int:
    """Return the tokens of reading a text aloud, by each 250 characters begun, as SpeechKit charges."""
    units = max(1, -(-len(text) // SPOKEN_CHARACTERS))
    return max(1, -(-units * SPOKEN_CHARACTERS * config.tts_tokens_per_1000 // 1000))


def read_aloud(speech: TextToSpeech, running: RunningTurn, text: str, voice: str, tokens: int) -> TurnResult:
    """Have a text read, in as many recordings as that takes; `tokens` are what it costs. Raise `ModelError`."""
    turn = running.turn
    recordings = speech.speak(text, voice, running.cancel, user_id=turn.user_id, turn_id=turn.id)
    if not recordings:
        raise ModelRefused("nothing to read aloud")
    return TurnResult("answered", files=tuple(recordings), usage=Usage(tokens, 0))


class StoryReading(StoryKind):
    """A reading of the part that the turn names, in the voice that its hint names."""

    name = "reading"
    wait_line = "voice.wait"
    by_service = True
    chat_action = "record_voice"

    def __init__(self, services: KindServices, *, billing: TurnBilling, speech: TextToSpeech) -> None:
        super().__init__(services)
        self._billing = billing
        self._speech = speech

    def run(self, running: RunningTurn) -> TurnResult:
        """Have the part read, in as many recordings as that takes."""
        turn = running.turn
        part = self._db.tree.get(turn.prompt_id)
        assert part is not None  # a reading is asked for a part
        tokens = reading_price(self._config, part.text)
        self._billing.reserve(running, self.name, tokens, input_tokens=tokens)
        return read_aloud(self._speech, running, part.text, turn.hint, tokens)

    def least_price(self, weight: CostMultiplier) -> int:
        """Return what the shortest text costs."""
        return reading_price(self._config, "")

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Show the recordings, numbered if there are several."""
        story = self._story(turn)
        part = self._db.tree.parts(turn.prompt_id, story.starts_after)
        caption = self._texts(turn).plain("voice.caption", title=title_of(story), part=part)
        messages = []
        for number, recording in enumerate(result.files, start=1):
            numbered = caption if len(result.files) == 1 else f"{caption} · {number}/{len(result.files)}"
            files = {"voice": ("voice.ogg", recording)}
            messages.append(Outgoing(turn.chat_id, "sendVoice", {"caption": numbered}, files))
        return messages

    def failed(self, turn: Turn, error: Exception | None) -> list[Outgoing]:
        """Say what went wrong, with a button for another try."""
        if not isinstance(error, ModelError):
            return super().failed(turn, error)
        return [self._say(turn, "voice.away", retry_button(turn))]
