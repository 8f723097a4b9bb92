"""`picture`: an illustration of a story's part.

It takes two calls, which are paid together or not at all: the model describes the moment, a service draws it.
"""

from __future__ import annotations

from ai.catalog import CostMultiplier
from ai.images import ImageGenerator
from config import Config
from core.errors import ModelError, ModelRefused
from core.pillow import load_pillow
from core.schemas import Outgoing, Usage
from database import Turn
from export.illustration import small_jpeg
from turns import story_prompts
from turns.billing import TurnBilling
from turns.generation import TEMPERATURE
from turns.kinds.story import StoryKind
from turns.message_view import photo, title_of
from turns.running_turn import RunningTurn
from turns.turn_kind import KindServices, retry_button
from turns.turn_result import TurnResult

DESCRIPTION_TOKENS = 300


def picture_price(config: Config) -> int:
    """Return the tokens of a picture: the service's price and about what its description takes."""
    return config.image_tokens + story_prompts.TAIL_CHARS // 3 + DESCRIPTION_TOKENS


class StoryPicture(StoryKind):
    """An illustration of the part that the turn names."""

    name = "picture"
    wait_line = "picture.wait"
    by_service = True
    chat_action = "upload_photo"
    refused_text = "picture.refused"
    prompt = staticmethod(story_prompts.picture_messages)  # that has it described

    def __init__(self, services: KindServices, *, billing: TurnBilling, images: ImageGenerator) -> None:
        super().__init__(services)
        self._billing = billing
        self._images = images

    def run(self, running: RunningTurn) -> TurnResult:
        """Have the part's last moment described and drawn; the second file, if any, is small enough for a book."""
        turn, story = running.turn, self._story(running.turn)
        load_pillow()  # a failing disk is met before anything is bought
        part = self._db.tree.get(turn.prompt_id)
        assert part is not None  # a picture is asked for a part
        memory = self._db.tree.path(part.id).memory
        messages = self.prompt(self._locales[story.language], story, part, memory)
        request = self._billing.request(
            running, messages, purpose="description", max_tokens=DESCRIPTION_TOKENS, temperature=TEMPERATURE
        )
        input_tokens, price = self._billing.estimate(request), self._config.image_tokens
        described_price = running.model.weight.of(input_tokens, DESCRIPTION_TOKENS)
        call = self._billing.reserve(running, self.name, described_price + price, input_tokens=input_tokens)
        description = self._billing.ask(running, call, request)
        assert call.usage is not None  # of the description, which is billed whatever becomes of the picture
        call.input_tokens = call.usage.total + price
        whole = Usage(call.input_tokens, 0)
        try:
            picture = self._images.paint(description, running.cancel, user_id=turn.user_id, turn_id=turn.id)
        except ModelError as error:
            if error.billed:
                call.usage = whole
            raise
        small = small_jpeg(picture)
        files = (picture, small) if small is not None else (picture,)
        return TurnResult("answered", files=files, usage=whole)

    def least_price(self, weight: CostMultiplier) -> int:
        """Return about what a picture costs."""
        return picture_price(self._config)

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Show the picture, and keep a small one for the story's books."""
        story = self._story(turn)
        picture, *small = result.files
        if small and turn.prompt_id is not None:
            self._db.illustrations.put(turn.prompt_id, small[0])
        part = self._db.tree.parts(turn.prompt_id, story.starts_after)
        caption = self._texts(turn).plain("picture.caption", title=title_of(story), part=part)
        return [photo(turn.chat_id, caption, picture)]

    def failed(self, turn: Turn, error: Exception | None) -> list[Outgoing]:
        """Say what went wrong, with a button for another try."""
        if isinstance(error, ModelRefused):
            return [self._say(turn, self.refused_text)]
        if isinstance(error, ModelError):
            return [self._say(turn, "picture.away", retry_button(turn))]
        return super().failed(turn, error)
