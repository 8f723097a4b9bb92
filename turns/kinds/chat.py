"""`chat`: a question to the assistant, in private or in a group."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ai.catalog import Model
from ai.registry import ModelRegistry
from core.errors import (
    LimitReached,
    ModelRefused,
    OnlyThoughts,
    PicturesRefused,
    PromptTooLong,
    TelegramUnreachable,
)
from core.schemas import Json, Message, Outgoing, Usage
from core.text import split
from database import CONTEXT_NEAR, SESSION_NEAR, Prompt, StoryPath, Talk, Turn
from telegram.growing_markdown import first_piece
from telegram.markdown import pieces
from turns import chat_prompts, chat_roles, limits, message_view
from turns.attached_files import Attached, AttachedFiles
from turns.file_sentences import blind_sentence, file_failure
from turns.generation import TextGenerator
from turns.kinds.speaking import BY_VOICE, SpokenAnswer
from turns.memory import PromptSource
from turns.message_view import as_reply, sentence
from turns.running_turn import RunningTurn
from turns.session_warnings import SessionWarnings
from turns.turn_kind import BelongsTo, KindServices, TurnKind, failure_key, retry_button, softer_button
from turns.turn_result import NextTurn, TurnResult

CONTEXT_NEAR_PERCENT = 80
FULL_SHARE = 0.95  # older text becomes memory only when the prompt is about to be full
KEPT_SHARE = 0.25  # beside role and memory this leaves some turns before the next summary


class ChatTurn(TurnKind):
    """A question of a talk. The model's Markdown is kept to the letter, and an answer may end anywhere."""

    name = "chat"
    belongs_to = BelongsTo.TALK
    may_use_reserve = True  # a talk has no ending to keep tokens for
    opens_chat = True

    def __init__(
        self,
        services: KindServices,
        *,
        generator: TextGenerator,
        warnings: SessionWarnings,
        registry: ModelRegistry,
        attached: AttachedFiles,
    ) -> None:
        super().__init__(services)
        self._generator = generator
        self._warnings = warnings
        self._registry = registry
        self._files = attached

    # ------------------------------------------------------------------ the run

    def run(self, running: RunningTurn) -> TurnResult:
        """Write the answer, and show it while it grows."""
        attached = self._attached_to(running)
        answer = self._generator.stream(running, self._source(running.turn, attached))
        result = self._generator.result(running, answer.text.strip(), cut=answer.cut)
        return replace(result, read_part=attached.read_part)

    def _attached_to(self, running: RunningTurn) -> Attached:
        """Return the files that the question is about; without any, nothing is fetched."""
        turn = running.turn
        prompts = self._db.tree.path(turn.prompt_id).prompts
        if not self._remembers(turn):
            prompts = prompts[-1:]
        return self._files.load(prompts, self._model(turn), running.cancel)

    def _source(self, turn: Turn, attached: Attached) -> PromptSource:
        """Return what makes the turn's prompts: the role of the chat, in the user's language."""
        texts = self._texts(turn)
        role, speakers = self._db.roles.get(turn.chat_id, turn.topic_id), self._speakers(turn)
        remembers = self._remembers(turn)

        def prompt(path: StoryPath) -> list[Message]:
            memory = path.memory if remembers else ""
            system = chat_roles.system_prompt(texts, role, memory, several=bool(speakers))
            return chat_prompts.talk_messages(
                texts, system, path, speakers, remembers=remembers, soft=turn.soft, attached=attached
            )

        def memory_prompt(memory: str, prompts: Sequence[Prompt]) -> list[Message]:
            return chat_prompts.memory_messages(texts, memory, prompts, speakers)

        return PromptSource(texts, prompt, memory_prompt, full_share=FULL_SHARE, kept_share=KEPT_SHARE)

    def _remembers(self, turn: Turn) -> bool:
        """Whether a question is asked with what was said before it."""
        return chat_roles.remembers(self._db.roles.get(turn.chat_id, turn.topic_id))

    def _speakers(self, turn: Turn) -> dict[int, int]:
        """Return a number for each user id if several people talk; they can in a group."""
        if turn.reply_to is None:
            return {}
        speakers = self._db.talks.speakers(turn.session_id)
        return speakers if len(speakers) > 1 else {}

    def draft(self, text: str, words: str) -> str:
        """Return the text without Markdown, which a draft can't show. A whole answer takes 0.2 ms."""
        return "\n\n".join(piece.text for piece in pieces(text))

    def partial(self, text: str, words: str, limit: int) -> Mapping[str, Json]:
        """Return the text in Telegram's formatting, as the whole answer will have it."""
        first = first_piece(text, limit)
        return first.params if first is not None else {}

    def text_after_stop(self, text: str, words: str) -> str:
        """Return all of the text."""
        return text.strip()

    def text_after_failure(self, text: str, words: str) -> str:
        """Return all of the text."""
        return text.strip()

    # ------------------------------------------------------------------ ends

    def answered(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Store and show the answer, with a word on limits that are near or were met."""
        talk = self._talk(turn)
        messages = self._stored(turn, talk, result.text, result.usage)
        if result.cut:
            messages.append(self._say(turn, "chat.cut"))
        if result.read_part is not None:
            read, whole = result.read_part
            messages.append(self._say(turn, "file.part_read", read=read, whole=whole))
        messages += self._context_news(turn, talk, result.usage or Usage(0, 0)) + self._talk_nearly_full(turn, talk)
        return [*messages, *self._warnings.budget()]

    def next_turn(self, turn: Turn) -> NextTurn | None:
        """Return the reading of the answer, where its user wants to hear it."""
        talk, user = self._talk(turn), self._db.users.get(turn.user_id)
        to_voice = turn.hint == BY_VOICE and user is not None and user.voice_to_voice
        # In a group nobody else may have the asker pay for a voice.
        always = turn.reply_to is None and self._db.answer_voices.get(turn.chat_id, talk.character_id).aloud
        return NextTurn(SpokenAnswer.name, talk.head_id) if always or to_voice else None

    def broken_off(self, turn: Turn, result: TurnResult) -> list[Outgoing]:
        """Store and show the text, with a button that asks for it again."""
        messages = self._stored(turn, self._talk(turn), result.text, result.usage)
        key = "chat.context_full_kept" if isinstance(result.error, PromptTooLong) else "chat.away_kept"
        return [*messages, self._say(turn, key, retry_button(turn))]

    def stopped(self, turn: Turn, text: str) -> list[Outgoing]:
        """Store and show the text, if any, and say how many messages wait."""
        if not text:
            return [self._say(turn, "chat.stopped_empty")]
        waiting = self._db.inbox.queued_in(turn.chat_id, turn.topic_id)
        key = "chat.stopped_waiting" if waiting and turn.reply_to is None else "chat.stopped"
        return [*self._stored(turn, self._talk(turn), text, None), self._say(turn, key, n=waiting)]

    def failed(self, turn: Turn, error: Exception | None) -> list[Outgoing]:
        """Say what went wrong, with a button for another try or for a softer one."""
        retry = retry_button(turn)
        if isinstance(error, LimitReached):
            said = self.limit_message(turn.user_id, turn.chat_id, turn.session_id, error)
            return [message_view.only_for(as_reply(said, turn.reply_to), turn.user_id)]
        if isinstance(error, PicturesRefused):
            return [self._blind(turn)]
        if (key := file_failure(error)) is not None:
            return [self._say(turn, key, retry if isinstance(error, TelegramUnreachable) else None)]
        if isinstance(error, ModelRefused):
            return [self._say(turn, "chat.refused", softer_button(turn))]
        if isinstance(error, PromptTooLong):
            return [self._say(turn, "chat.too_long")]
        return [self._say(turn, failure_key(error), None if isinstance(error, OnlyThoughts) else retry)]

    def _blind(self, turn: Turn) -> Outgoing:
        """Say that the model takes no pictures, and which one does."""
        question = self._db.tree.get(turn.prompt_id)
        said, keyboard = blind_sentence(
            self._texts(turn),
            self._files.sight,
            self._model(turn),
            prompt_id=turn.prompt_id or 0,
            files=question.files if question is not None else (),
            config=self._config,
        )
        return as_reply(sentence(turn.chat_id, said, keyboard), turn.reply_to)

    def limit_message(self, user_id: int, chat_id: int, session_id: int | None, error: LimitReached) -> Outgoing:
        """Return the sentence of a limit; if the talk is full, with a button that begins a new one."""
        anew = ("new_talk", f"new_talk:{user_id}")
        return self._limit_messages.of_talk(user_id, chat_id, error, anew=anew, full="chat.session_full")

    # ------------------------------------------------------------------ pieces

    def _talk(self, turn: Turn) -> Talk:
        talk = self._db.talks.get(turn.session_id)
        assert talk is not None  # a turn goes with its session
        return talk

    def _model(self, turn: Turn) -> Model:
        return self._registry.standing(self._db.users.model_of(turn.user_id))

    def _stored(self, turn: Turn, talk: Talk, text: str, usage: Usage | None) -> list[Outgoing]:
        """Store the answer and show it, in place of a half one."""
        half = self._db.tree.get(talk.head_id)
        old: list[Outgoing] = []
        if half is not None and half.role == "assistant" and half.parent_id == turn.prompt_id:
            old = message_view.taken_away(self._db, turn.chat_id, half, self._texts(turn).say("chat.below"))
        return [*old, *answer_messages(turn, self._store(turn, talk, text, usage), text)]

    def _store(self, turn: Turn, talk: Talk, text: str, usage: Usage | None) -> int:
        """Make the answer the talk's head; return its id."""
        opened = self._db.talks.open_in(talk.chat_id, talk.topic_id, kind=talk.kind, character_id=talk.character_id)
        now = int(time.time())
        prompt_id = self._add_answer(turn, text, usage, now)
        # Another talk may have been opened meanwhile: this answer doesn't bring its own back to the front.
        touches = opened is None or opened.session_id == talk.session_id
        self._db.tree.set_head(turn.session_id, prompt_id, now if touches else 0)
        return prompt_id

    def _context_news(self, turn: Turn, talk: Talk, usage: Usage) -> list[Outgoing]:
        """Say that the oldest turns were summarised by this one; or, once, that this is near."""
        if not chat_roles.remembers(self._db.roles.get(turn.chat_id, turn.topic_id)):
            return []
        if self._db.ledger.paid_for(turn.id, "summary"):
            return [self._say(turn, "chat.summarised")]
        percent = usage.total * 100 // max(1, limits.prompt_budget(self._config, self._model(turn).context_tokens))
        if percent < CONTEXT_NEAR_PERCENT or talk.warned & CONTEXT_NEAR:
            return []
        self._db.talks.set_warned(talk.session_id, CONTEXT_NEAR)
        user = self._db.users.get(turn.user_id)
        anew = user is not None and user.at_full == "anew"
        key = "chat.context_near_anew" if anew else "chat.context_near"
        return [self._say(turn, key, percent=CONTEXT_NEAR_PERCENT)]

    def _talk_nearly_full(self, turn: Turn, talk: Talk) -> list[Outgoing]:
        """Say once that the talk has nearly spent what it may."""
        limit = self._config.max_tokens_per_session
        if talk.spent * 100 // limit < limits.SESSION_NEAR_PERCENT or talk.warned & SESSION_NEAR:
            return []
        self._db.talks.set_warned(talk.session_id, SESSION_NEAR)
        left = max(0, limit - talk.spent)
        return [self._say(turn, "chat.session_near", percent=limits.SESSION_NEAR_PERCENT, left=left)]


def answer_messages(turn: Turn, prompt_id: int, markdown: str) -> list[Outgoing]:
    """Return an answer in Telegram's formatting; in a group, the first message replies to the question."""
    formatted: list[Mapping[str, Json]] = [piece.params for piece in pieces(markdown)]
    plain: list[Mapping[str, Json]] = [{"text": piece} for piece in split(markdown)]
    messages = [Outgoing(turn.chat_id, "sendMessage", params, prompt_id=prompt_id) for params in formatted or plain]
    return [as_reply(message, turn.reply_to) for message in messages[:1]] + messages[1:]
