"""`bringing`: a text of the user's own becomes a story, or is added to one.

Its parts are the user's texts, the last of which becomes the story's head. Genre, hero and setting are found by one
short call. A long text gets a line in place of a memory; a button offers to make a real one, with its price.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace

from ai.catalog import CostMultiplier
from ai.registry import ModelRegistry
from conversation.keyboards import inline, reply
from conversation.outline import Outline, outline_in
from conversation.steps import Step
from conversation.story_draft import Draft
from core.errors import LimitReached, ModelRefused
from core.schemas import Outgoing
from database import BROUGHT, Story, Turn, User
from turns import brought, limits, message_view
from turns.billing import TurnBilling
from turns.documents.document import Document, document_of
from turns.documents.reading import read_document
from turns.file_sentences import file_failure
from turns.generation import TextGenerator
from turns.kinds.no_session import NoSessionKind
from turns.kinds.outline import MAX_TOKENS, SCHEMA
from turns.memory import one_message
from turns.message_view import sentence
from turns.running_turn import RunningTurn
from turns.telegram_files import TelegramFiles
from turns.turn_kind import KindServices
from turns.turn_result import TurnResult

TEMPERATURE = 0.2
_SHOWS_STORY = {Step.MENU, Step.FINISHED, Step.BRING, Step.GENRE, Step.RESUME}  # where it may open by itself


class BroughtStory(NoSessionKind):
    """The text in the turn's hint, or in the file that it names (`turns/brought.py`)."""

    name = "bringing"
    wait_line = "bring.wait"
    by_service = False

    def __init__(
        self,
        services: KindServices,
        *,
        billing: TurnBilling,
        generator: TextGenerator,
        registry: ModelRegistry,
        files: TelegramFiles,
    ) -> None:
        super().__init__(services, billing=billing)
        self._generator = generator
        self._registry = registry
        self._files = files

    def run(self, running: RunningTurn) -> TurnResult:
        """Read the text and have its card made; a text that is added to a story needs none. The result is JSON."""
        source = brought.source_in(running.turn.hint)
        document = self._document(source, running)
        if source.session_id:
            return TurnResult("answered", _as_text(document, Outline()))
        try:
            card = self._card(running, document)
        except ModelRefused:
            return TurnResult("answered", _as_text(document, Outline()))  # the card is left empty
        result = self._generator.result(running, card.as_json())
        return replace(result, text=_as_text(document, card)) if result.state == "answered" else result

    def least_price(self, weight: CostMultiplier) -> int:
        """Return the tokens of a short prompt and a short answer."""
        return weight.of(self._config.max_tokens_per_request // 5, MAX_TOKENS)

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Store the story, open it, and show where it stands."""
        source = brought.source_in(self._db.turns.take_hint(turn.id))
        stored = json.loads(result.text)
        document, card = Document(stored["text"], stored["title"]), Outline(**stored["card"])
        user = self._db.users.get(turn.user_id)
        assert user is not None  # a turn goes with its user
        if source.session_id:
            return self._add(turn, user, source.session_id, document)
        story = self._begin(turn, user, document, card, source)
        ids = self._write(turn, story, document)
        return [*self._shown(turn, user, story, document), *self._last(turn, ids), *self._offer(turn, story, ids)]

    def stopped(self, turn: Turn, text: str) -> list[Outgoing]:
        """Say that it was stopped."""
        return self._gone(turn, "bring.stopped")

    def failed(self, turn: Turn, error: Exception | None) -> list[Outgoing]:
        """Say what went wrong, with a button for another try if that could help."""
        if isinstance(error, LimitReached):
            return self._limit_failed(turn, error)
        key = file_failure(error)
        if key is not None and key != "file.away":
            return self._gone(turn, key)
        return self._away(turn, key or "bring.away")

    # ------------------------------------------------------------------ the run

    def _document(self, source: brought.Source, running: RunningTurn) -> Document:
        if source.text:
            return document_of(source.text)
        return read_document(self._files.fetch(source.file_id, running.cancel), source.name)

    def _card(self, running: RunningTurn, document: Document) -> Outline:
        texts = self._texts(running.turn)
        genres = ", ".join(genre.label for genre in texts.genres)
        asked = texts.prompt("file.card", words=brought.excerpt(document.text), genres=genres)
        answer = self._generator.ask(
            running,
            one_message(texts, asked),
            max_tokens=MAX_TOKENS,
            temperature=TEMPERATURE,
            json_schema=SCHEMA,
        )
        return outline_in(answer.text)

    # ------------------------------------------------------------------ the story, in the transaction

    def _begin(self, turn: Turn, user: User, document: Document, card: Outline, source: brought.Source) -> Story:
        texts, stories = self._locales[user.language], self._db.stories
        known = texts.genre_of(card.genre)
        title = brought.title_of(document.title, source.name)
        session_id = stories.create(
            user.id,
            turn.chat_id,
            genre=known.label if known else card.genre or texts.plain("bring.genre"),
            hero=card.hero,
            setting=card.setting,
            extra=card.wish,
            title=title,
            now=int(time.time()),
            language=user.language,
        )
        if title:
            stories.set_title(session_id, title, named=True)
        story = stories.get(session_id)
        assert story is not None
        return story

    def _write(self, turn: Turn, story: Story, document: Document) -> list[int]:
        """Put the text under the story's head, in parts; return their ids."""
        now, parent_id, ids = int(time.time()), story.head_id, []
        for part in brought.parts_of(document.text):
            parent_id = self._db.tree.add(
                story.session_id, parent_id, story.user_id, "user", part, now=now, kind=BROUGHT
            )
            ids.append(parent_id)
        self._db.tree.set_head(story.session_id, parent_id, now)
        return ids

    def _add(self, turn: Turn, user: User, session_id: int, document: Document) -> list[Outgoing]:
        """Add the text to an open story, unless it is too long for a prompt or the story has too much of them."""
        texts, story = self._locales[user.language], self._db.stories.get(session_id)
        if story is None or story.deleted or story.finished or story.user_id != user.id:
            return [sentence(turn.chat_id, texts.say("bring.no_story"))]
        has = self._db.tree.chars_of(session_id, BROUGHT)
        if has + len(document.text) > brought.MOST_CHARS:
            key = "bring.too_much_to_add"
            return [sentence(turn.chat_id, texts.say(key, most=brought.MOST_CHARS, has=has, length=len(document.text)))]
        model = self._registry.standing(user.model)
        tokens = self._billing.estimate_text(document.text, model)
        budget = int(limits.prompt_budget(self._config, model.context_tokens) * brought.KEPT_SHARE)
        if tokens > budget:
            fits = len(document.text) * budget // tokens
            return [sentence(turn.chat_id, texts.say("bring.too_long_to_add", length=len(document.text), fits=fits))]
        ids = self._write(turn, story, document)
        title = message_view.title_of(story)
        said = texts.say("bring.added", title=title, chars=len(document.text))
        keyboard = None
        if user.step is Step.BRING:
            self._db.users.move(user.id, Step.BRING, Step.STORY)
            keyboard = reply(texts, Step.STORY, Draft())
        return [sentence(turn.chat_id, said, keyboard), *self._last(turn, ids)]

    def _shown(self, turn: Turn, user: User, story: Story, document: Document) -> list[Outgoing]:
        """Open the story for a user who is free; tell any other where it is."""
        texts = self._locales[user.language]
        values = {"title": message_view.title_of(story), "chars": len(document.text)}
        if user.step not in _SHOWS_STORY:
            return [sentence(turn.chat_id, texts.say("bring.elsewhere", **values))]
        self._db.users.move(user.id, user.step, Step.STORY)
        self._db.users.open_session(user.id, story.session_id)
        said = texts.say("bring.done", **values)
        return [sentence(turn.chat_id, said, reply(texts, Step.STORY, Draft()))]

    def _last(self, turn: Turn, ids: list[int]) -> list[Outgoing]:
        last = self._db.tree.get(ids[-1])
        assert last is not None
        return message_view.part(turn.chat_id, last.id, last.text)

    def _offer(self, turn: Turn, story: Story, ids: list[int]) -> list[Outgoing]:
        """Let a line stand for the memory of a text that is too long, and offer to make one."""
        model = self._registry.standing(self._db.users.model_of(turn.user_id))
        prompts = [self._db.tree.get(prompt_id) for prompt_id in ids]
        sizes = [self._billing.estimate_text(prompt.text, model) for prompt in prompts if prompt is not None]
        budget = int(limits.prompt_budget(self._config, model.context_tokens) * brought.KEPT_SHARE)
        kept = 2
        while kept < len(ids) and sum(sizes[-kept - 1 :]) <= budget:
            kept += 1
        if kept >= len(ids):
            return []
        opening = prompts[0].text[: brought.OPENING_CHARS] if prompts[0] is not None else ""
        texts = self._locales[story.language]
        self._db.tree.remember(ids[-kept - 1], texts.prompt("file.no_memory", words=opening))
        price = brought.memory_price(self._config, model, sum(sizes))
        button = inline([(self._texts(turn).label("remember_all"), f"remember_all:{story.session_id}")])
        turns = limits.turns_of(self._config, price, model.weight)
        key = "bring.offer" if turns else "bring.offer_cheap"
        return [sentence(turn.chat_id, self._texts(turn).say(key, turns=turns, tokens=price), button)]


def _as_text(document: Document, card: Outline) -> str:
    fields = {"genre": card.genre, "hero": card.hero, "setting": card.setting, "wish": card.wish}
    return json.dumps({"title": document.title, "text": document.text, "card": fields}, ensure_ascii=False)
