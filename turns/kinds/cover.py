"""`cover`: the cover of a finished story's books, described and drawn as a picture of a part is."""

from __future__ import annotations

from dataclasses import replace

from conversation.keyboards import inline
from core.schemas import Outgoing
from database import Turn
from turns import story_prompts
from turns.kinds.picture import StoryPicture
from turns.message_view import photo, title_of
from turns.turn_result import TurnResult


class StoryCover(StoryPicture):
    """A cover, in place of the one that is drawn without a model. Every book made from then on has it."""

    name = "cover"
    wait_line = "cover.wait"
    refused_text = "cover.refused"
    prompt = staticmethod(story_prompts.cover_messages)

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Show the picture; keep a small one as the story's cover."""
        texts, title = self._texts(turn), title_of(self._story(turn))
        picture, *small = result.files
        if not small:  # no book can have it
            return [photo(turn.chat_id, texts.plain("cover.caption_only", title=title), picture)]
        self._db.illustrations.put_cover(turn.session_id, small[0])
        shown = photo(turn.chat_id, texts.plain("cover.caption", title=title), picture)
        keyboard = inline([(texts.label("download"), f"files:{turn.session_id}")])
        return [replace(shown, params={**shown.params, "reply_markup": keyboard})]
