"""The story's screens: writing on, the ending, reading it whole, and words that come while the model writes."""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.states import TALKING, Step
from core.errors import LimitReached
from core.text import split
from database import REFUSED, Story
from handlers.context import UpdateContext, now
from handlers.step_prompts import announce, awaited
from turns import limits
from turns.story_outcomes import title_of

MOST_QUEUED = 5  # messages that wait for the running turn
OWN_ENDING_CHARS = 300


def open_story(context: UpdateContext) -> None:
    """Back to the story that is open, exactly where it stopped."""
    story = context.story
    if story is None or story.finished:
        context.say_here("menu.no_story")
        return
    came_from = context.step
    context.go(Step.STORY)
    if came_from is Step.FINALE:
        context.say_here("finale.kept")
    else:
        announce(context)


def write_from_words(context: UpdateContext) -> None:
    """The user's own words are the next part; the model writes on from them."""
    story = context.story
    if story is None:
        lost(context)
    elif short_enough(context) and affordable(context, story, "part"):
        write_words(context, story, story.head_id, context.words)
    else:
        context.services.db.outbox.show(context.chat_id, context.message_id, REFUSED)


def write_words(context: UpdateContext, story: Story, below_id: int | None, words: str, kind: str = "part") -> None:
    """Puts words under a prompt of the story and asks for what comes after them."""
    db = context.services.db
    prompt_id = db.tree.add(story.session_id, below_id, context.user.id, "user", words, now=now())
    db.outbox.show(context.chat_id, context.message_id, prompt_id)
    context.ask(kind, story.session_id, prompt_id)


def write_on(context: UpdateContext) -> None:
    """The model writes on by itself."""
    story = context.story
    if story is None:
        lost(context)
    elif affordable(context, story, "part"):
        context.ask("part", story.session_id, story.head_id)


def ask_ending(context: UpdateContext) -> None:
    """Asks which ending to write; refuses where no story is open, or it has no part yet."""
    story = context.story
    if story is None or story.finished:
        context.say_here("wrong.button", now=awaited(context))
    elif context.services.db.tree.parts(story.head_id, story.starts_after) == 0:
        context.go(Step.STORY)
        context.say_here("finale.too_early")
    else:
        context.go(Step.FINALE)
        announce(context)


def write_ending(context: UpdateContext) -> None:
    """Has the ending written that the pressed button names."""
    _write_ending(context, context.key.removeprefix("ending_"))


def write_own_ending(context: UpdateContext) -> None:
    """Words at the choice of endings: an ending as the user wishes it."""
    if len(context.words) > OWN_ENDING_CHARS:
        shown = context.texts.plural("up_to_chars", OWN_ENDING_CHARS)
        context.say_here("wrong.too_long", length=len(context.words), limit=shown, now=awaited(context))
    else:
        _write_ending(context, context.words)


def _write_ending(context: UpdateContext, hint: str) -> None:
    story = context.story
    if story is None:
        lost(context)
    elif affordable(context, story, "ending"):
        context.go(Step.STORY)
        context.say_here("finale.writing")
        context.ask("ending", story.session_id, story.head_id, hint=hint)


def whole_story(context: UpdateContext) -> None:
    """The open story from its first line, in as many messages as it takes."""
    story = context.story
    if story is None:
        context.say("whole.nothing")
    else:
        read(context, story)


def read(context: UpdateContext, story: Story) -> None:
    """The story from its first line in as many messages as it takes, between a header and a word on its end."""
    prompts = context.services.db.tree.whole(story.head_id, story.starts_after)
    if not prompts:
        context.say("whole.empty")
        return
    text = "\n\n".join(prompt.text for prompt in prompts)
    parts = sum(prompt.role == "assistant" for prompt in prompts)
    context.say("whole.header", title=title_of(story), genre=story.genre, parts=parts, chars=len(text))
    for piece in split(text):
        context.send_plain(piece)
    context.say("whole.finished" if story.finished else "whole.unfinished")


# ---------------------------------------------------------------------- words without a place, and while it writes


def keep_words(context: UpdateContext) -> None:
    """Words in the menu, or after the ending: kept, and nothing spent before the choice."""
    story = context.story
    kept_id = context.services.db.users.keep_words(context.user.id, context.words, context.user.session_id, now())
    to_new = context.button("words_to_new", f"words_new:{kept_id}")
    to_chat = context.button("words_to_chat", f"words_chat:{kept_id}")
    if story is not None and context.step is Step.FINISHED:
        epilogue = context.button("epilogue", f"words_epilogue:{kept_id}")
        new = context.button("new_story", f"words_new:{kept_id}")
        context.say("finished.own_words", title=title_of(story), keyboard=context.inline(epilogue, new))
    elif story is not None and not story.finished:
        to_story = context.button("words_to_story", f"words_story:{kept_id}", title=title_of(story))
        context.say("menu.own_words", keyboard=inline([to_story], [to_new, to_chat]))
    else:
        context.say("menu.own_words", keyboard=context.inline(to_new, to_chat))


def queue_words(context: UpdateContext) -> None:
    """Words while the model writes: they wait in order as the next turns."""
    result, db = context.result, context.services.db
    if result.queued:
        result.verdict = "queue"  # told so already
        return
    waiting = db.inbox.queued_in(context.chat_id)
    if waiting >= MOST_QUEUED:
        context.say("story.busy_full", n=waiting)
        db.outbox.show(context.chat_id, context.message_id, REFUSED)
        return
    if context.step is Step.CHAT:
        context.open_talk()  # a first one is begun now: words behind these belong to the same
    result.verdict, result.queued = "queue", context.words_go_to
    turn = context.services.turns.open_in(context.chat_id)
    buttons = [context.button("not_needed", f"drop:{result.inbox_id}")]
    if turn is not None:
        buttons.append(context.button("stop", f"stop:{turn.id}"))
    context.say("chat.busy" if context.step in TALKING else "story.busy", keyboard=context.inline(*buttons))


def already_writing(context: UpdateContext) -> None:
    """Says that a part is being written, so that the next one has to wait."""
    context.say("story.busy_next")


def busy_writing(context: UpdateContext) -> None:
    """A button that doesn't work while a part is being written: says that this is what goes on."""
    context.say("wrong.button", now=context.texts.say("now.writing"))


def stop_writing(context: UpdateContext) -> None:
    """Ends the open turn at once; what was written is kept."""
    turns = context.services.turns
    turn = turns.open_in(context.chat_id)
    if turn is None:
        nothing_to_stop(context)
        return
    for message in turns.end_by_stop(turn):
        context.result.send(message)
    context.after(lambda: turns.release(turn))


def nothing_to_stop(context: UpdateContext) -> None:
    """Says that nothing is being written, so that there is nothing to stop."""
    if context.step is Step.STORY:
        context.say_here("story.nothing_to_stop")
    else:
        nothing_to_cancel(context)


def nothing_to_cancel(context: UpdateContext) -> None:
    """Says that there is nothing to cancel, and what the user's step waits for."""
    context.say_here("cancel.nothing", now=awaited(context))


# ---------------------------------------------------------------------- shared checks


def lost(context: UpdateContext) -> None:
    """The open story is gone: back to the menu with a word."""
    context.go(Step.MENU)
    context.say_here("menu.no_story")


def affordable(context: UpdateContext, story: Story, kind: str, tokens: int | None = None) -> bool:
    """Whether no limit stands in the way of a turn; says which one does."""
    try:
        context.services.turns.check(context.user.id, story.session_id, kind, tokens)
    except LimitReached as limit:
        context.result.send(
            context.services.outcomes.limit(context.user.id, context.chat_id, story.session_id, limit, kind)
        )
        return False
    return True


def short_enough(context: UpdateContext) -> bool:
    """Whether the words take at most half of the prompt's room; says how much to cut where they don't."""
    limit = limits.room(context.services.config, context.model.context_tokens) // 2
    tokens = context.services.turns.estimate(context.words)
    if tokens <= limit:
        return True
    chars = len(context.words) * limit // tokens
    context.say("trouble.too_long", limit=limit, tokens=tokens, chars=chars)
    return False
