"""«💬 Чат»: the assistant. Own words are a question; what was said before goes along, by session.

The same in a private chat and in a group, but for the steps and reply keyboards, which groups don't have.
"""

from __future__ import annotations

from dataclasses import replace

from conversation.states import Step
from core.errors import LimitReached
from core.text import shorten
from database import REFUSED, Prompt, Talk, Turn
from handlers import story as story_screen
from handlers.context import UpdateContext, now
from handlers.step_prompts import announce
from turns import chat_prompts, chat_roles, message_view

Toast = str | None  # the key of a pop-up answer, if there is one

KIND = "chat"
MOST_UNBEGUN = 100  # talks of a user that nothing was asked in: more than there are characters
QUOTE_CHARS = 1_500  # of a message that a question replies to
BEGIN_ANEW_SHARE = 0.9  # of the room for a prompt: safely before a talk would be summarised


def open_chat(visit: UpdateContext) -> None:
    """Into the chat; what was open waits. The talk goes on where it was left."""
    visit.go(Step.CHAT)
    announce(visit)


def talk(visit: UpdateContext) -> None:
    """Own words: a question, with what it replies to."""
    open_talk = visit.open_talk()
    if not (story_screen.short_enough(visit) and affordable(visit, open_talk)):
        visit.desk.db.outbox.show(visit.chat_id, visit.message_id, REFUSED)
        return
    quoted = quote(visit, open_talk)
    open_talk = _with_room(visit, open_talk, visit.words, quoted)
    ask(visit, open_talk, open_talk.head_id, visit.words, quoted)


def ask(visit: UpdateContext, talk: Talk, below_id: int | None, words: str, quoted: str = "") -> None:
    """Puts a question under a prompt of the talk and asks for the answer."""
    db = visit.desk.db
    prompt_id = db.tree.add(
        talk.session_id, below_id, visit.user.id, "user", words, now=now(), kind=talk.kind, quoted=quoted
    )
    db.outbox.show(visit.chat_id, visit.message_id, prompt_id)
    visit.ask(talk.kind, talk.session_id, prompt_id)


def rewrite_words(visit: UpdateContext, prompt_id: int) -> bool:
    """The user edited their own words: if they are the talk's last ones, they are asked anew. False where not."""
    db, open_talk = visit.desk.db, visit.talk
    old = db.tree.get(prompt_id)
    if open_talk is None or old is None or old.role != "user":
        return False
    head = db.tree.get(open_talk.head_id)
    answered = head is not None and head.parent_id == old.id
    if not answered and (old.parent_id != open_talk.head_id or not db.tree.is_of(old.id, open_talk.session_id)):
        return False
    if old.text == visit.words:
        return True
    if not (story_screen.short_enough(visit) and affordable(visit, open_talk)):
        return True
    if head is not None and answered:
        for message in message_view.taken_away(db, visit.chat_id, head, visit.texts.say("chat.below")):
            visit.envelope.send(message)
        db.tree.set_head(open_talk.session_id, old.parent_id, now())
    ask(visit, open_talk, old.parent_id, visit.words, old.quoted)
    return True


def once_more(visit: UpdateContext, turn: Turn, *, soft: bool) -> Toast:
    """Asks a failed question again, if nothing was said since: the same words, which aren't said twice."""
    db = visit.desk.db
    failed_talk, question = db.talks.get(turn.session_id), db.tree.get(turn.prompt_id)
    if turn.state != "failed" or failed_talk is None or failed_talk.deleted or question is None:
        return "toast.past"
    head = db.tree.get(failed_talk.head_id)
    half_answered = head is not None and head.turn_id == turn.id
    if not half_answered and failed_talk.head_id != question.parent_id:
        return "toast.past"
    if visit.writing:
        return "toast.writing"
    if not affordable(visit, failed_talk):
        return None
    visit.drop_buttons()
    if not visit.group and visit.step is Step.MENU and turn.kind == KIND:
        open_chat(visit)
    visit.reply_to = turn.reply_to
    visit.ask(turn.kind, turn.session_id, turn.prompt_id, soft=soft or turn.soft)
    return None


def use_words(visit: UpdateContext, kept_id: int) -> Toast:
    """«💬 В чат»: words that were kept in the menu become a question."""
    if visit.writing:
        return "toast.writing"
    db = visit.desk.db
    words = db.users.kept_words(visit.user.id, kept_id)
    if words is None:
        return "toast.words_gone"
    visit.words = words
    open_talk = db.talks.open_in(visit.chat_id) or _begin(visit)
    if not (story_screen.short_enough(visit) and affordable(visit, open_talk)):
        return None
    db.users.take_words(visit.user.id, kept_id)
    visit.drop_buttons()
    if visit.step is not Step.CHAT:
        open_chat(visit)
    open_talk = _with_room(visit, open_talk, words)
    ask(visit, open_talk, open_talk.head_id, words)
    return None


def forget(visit: UpdateContext) -> None:
    """«🧹 Забыть разговор», /clear: the talk's messages go for good; what they cost stays counted."""
    db, open_talk = visit.desk.db, visit.talk
    said = db.talks.forget(open_talk.session_id) if open_talk is not None else 0
    if open_talk is not None:
        _begin(visit)  # the talk before it, which is among the sessions, isn't the open one for that
    if open_talk is None or not said:
        _say(visit, "chat.nothing_to_forget")
        return
    _say(visit, "chat.forgotten", n=said, tokens=open_talk.spent)


def new_talk(visit: UpdateContext, user_id: int) -> Toast:
    """«💬 Новый разговор»: the full one stays among the sessions. In a group only who was offered it may begin it."""
    if user_id != visit.user.id:
        return "toast.foreign"
    if visit.writing:
        return "toast.writing"
    if not may_begin(visit):
        return "toast.past"
    visit.drop_buttons()
    _begin(visit)
    if not visit.group:
        visit.go(Step.CHAT)
    _say(visit, "chat.begun")
    return None


def may_begin(visit: UpdateContext) -> bool:
    """Whether another talk may be begun: one without a question costs nothing but room on the disk."""
    return visit.desk.db.talks.count_not_started(visit.user.id) < MOST_UNBEGUN


def affordable(visit: UpdateContext, talk: Talk) -> bool:
    """Whether no limit stands in the way of a question; says which one does."""
    turns = visit.desk.turns
    try:
        turns.check(visit.user.id, talk.session_id, talk.kind)
    except LimitReached as limit:
        said = turns.outcomes(talk.kind).limit(visit.user.id, visit.chat_id, talk.session_id, limit)
        visit.send(str(said.params["text"]), keyboard=said.params.get("reply_markup"))
        return False
    return True


def _say(visit: UpdateContext, key: str, **values: object) -> None:
    """With the reply keyboard where the user is in the chat."""
    visit.say(key, keyboard=visit.keyboard() if visit.step is Step.CHAT else None, **values)


def _begin(visit: UpdateContext) -> Talk:
    talks = visit.desk.db.talks
    begun = talks.get(talks.create(visit.user.id, visit.chat_id, now()))
    assert begun is not None
    return begun


def quote(visit: UpdateContext, talk: Talk) -> str:
    """The message that the question replies to, cut to a sane size; empty where the talk has just said it."""
    if visit.quoted_id is None:
        return ""
    db = visit.desk.db
    shown = db.tree.get(db.outbox.shown(visit.chat_id, visit.quoted_id))
    remembers = talk.kind != KIND or chat_roles.remembers(db.roles.get(visit.chat_id))
    if shown is not None and shown.id == talk.head_id and remembers and not visit.marked:
        return ""
    # What the user marked is meant exactly; a whole message may be only a piece of what was said.
    text = visit.quoted or (shown.text if shown is not None else "")
    room = visit.desk.config.max_tokens_per_request // 4
    tokens = max(1, visit.desk.turns.estimate(text))
    return shorten(text, max(1, min(QUOTE_CHARS, len(text) * room // tokens))) if text else ""


def _with_room(visit: UpdateContext, talk: Talk, words: str, quoted: str = "") -> Talk:
    """The talk; or a new one, where this one is full and the user wants that rather than a summary."""
    db, turns = visit.desk.db, visit.desk.turns
    role = db.roles.get(visit.chat_id)
    if visit.user.at_full != "anew" or talk.head_id is None or not chat_roles.remembers(role):
        return talk
    path = db.tree.path(talk.head_id)
    question = Prompt(0, talk.head_id, None, visit.user.id, "user", KIND, words, quoted, None, now())
    asked = replace(path, prompts=(*path.prompts, question))
    system = chat_roles.system_prompt(visit.texts, role, path.memory)
    messages = chat_prompts.talk_messages(visit.texts, system, asked, {}, remembers=True, soft=False)
    if turns.estimate_prompt(messages, visit.model) <= BEGIN_ANEW_SHARE * turns.room(visit.model):
        return talk
    visit.say("chat.begun_anew")
    return _begin(visit)
