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
from turns.message_view import title_of

MOST_QUEUED = 5  # messages that wait for the running turn
OWN_ENDING_CHARS = 300


def open_story(visit: UpdateContext) -> None:
    """Back to the story that is open, exactly where it stopped."""
    story = visit.story
    if story is None or story.finished:
        visit.say_here("menu.no_story")
        return
    came_from = visit.step
    visit.go(Step.STORY)
    if came_from is Step.FINALE:
        visit.say_here("finale.kept")
    else:
        announce(visit)


def write_from_words(visit: UpdateContext) -> None:
    """The user's own words are the next part; the model writes on from them."""
    story = visit.story
    if story is None:
        lost(visit)
    elif short_enough(visit) and affordable(visit, story, "part"):
        write_words(visit, story, story.head_id, visit.words)
    else:
        visit.desk.db.outbox.show(visit.chat_id, visit.message_id, REFUSED)


def write_words(visit: UpdateContext, story: Story, below_id: int | None, words: str, kind: str = "part") -> None:
    """Puts words under a prompt of the story and asks for what comes after them."""
    db = visit.desk.db
    prompt_id = db.tree.add(story.session_id, below_id, visit.user.id, "user", words, now=now())
    db.outbox.show(visit.chat_id, visit.message_id, prompt_id)
    visit.ask(kind, story.session_id, prompt_id)


def write_on(visit: UpdateContext) -> None:
    """The model writes on by itself."""
    story = visit.story
    if story is None:
        lost(visit)
    elif affordable(visit, story, "part"):
        visit.ask("part", story.session_id, story.head_id)


def ask_ending(visit: UpdateContext) -> None:
    """Asks which ending to write; refuses where no story is open, or it has no part yet."""
    story = visit.story
    if story is None or story.finished:
        visit.say_here("wrong.button", now=awaited(visit))
    elif visit.desk.db.tree.parts(story.head_id, story.starts_after) == 0:
        visit.go(Step.STORY)
        visit.say_here("finale.too_early")
    else:
        visit.go(Step.FINALE)
        announce(visit)


def write_ending(visit: UpdateContext) -> None:
    """Has the ending written that the pressed button names."""
    _write_ending(visit, visit.key.removeprefix("ending_"))


def write_own_ending(visit: UpdateContext) -> None:
    """Words at the choice of endings: an ending as the user wishes it."""
    if len(visit.words) > OWN_ENDING_CHARS:
        shown = visit.texts.plural("up_to_chars", OWN_ENDING_CHARS)
        visit.say_here("wrong.too_long", length=len(visit.words), limit=shown, now=awaited(visit))
    else:
        _write_ending(visit, visit.words)


def _write_ending(visit: UpdateContext, hint: str) -> None:
    story = visit.story
    if story is None:
        lost(visit)
    elif affordable(visit, story, "ending"):
        visit.go(Step.STORY)
        visit.say_here("finale.writing")
        visit.ask("ending", story.session_id, story.head_id, hint=hint)


def whole_story(visit: UpdateContext) -> None:
    """The open story from its first line, in as many messages as it takes."""
    story = visit.story
    if story is None:
        visit.say("whole.nothing")
    else:
        read(visit, story)


def read(visit: UpdateContext, story: Story) -> None:
    """The story from its first line in as many messages as it takes, between a header and a word on its end."""
    prompts = visit.desk.db.tree.whole(story.head_id, story.starts_after)
    if not prompts:
        visit.say("whole.empty")
        return
    text = "\n\n".join(prompt.text for prompt in prompts)
    parts = sum(prompt.role == "assistant" for prompt in prompts)
    visit.say("whole.header", title=title_of(story), genre=story.genre, parts=parts, chars=len(text))
    for piece in split(text):
        visit.send_plain(piece)
    visit.say("whole.finished" if story.finished else "whole.unfinished")


# ---------------------------------------------------------------------- words without a place, and while it writes


def keep_words(visit: UpdateContext) -> None:
    """Words in the menu, or after the ending: kept, and nothing spent before the choice."""
    story = visit.story
    kept_id = visit.desk.db.users.keep_words(visit.user.id, visit.words, visit.user.session_id, now())
    to_new = visit.button("words_to_new", f"words_new:{kept_id}")
    to_chat = visit.button("words_to_chat", f"words_chat:{kept_id}")
    if story is not None and visit.step is Step.FINISHED:
        epilogue = visit.button("epilogue", f"words_epilogue:{kept_id}")
        new = visit.button("new_story", f"words_new:{kept_id}")
        visit.say("finished.own_words", title=title_of(story), keyboard=visit.inline(epilogue, new))
    elif story is not None and not story.finished:
        to_story = visit.button("words_to_story", f"words_story:{kept_id}", title=title_of(story))
        visit.say("menu.own_words", keyboard=inline([to_story], [to_new, to_chat]))
    else:
        visit.say("menu.own_words", keyboard=visit.inline(to_new, to_chat))


def queue_words(visit: UpdateContext) -> None:
    """Words while the model writes: they wait in order as the next turns."""
    envelope, db = visit.envelope, visit.desk.db
    if envelope.queued:
        envelope.verdict = "queue"  # told so already
        return
    waiting = db.inbox.queued_in(visit.chat_id)
    if waiting >= MOST_QUEUED:
        visit.say("story.busy_full", n=waiting)
        db.outbox.show(visit.chat_id, visit.message_id, REFUSED)
        return
    if visit.step is Step.CHAT:
        visit.open_talk()  # a first one is begun now: words behind these belong to the same
    envelope.verdict, envelope.queued = "queue", visit.words_go_to
    turn = visit.desk.turns.open_in(visit.chat_id)
    buttons = [visit.button("not_needed", f"drop:{envelope.inbox_id}")]
    if turn is not None:
        buttons.append(visit.button("stop", f"stop:{turn.id}"))
    visit.say("chat.busy" if visit.step in TALKING else "story.busy", keyboard=visit.inline(*buttons))


def already_writing(visit: UpdateContext) -> None:
    """Says that a part is being written, so that the next one has to wait."""
    visit.say("story.busy_next")


def busy_writing(visit: UpdateContext) -> None:
    """A button that doesn't work while a part is being written: says that this is what goes on."""
    visit.say("wrong.button", now=visit.texts.say("now.writing"))


def stop_writing(visit: UpdateContext) -> None:
    """Ends the open turn at once; what was written is kept."""
    turns = visit.desk.turns
    turn = turns.open_in(visit.chat_id)
    if turn is None:
        nothing_to_stop(visit)
        return
    for message in turns.end_by_stop(turn):
        visit.envelope.send(message)
    visit.after(lambda: turns.release(turn))


def nothing_to_stop(visit: UpdateContext) -> None:
    """Says that nothing is being written, so that there is nothing to stop."""
    if visit.step is Step.STORY:
        visit.say_here("story.nothing_to_stop")
    else:
        nothing_to_cancel(visit)


def nothing_to_cancel(visit: UpdateContext) -> None:
    """Says that there is nothing to cancel, and what the user's step waits for."""
    visit.say_here("cancel.nothing", now=awaited(visit))


# ---------------------------------------------------------------------- shared checks


def lost(visit: UpdateContext) -> None:
    """The open story is gone: back to the menu with a word."""
    visit.go(Step.MENU)
    visit.say_here("menu.no_story")


def affordable(visit: UpdateContext, story: Story, kind: str, tokens: int | None = None) -> bool:
    """Whether no limit stands in the way of a turn; says which one does."""
    try:
        visit.desk.turns.check(visit.user.id, story.session_id, kind, tokens)
    except LimitReached as limit:
        said = visit.desk.kinds[kind].limit_message(visit.user.id, visit.chat_id, story.session_id, limit)
        visit.envelope.send(said)
        return False
    return True


def short_enough(visit: UpdateContext) -> bool:
    """Whether the words take at most half of the prompt's room; says how much to cut where they don't."""
    limit = limits.prompt_budget(visit.desk.config, visit.model.context_tokens) // 2
    tokens = visit.desk.turns.estimate(visit.words)
    if tokens <= limit:
        return True
    chars = len(visit.words) * limit // tokens
    visit.say("trouble.too_long", limit=limit, tokens=tokens, chars=chars)
    return False
