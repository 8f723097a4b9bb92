"""How a turn ends, as rows and words: answered, cut off, stopped, failed.

Everything here runs inside the transaction that ends the turn: it moves the story and says what the user
reads, as messages for the outbox. It decides nothing about money and asks no model.
"""

from __future__ import annotations

import html
import json
import time
from collections.abc import Mapping, Sequence

from ai.registry import ModelRegistry
from config import Config
from conversation.keyboards import inline, reply
from conversation.localization import FALLBACK, Html, Locales, Texts
from conversation.states import Step
from conversation.story_draft import Draft, short_name, working_title
from core.errors import LimitReached, ModelBusy, ModelError, ModelRefused, PromptTooLong, StorageError
from core.schemas import Json, Outgoing, Usage
from core.text import tail
from database import Database, Story, Turn, User
from export import story_book
from turns import limits, media_outcomes, message_view
from turns.limit_requests import how_to_get
from turns.message_view import as_reply, sentence
from turns.story_prompts import JOBS, STREAMED

PROGRESS_UNITS = 1_000  # of an answer that grows in a group: nobody's screen is to be filled by a half one


class Outcomes:
    """The ends of turns, in the user's language."""

    # What is said of a limit that was met.
    limits: Mapping[str, str] = {
        "sessions": "trouble.sessions",
        "balance": "trouble.balance",
        "balance_refill": "trouble.balance_refill",
        "project": "trouble.project",
    }

    def __init__(self, config: Config, db: Database, locales: Locales, offer: ModelRegistry) -> None:
        self._config = config
        self._db = db
        self._locales = locales
        self._offer = offer

    def language(self, turn: Turn) -> str:
        """The language of the turn's user; the fallback where the user is unknown."""
        user = self._db.users.get(turn.user_id)
        return user.language if user is not None else FALLBACK

    def close(self, turn: Turn, state: str) -> bool:
        """Ends the turn and its update; False when it had ended before."""
        now = int(time.time())
        if not self._db.turns.end(turn.id, state, now):
            return False
        if turn.kind == "ending" and state == "answered":
            story = self._db.stories.get(turn.session_id)
            if story is not None and not story.named:
                self._ask_title(turn, story, now)
        return True

    def _ask_title(self, turn: Turn, story: Story, now: int) -> None:
        """A turn that nobody pressed: the ended story gets its name. `Turns` queues it after the commit."""
        self._db.turns.add(
            inbox_id=None,
            chat_id=turn.chat_id,
            user_id=turn.user_id,
            session_id=turn.session_id,
            kind="title",
            prompt_id=story.head_id,
            hint="",
            now=now,
        )

    # ------------------------------------------------------------------ the four ends

    def answered(self, turn: Turn, text: str, usage: Usage, *, cut: bool = False) -> list[Outgoing]:
        """What the answer changes and shows. A text of the story becomes its head. `cut`: it ran into its limit."""
        if turn.kind == "suggest":
            return self._suggested(turn, text)
        if turn.kind == "memory":
            return self._remembered(turn)
        if turn.kind == "title":
            self._db.stories.set_title(turn.session_id, text)
            return self._finished(turn)
        story = self._story(turn)
        messages = self._old_variant_away(turn, story)
        prompt_id = self._keep(turn, text, usage)
        rows = self._rows(turn, prompt_id)
        if turn.kind != "part":
            texts = self._texts(turn)
            read = (texts.label("read"), f"read:{turn.session_id}")
            rows.append([read, (texts.label("second_volume"), f"volume:{turn.session_id}")])
            self._db.stories.finish(turn.session_id, int(time.time()))
        messages += message_view.part(turn.chat_id, prompt_id, text, inline(*rows) if rows else None)
        if turn.kind == "epilogue":
            done = self._texts(turn).say("finale.epilogue_done")
            messages.append(sentence(turn.chat_id, done, self._at_the_end(turn)))
        if turn.kind == "ending" and story.named:
            messages += self._finished(turn)
        return [*messages, *self._warnings(turn, story, near=turn.kind == "part")]

    def made(self, turn: Turn, files: Sequence[bytes]) -> list[Outgoing]:
        """What a service has made of a part: its picture, or its reading in as many pieces as it took."""
        if turn.kind in limits.APART:
            return media_outcomes.made(self._db, self._texts(turn), turn, files)
        _, story, texts = self._of(turn)
        what = "picture" if turn.kind == "picture" else "voice"
        part = self._db.tree.parts(turn.prompt_id, story.starts_after)
        caption = texts.plain(f"{what}.caption", title=title_of(story), part=part)
        messages = []
        for number, content in enumerate(files, start=1):
            shown = caption if len(files) == 1 else f"{caption} · {number}/{len(files)}"
            if turn.kind == "picture":
                kind = "png" if content.startswith(b"\x89PNG") else "jpg"
                messages.append(
                    Outgoing(turn.chat_id, "sendPhoto", {"caption": shown}, {"photo": (f"picture.{kind}", content)})
                )
            else:
                messages.append(
                    Outgoing(turn.chat_id, "sendVoice", {"caption": shown}, {"voice": ("voice.ogg", content)})
                )
        return messages

    def _old_variant_away(self, turn: Turn, story: Story) -> list[Outgoing]:
        """Takes the part away that another variant comes in place of."""
        old = self._db.tree.get(story.head_id) if turn.variant else None
        if old is None or old.parent_id != turn.prompt_id:
            return []
        return message_view.taken_away(self._db, turn.chat_id, old, self._texts(turn).say("variant.below"))

    def _rows(self, turn: Turn, prompt_id: int) -> list[list[tuple[str, str]]]:
        """The row of variants under a part, where it has any."""
        ids = self._db.tree.siblings(turn.session_id, turn.prompt_id, "assistant", turn.kind)
        row = message_view.row_of(ids, prompt_id)
        return [row] if row else []

    def _suggested(self, turn: Turn, text: str) -> list[Outgoing]:
        _, _, texts = self._of(turn)
        options = json.loads(text)
        suggestion_id = self._db.tree.suggest(turn.session_id, turn.prompt_id, text)
        choose = [(str(place), f"play{place}:{suggestion_id}") for place in range(1, len(options) + 1)]
        again = [(texts.label("suggest_again"), f"suggest:{suggestion_id}")]
        said = texts.say("suggest.line", one=options[0], two=options[1], three=options[2])
        return [sentence(turn.chat_id, said, inline(choose, again))]

    def _remembered(self, turn: Turn) -> list[Outgoing]:
        _, _, texts = self._of(turn)
        memory = self._db.tree.path(turn.prompt_id).memory
        said = texts.say("memory.rebuilt", memory=memory) if memory else texts.say("memory.empty")
        return [sentence(turn.chat_id, said, None)]

    def _finished(self, turn: Turn) -> list[Outgoing]:
        """After the ending and its title: how long the story has become, and the story as a file."""
        _, story, texts = self._of(turn)
        whole = self._db.tree.whole(story.head_id, story.starts_after)
        done = texts.say(
            "finale.done",
            title=title_of(story),
            parts=sum(prompt.role == "assistant" for prompt in whole),
            chars=sum(len(prompt.text) for prompt in whole),
        )
        book = story_book.document(story, "epub", turn.chat_id)
        return [sentence(turn.chat_id, done, self._at_the_end(turn)), book]

    def _at_the_end(self, turn: Turn) -> Json:
        """Moves a user who is still at this story to its end; the keyboard there, None for who is elsewhere."""
        user, story, texts = self._of(turn)
        if user.session_id != story.session_id or user.step not in (Step.STORY, Step.FINALE, Step.FINISHED):
            return None
        self._db.users.move(user.id, user.step, Step.FINISHED)
        return reply(texts, Step.FINISHED, Draft())

    def cut(self, turn: Turn, text: str, usage: Usage) -> list[Outgoing]:
        """The model fell silent in the middle: what it wrote is kept, and can be asked for again."""
        _, story, texts = self._of(turn)
        old = self._old_variant_away(turn, story)
        prompt_id = self._keep(turn, text, usage)
        rows = self._rows(turn, prompt_id)
        again = inline([(texts.label("retry"), f"retry:{turn.id}")])
        kept = sentence(turn.chat_id, texts.say("trouble.model_away_kept"), again)
        return [*old, *message_view.part(turn.chat_id, prompt_id, text, inline(*rows) if rows else None), kept]

    def stopped(self, turn: Turn, text: str) -> list[Outgoing]:
        """Stopped by the user: what was written is kept, and so are the words that asked for it."""
        if turn.kind in limits.APART:
            return media_outcomes.stopped(self._db, self._texts(turn), turn)
        _, story, texts = self._of(turn)
        if turn.kind == "title":
            return self._finished(turn)
        if turn.kind not in STREAMED:
            return [sentence(turn.chat_id, texts.say("story.stopped_aside"))]
        waiting = self._db.inbox.queued_in(turn.chat_id)
        if text:
            old = self._old_variant_away(turn, story)
            prompt_id = self._keep(turn, text, None)
            rows = self._rows(turn, prompt_id)
            stopped = texts.say("story.stopped_waiting", n=waiting) if waiting else texts.say("story.stopped")
            return [
                *old,
                *message_view.part(turn.chat_id, prompt_id, text, inline(*rows) if rows else None),
                sentence(turn.chat_id, stopped),
            ]
        asked = self._db.tree.get(turn.prompt_id) if turn.prompt_id is not None else None
        if asked is not None and asked.role == "user" and story.head_id != asked.id:
            self._db.tree.set_head(turn.session_id, asked.id, int(time.time()))
            return [sentence(turn.chat_id, texts.say("story.stopped_words"))]
        return [sentence(turn.chat_id, texts.say("story.stopped_empty"))]

    def failed(self, turn: Turn, error: Exception) -> list[Outgoing]:
        """Nothing was written: what went wrong, and what to do now."""
        texts = self._texts(turn)
        if turn.kind == "title":
            return self._finished(turn)  # it keeps its working title
        retry = (texts.label("retry"), f"retry:{turn.id}")
        softer = (texts.label("softer"), f"softer:{turn.id}")
        if isinstance(error, LimitReached):
            if turn.kind in limits.APART:
                self._db.turns.take_hint(turn.id)  # no button offers it once more
            said = self.limit(turn.user_id, turn.chat_id, turn.session_id, error, turn.kind)
            return [as_reply(said, turn.reply_to)]
        if turn.kind in limits.APART:
            return media_outcomes.failed(self._db, texts, turn, error)
        if turn.kind in ("picture", "reading") and isinstance(error, ModelError):
            what = "picture" if turn.kind == "picture" else "voice"
            if isinstance(error, ModelRefused) and turn.kind == "picture":
                return [sentence(turn.chat_id, texts.say("picture.refused"))]
            return [sentence(turn.chat_id, texts.say(f"{what}.away"), inline([retry]))]
        if isinstance(error, ModelRefused):
            key = "trouble.refused" if self._has_words(turn) else "trouble.refused_own"
            return [sentence(turn.chat_id, texts.say(key), inline([softer]))]
        if isinstance(error, PromptTooLong):
            return [sentence(turn.chat_id, texts.say("trouble.prompt_too_long"), None)]
        if isinstance(error, ModelBusy):
            return [sentence(turn.chat_id, texts.say("trouble.model_busy"), inline([retry]))]
        if isinstance(error, ModelError):
            return [sentence(turn.chat_id, texts.say("trouble.model_away"), inline([retry]))]
        key = "trouble.storage" if isinstance(error, StorageError) else "trouble.bug"
        return [sentence(turn.chat_id, texts.say(key), inline([retry]))]

    def limit(
        self, user_id: int, chat_id: int, session_id: int | None, error: LimitReached, kind: str = "part"
    ) -> Outgoing:
        """The sentence of a limit, with the button of the next step where there is one."""
        user = self._db.users.get(user_id)
        texts = self._locales[user.language if user else FALLBACK]
        keyboard: Json = None
        config, model = self._config, self._offer.standing(user.model if user else "")
        dear = kind not in JOBS and limits.least_price(config, model.weight) > limits.least_price(config)
        more = {"balance": "tokens", "sessions": "sessions"}.get(error.limit)
        if error.limit == "session":
            text = texts.say("trouble.session_full")
            if dear and error.used + limits.least_price(config) <= config.max_tokens_per_session:
                text = texts.say("trouble.session_dear", title=model.title, reset=texts.plain("model.reset"))
            volume = (texts.label("second_volume"), f"volume:{session_id}")
            keyboard = inline([(texts.label("finale"), f"finale:{session_id}"), volume])
        elif error.limit == "sessions":
            text = texts.say(self.limits["sessions"], used=error.used, limit=error.allowed)
        elif error.limit == "balance":
            text = texts.say(self.limits["balance_refill" if config.user_tokens_per_day else "balance"])
            if dear and error.allowed >= limits.least_price(config):
                text = texts.say("trouble.balance_dear", title=model.title, reset=texts.plain("model.reset"))
        elif error.limit == "project":
            text = texts.say(self.limits["project"])
        else:
            text = texts.say("trouble.prompt_too_long")
        if more:
            how, row = how_to_get(self._config, self._db, texts, more, private=chat_id == user_id)
            rows = [row] if row else []
            if error.limit == "sessions" and chat_id == user_id and self._db.stories.count_of(user_id):
                rows.insert(0, [(texts.label("stories"), "go:stories")])
            text, keyboard = Html(f"{text} {how}"), inline(*rows) if rows else None
        return sentence(chat_id, text, keyboard)

    def model_gone(self, turn: Turn, gone: str) -> Outgoing:
        """The model that somebody has chosen is there no more: which one writes now."""
        texts = self._locales[self.language(turn)]
        return sentence(turn.chat_id, texts.say("model.gone", gone=gone, title=self._offer.default.title or "…"))

    def abandoned(self, turn: Turn) -> Outgoing:
        """The last word on a turn whose story can't be read or written any more."""
        return sentence(turn.chat_id, self._locales[self.language(turn)].say("trouble.bug"), None)

    def queue_notice(self, turn_id: int, place: int) -> tuple[str, Json]:
        """What a turn that waits for a slot shows."""
        turn = self._db.turns.get(turn_id)
        texts = self._locales[self.language(turn) if turn is not None else FALLBACK]
        return texts.say("story.queue", place=place), inline([(texts.label("stop"), f"stop:{turn_id}")])

    def progress(self, turn: Turn, text: str) -> tuple[str, Json]:
        """What a group sees of an answer that is being written: its end so far, and how to stop it."""
        texts = self._locales[self.language(turn)]
        line = texts.say("group.writing")
        shown = f"{html.escape(tail(text, PROGRESS_UNITS), quote=False)}\n\n{line}" if text.strip() else line
        return shown, inline([(texts.label("stop"), f"stop:{turn.id}")])

    # ------------------------------------------------------------------ pieces

    def _of(self, turn: Turn) -> tuple[User, Story, Texts]:
        user = self._db.users.get(turn.user_id)
        assert user is not None  # a turn goes with its user and session
        return user, self._story(turn), self._locales[user.language]

    def _story(self, turn: Turn) -> Story:
        story = self._db.stories.get(turn.session_id)
        assert story is not None
        return story

    def _texts(self, turn: Turn) -> Texts:
        """The sentences in the user's language; most parts of a story need none."""
        return self._locales[self.language(turn)]

    def _has_words(self, turn: Turn) -> bool:
        prompt = self._db.tree.get(turn.prompt_id) if turn.prompt_id is not None else None
        return prompt is not None and prompt.role == "user"

    def _keep(self, turn: Turn, text: str, usage: Usage | None, *, touches: bool = True) -> int:
        """Keeps an answer as the head of its session; its prompt's id. `touches`: that is a sign of life."""
        now = int(time.time())
        prompt_id = self._db.tree.add(
            turn.session_id,
            turn.prompt_id,
            turn.user_id,
            "assistant",
            text,
            now=now,
            tokens=usage.output if usage is not None else 0,
            turn_id=turn.id,
            kind=turn.kind,
        )
        self._db.tree.set_head(turn.session_id, prompt_id, now if touches else 0)
        return prompt_id

    def _warnings(self, turn: Turn, story: Story, *, near: bool) -> list[Outgoing]:
        """What the user should know about the room left, once; and what the admins should about the budget."""
        said = []
        limit = self._config.max_tokens_per_session
        percent = story.spent * 100 // limit
        if near and percent >= limits.SESSION_NEAR_PERCENT and not story.warned:
            self._db.stories.set_warned(turn.session_id)
            user = self._db.users.get(turn.user_id)
            weight = self._offer.weight(user.model if user is not None else "")
            left = limit - limits.kept_for_ending(self._config, weight) - story.spent
            turns = limits.turns_left(self._config, left, weight)
            said.append(
                sentence(
                    turn.chat_id,
                    self._texts(turn).say("trouble.session_near", percent=limits.SESSION_NEAR_PERCENT, turns=turns),
                    None,
                )
            )
        return [*said, *self._budget_news()]

    def _budget_news(self) -> list[Outgoing]:
        period = limits.budget_period(self._config, time.time())
        budget = self._db.ledger.budget(period)
        limit = self._config.max_project_tokens
        used = budget.spent + budget.lost
        if limit - used < limits.turn_price(self._config):
            used = limit  # what is left is enough for no turn
        percent = limits.share_to_tell(used, limit, budget.told)
        if not percent:
            return []
        self._db.ledger.set_told(period, percent)
        news = []
        for admin_id in sorted(self._config.admin_ids):
            admin = self._db.users.get(admin_id)
            if admin is not None and not admin.blocked:
                texts = self._locales[admin.language]
                key = "admin.budget_full" if percent == 100 else "admin.budget"
                values = {"spent": budget.spent + budget.lost, "limit": limit, "percent": percent}
                news.append(sentence(admin_id, texts.say(key, **values), None))
        return news


def title_of(story: Story) -> str:
    """What a story is called: its title, or hero and setting until it has one."""
    return story.title or working_title(story.hero, story.setting) or short_name(story.genre)
