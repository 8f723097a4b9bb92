"""The kinds of turn whose answer a service makes: pictures and readings of a story's parts, pictures of one's own
words, and voice messages that become words (`hearing`).

They wait, cost, stop and end like any other turn; only what is asked differs. A picture takes two calls, which are
paid together or not at all: the model describes the moment, the painter draws it. Prices are the configured ones, in
the same tokens as text.
"""

from __future__ import annotations

from ai.images import ImageGenerator
from ai.speech import TextToSpeech
from config import Config
from conversation.localization import Locales
from core.errors import ModelError, ModelRefused
from core.schemas import Finish, Usage
from database import Database, Prompt
from turns import story_prompts
from turns.billing import Calls, RunningTurn
from turns.transcription import Hearing

DESCRIPTION_TOKENS = 300


def picture_price(config: Config) -> int:
    """Tokens that a picture costs: the painter's price and about what its description takes."""
    return config.image_tokens + story_prompts.TAIL_CHARS // 3 + DESCRIPTION_TOKENS


def reading_price(config: Config, text: str) -> int:
    """Tokens that reading a text aloud costs."""
    return max(1, len(text) * config.tts_tokens_per_1000 // 1000)


class Media:
    """Makes what the turns of `prompting.JOBS` ask for, in the thread that calls it."""

    def __init__(
        self,
        config: Config,
        db: Database,
        calls: Calls,
        locales: Locales,
        painter: ImageGenerator,
        narrator: TextToSpeech,
        hearing: Hearing,
    ) -> None:
        self._config = config
        self._db = db
        self._calls = calls
        self._locales = locales
        self._painter = painter
        self._narrator = narrator
        self._hearing = hearing

    @property
    def voices(self) -> tuple[str, ...]:
        """The names of the voices that the narrator can read with."""
        return self._narrator.voices

    def make(self, live: RunningTurn) -> Finish:
        """Makes the files of a turn; `live` holds them and their price then. Blocks, costs money.

        Raises `ModelError` or `LimitReached`.
        """
        if live.turn.kind == "hearing":
            return self._hearing.make(live)
        if live.turn.kind == "image":
            return self._image(live)
        part = self._db.tree.get(live.turn.prompt_id)
        assert part is not None  # the others are asked for a part
        files, tokens = self._picture(live, part) if live.turn.kind == "picture" else self._reading(live, part)
        live.files, live.usage = files, Usage(tokens, 0)
        return Finish.STOP

    def _image(self, live: RunningTurn) -> Finish:
        turn, price = live.turn, self._config.image_tokens
        self._calls.reserve(live, turn.kind, price)
        live.input_tokens = price
        picture = self._painter.paint(turn.hint, live.cancel, user_id=turn.user_id, turn_id=turn.id)
        live.files, live.usage = (picture,), Usage(price, 0)
        return Finish.STOP

    def _picture(self, live: RunningTurn, part: Prompt) -> tuple[tuple[bytes, ...], int]:
        turn = live.turn
        story = self._db.stories.get(turn.session_id)
        assert story is not None  # an open turn has its session
        texts = self._locales[story.language]
        messages = story_prompts.picture_messages(texts, story, part.text)
        price = self._config.image_tokens
        described = self._calls.ask(live, messages, "description", DESCRIPTION_TOKENS, follows=price)
        assert live.usage is not None  # of the description, which is billed whatever becomes of the picture
        tokens = live.input_tokens = live.usage.total + price
        try:
            picture = self._painter.paint(described, live.cancel, user_id=turn.user_id, turn_id=turn.id)
        except ModelError as error:
            if error.billed:
                live.usage = Usage(tokens, 0)
            raise
        return (picture,), tokens

    def _reading(self, live: RunningTurn, part: Prompt) -> tuple[tuple[bytes, ...], int]:
        turn = live.turn
        tokens = reading_price(self._config, part.text)
        self._calls.reserve(live, turn.kind, tokens)
        live.input_tokens = tokens
        pieces = self._narrator.speak(part.text, turn.hint, live.cancel, user_id=turn.user_id, turn_id=turn.id)
        if not pieces:
            raise ModelRefused("nothing to read aloud")
        return tuple(pieces), tokens
