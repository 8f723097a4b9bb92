"""«💬 Чат»: the assistant. The user's words are a question, sent with what was said before in the session.

A group has the same chat without steps and reply keyboards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from conversation.keyboards import inline
from conversation.steps import Step
from core.sent_files import SentFile
from core.text import shorten
from database import REFUSED, Prompt, Talk, Turn
from handlers import files
from handlers.context import UpdateContext, now
from handlers.refusals import over_limit, over_prompt
from handlers.step_prompts import announce
from telegram.update_result import NOTHING, UpdateResult
from turns import chat_prompts, chat_roles, message_view
from turns.kinds.speaking import BY_VOICE

KIND = "chat"
EXAMPLES = 3  # questions that an empty chat offers
MOST_UNBEGUN = 100  # talks of a user that nothing was asked in: more than there are characters
QUOTE_CHARS = 1_500  # of a message that a question replies to
BEGIN_ANEW_SHARE = 0.9  # of the prompt budget: before a talk would be summarised


def open_chat(context: UpdateContext) -> UpdateResult:
    """Enter the chat; its talk goes on where it was left."""
    entered = enter(context)
    open_talk = context.talk
    return entered + (_examples(context) if open_talk is None or open_talk.head_id is None else NOTHING)


def enter(context: UpdateContext) -> UpdateResult:
    """Move the user into the chat and say so."""
    context.go(Step.CHAT)
    return announce(context)


def _examples(context: UpdateContext) -> UpdateResult:
    """Offer three questions for the ready role that is on; none for a role of the user's own."""
    role = context.db.roles.get(context.chat_id, context.topic_id)
    if role.prompt:
        return NOTHING
    names = [f"{role.mode or chat_roles.DEFAULT}_{number}" for number in range(1, EXAMPLES + 1)]
    rows = [[(context.texts.plain(f"example.{name}"), f"example:{name}")] for name in names]
    return context.say("chat.examples", keyboard=inline(*rows))


def ask_example(context: UpdateContext, name: str) -> UpdateResult:
    """Ask one of the offered questions."""
    if f"example.{name}" not in context.texts.templates():
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    context = context.with_words(context.texts.plain(f"example.{name}"))
    open_talk = context.assistant_talk()
    if refusal := over_limit(context, open_talk.kind, open_talk.session_id):
        return refusal
    result = context.edit("chat.examples_used")
    if context.step is not Step.CHAT:
        result += enter(context)
    return result + context.send_plain(f"▸ {context.words}") + _ask_with_room(context, open_talk, context.words)


def talk(context: UpdateContext) -> UpdateResult:
    """Ask the user's words as a question, with the message that they reply to and the files that they are about."""
    open_talk = context.open_talk()
    context = files.with_words(context)
    if refusal := over_prompt(context) or over_limit(context, open_talk.kind, open_talk.session_id):
        context.show(REFUSED)
        return refusal
    quoted = quote(context, open_talk)
    held_back = files.held_back(context, open_talk, quoted)
    return held_back or _ask_with_room(context, open_talk, context.words, quoted)


def _ask_with_room(context: UpdateContext, talk: Talk, words: str, quoted: str = "") -> UpdateResult:
    """Ask a question in the talk, or in a new one if this one is full and the user wants that."""
    if not _is_full(context, talk, words, quoted):
        return ask(context, talk, talk.head_id, words, quoted)
    begun = context.begin_talk()
    return context.say("chat.begun_anew") + ask(context, begun, begun.head_id, words, quoted)


def ask(
    context: UpdateContext,
    talk: Talk,
    below_id: int | None,
    words: str,
    quoted: str = "",
    earlier_files: Sequence[SentFile] = (),
) -> UpdateResult:
    """Put a question under a prompt of the talk and ask for the answer.

    `earlier_files`: those of the question that this one replaces.
    """
    about = files.asked_about(context) or tuple(earlier_files)
    prompt_id = context.db.tree.add(
        talk.session_id, below_id, context.user.id, "user", words, now=now(), kind=talk.kind, quoted=quoted, files=about
    )
    context.show(prompt_id)
    hint = BY_VOICE if context.message.spoken else ""
    return files.notices(context, about) + context.start_turn(talk.kind, talk.session_id, prompt_id, hint=hint)


def rewrite_words(context: UpdateContext, prompt_id: int) -> UpdateResult | None:
    """Ask edited words again; None if they are not the talk's last ones."""
    db, open_talk = context.db, context.talk
    old = db.tree.get(prompt_id)
    if open_talk is None or old is None or old.role != "user":
        return None
    head = db.tree.get(open_talk.head_id)
    answered = head is not None and head.parent_id == old.id
    if not answered and (old.parent_id != open_talk.head_id or not db.tree.is_of(old.id, open_talk.session_id)):
        return None
    if old.text == context.words:
        return NOTHING
    if refusal := over_prompt(context) or over_limit(context, open_talk.kind, open_talk.session_id):
        return refusal
    removed = NOTHING
    if head is not None and answered:
        below = context.texts.say("chat.below")
        removed = context.deliver(*message_view.taken_away(db, context.chat_id, head, below))
        db.tree.set_head(open_talk.session_id, old.parent_id, now())
    return removed + ask(context, open_talk, old.parent_id, context.words, old.quoted, old.files)


def once_more(context: UpdateContext, turn: Turn, *, soft: bool) -> UpdateResult:
    """Ask a failed question again, if nothing was said since."""
    db = context.db
    failed_talk, question = db.talks.get(turn.session_id), db.tree.get(turn.prompt_id)
    if turn.state != "failed" or failed_talk is None or failed_talk.deleted or question is None:
        return context.toast("toast.past")
    head = db.tree.get(failed_talk.head_id)
    half_answered = head is not None and head.turn_id == turn.id
    if not half_answered and failed_talk.head_id != question.parent_id:
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    if refusal := over_limit(context, failed_talk.kind, failed_talk.session_id):
        return refusal
    result = context.drop_buttons()
    if not context.group and context.step is Step.MENU and context.kinds[turn.kind].opens_chat:
        result += enter(context)
    asking = context.replying_to(turn.reply_to)
    return result + asking.start_turn(
        turn.kind, turn.session_id, turn.prompt_id, hint=turn.hint, soft=soft or turn.soft
    )


def use_words(context: UpdateContext, kept_id: int) -> UpdateResult:
    """«💬 В чат»: ask words that were kept in the menu as a question."""
    if context.writing:
        return context.toast("toast.writing")
    db = context.db
    words = db.users.kept_words(context.user.id, kept_id)
    if words is None:
        return context.toast("toast.words_gone")
    context = context.with_words(words)
    open_talk = context.assistant_talk()
    if refusal := over_prompt(context) or over_limit(context, open_talk.kind, open_talk.session_id):
        return refusal
    db.users.take_words(context.user.id, kept_id)
    result = context.drop_buttons()
    if context.step is not Step.CHAT:
        result += enter(context)
    return result + _ask_with_room(context, open_talk, words)


def forget(context: UpdateContext) -> UpdateResult:
    """«🧹 Забыть разговор», /clear: delete the talk; for a day a button brings it back."""
    open_talk = context.talk
    if open_talk is None:
        return _say(context, "chat.nothing_to_forget")
    said = delete_talk(context, open_talk)
    context.begin_talk()  # otherwise the talk before it would become the open one
    return said or _say(context, "chat.nothing_to_forget")


def delete_talk(context: UpdateContext, talk: Talk) -> UpdateResult | None:
    """Delete a talk and say how much it was; None if nothing was said in it. What it cost stays counted.

    A talk in which no model was asked is erased at once: keeping such ones would cost disk space and no tokens.
    """
    if not talk.started:
        said = context.db.talks.forget(talk.session_id)
        return _say(context, "chat.forgotten", n=said, tokens=talk.spent) if said else None
    said = context.db.talks.delete(talk.session_id, now())
    undo = context.inline(context.button("put_back_talk", f"put_back_talk:{talk.session_id}"))
    return context.say("chat.forgotten_for_a_day", keyboard=undo, n=said, tokens=talk.spent)


def put_back(context: UpdateContext, session_id: int) -> UpdateResult:
    """«↩️ Вернуть разговор»: undo a deletion; the talk becomes the open one of its chat again."""
    talks = context.db.talks
    deleted = talks.get(session_id)
    if deleted is None or deleted.chat_id != context.chat_id or not deleted.deleted:
        return context.toast("toast.past")
    if context.writing:
        return context.toast("toast.writing")
    begun = talks.open_in(context.chat_id, deleted.topic_id, kind=deleted.kind, character_id=deleted.character_id)
    if begun is not None and not begun.started:
        talks.forget(begun.session_id)  # the empty one that has taken its place
    talks.put_back(session_id, now())
    last = last_said(context, deleted)
    said = context.edit("chat.put_back", recall=last) if last else context.edit("chat.put_back_unanswered")
    return said + context.toast("toast.saved")


def last_said(context: UpdateContext, talk: Talk) -> str:
    """Return the end of a talk's last text as a line, without Markdown; empty if nothing was answered."""
    head = context.db.tree.get(talk.head_id)
    if head is None:
        return ""
    return message_view.recalled(replace(head, text=context.kinds[talk.kind].draft(head.text, "")))


def new_talk(context: UpdateContext, user_id: int) -> UpdateResult:
    """«💬 Новый разговор»: begin a new talk; the full one stays among the sessions.

    The button names the user that it was shown to: in a group nobody else may press it.
    """
    if user_id != context.user.id:
        return context.toast("toast.foreign")
    if context.writing:
        return context.toast("toast.writing")
    if not may_begin(context):
        return context.toast("toast.too_many_new")
    context.begin_talk()
    if not context.group:
        context.go(Step.CHAT)
    return context.drop_buttons() + _say(context, "chat.begun")


def own_talk(context: UpdateContext, session_id: int) -> Talk | UpdateResult:
    """Return a talk of the user's in this chat; else what to answer."""
    talk = context.db.talks.get(session_id)
    if talk is None or talk.deleted:
        return context.toast("toast.past")
    mine = talk.user_id == context.user.id and talk.chat_id == context.chat_id
    return talk if mine else context.toast("toast.foreign")


def may_begin(context: UpdateContext) -> bool:
    """Whether another talk may be begun: an unused one costs disk space and no tokens."""
    return context.db.talks.count_not_started(context.user.id) < MOST_UNBEGUN


def _say(context: UpdateContext, key: str, **values: object) -> UpdateResult:
    """Say a sentence, with the reply keyboard if the user is in the chat."""
    return context.say(key, keyboard=context.keyboard() if context.step is Step.CHAT else None, **values)


def quote(context: UpdateContext, talk: Talk) -> str:
    """Return the message that the question replies to, shortened; empty if the talk has just said it."""
    quoted = context.message.quote
    if quoted is None:
        return ""
    db = context.db
    shown = db.tree.get(db.outbox.shown(context.chat_id, quoted.message_id))
    remembers = talk.kind != KIND or chat_roles.remembers(db.roles.get(context.chat_id, context.topic_id))
    if shown is not None and shown.id == talk.head_id and remembers and not quoted.marked:
        return ""
    # What the user marked is meant exactly; a whole message may be only a piece of what was said.
    text = quoted.text or (shown.text if shown is not None else "")
    budget = context.config.max_tokens_per_request // 4
    tokens = max(1, context.turns.estimate(text))
    return shorten(text, max(1, min(QUOTE_CHARS, len(text) * budget // tokens))) if text else ""


def _is_full(context: UpdateContext, talk: Talk, words: str, quoted: str = "") -> bool:
    """Whether the question would fill the talk, and the user wants a new talk then rather than a summary."""
    db, turns = context.db, context.turns
    role = db.roles.get(context.chat_id, context.topic_id)
    if context.user.at_full != "anew" or talk.head_id is None or not chat_roles.remembers(role):
        return False
    path = db.tree.path(talk.head_id)
    question = Prompt(0, talk.head_id, None, context.user.id, "user", KIND, words, quoted, None, now())
    asked = replace(path, prompts=(*path.prompts, question))
    system = chat_roles.system_prompt(context.texts, role, path.memory)
    messages = chat_prompts.talk_messages(context.texts, system, asked, {}, remembers=True, soft=False)
    return turns.estimate_prompt(messages, context.model) > BEGIN_ANEW_SHARE * turns.prompt_budget(context.model)
