"""Files that wait for a word of their user: what is one for, may it be asked about, and by which model.

The question is stored already; each button names it by its prompt.
"""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.steps import Step
from database import Prompt, Talk
from handlers import assistant, files, models
from handlers.context import UpdateContext, now
from handlers.refusals import over_limit
from telegram.update_result import UpdateResult


def keep(context: UpdateContext) -> UpdateResult:
    """Keep a file that came in the menu or in a story, and ask what it is for; nothing is spent before the choice."""
    context = files.with_words(context)
    prompt_id = files.store(context, context.assistant_talk(), "")
    asked_about = files.asked_about(context)
    kind = files.kind_of(asked_about)
    rows = [[context.button("ask_file", f"ask_file:{prompt_id}")]]
    if kind == "text":
        rows.insert(0, [context.button("bring_file", f"bring_file:{prompt_id}")])
    several = kind == "picture" and len(asked_about) > 1
    return context.say("file.kept_pictures" if several else f"file.kept_{kind}", keyboard=inline(*rows))


def ask_kept(context: UpdateContext, prompt_id: int) -> UpdateResult:
    """«💬 Спросить в чате»: ask a stored question."""
    found = kept(context, prompt_id)
    if isinstance(found, UpdateResult):
        return found
    question, talk = found
    sees = context.turns.sight.takes_pictures(context.model)
    if files.kind_of(question.files) == "picture" and not sees:
        return context.drop_buttons() + files.blind(context, prompt_id, question.files)
    return _ask(context, question, talk)


def ask_who_sees(context: UpdateContext, prompt_id: int) -> UpdateResult:
    """Switch to a model that takes pictures, and ask it a stored question."""
    found = kept(context, prompt_id)
    model = context.turns.sight.cheapest()
    if isinstance(found, UpdateResult):
        return found
    if model is None:
        return context.toast("toast.model_gone")
    models.keep(context, model)
    return context.say("file.switched", model=model.title) + _ask(context, *found)


def kept(context: UpdateContext, prompt_id: int) -> tuple[Prompt, Talk] | UpdateResult:
    """Return a stored question of the user's and its talk, or why it can't be asked now."""
    db = context.db
    question, session_id = db.tree.get(prompt_id), db.tree.session_of(prompt_id)
    talk = db.talks.get(session_id)
    if question is None or talk is None or talk.deleted or talk.chat_id != context.chat_id:
        return context.toast("toast.past")
    if question.user_id != context.user.id:
        return context.toast("toast.foreign")
    if context.writing:
        return context.toast("toast.writing")
    answered = db.tree.siblings(talk.session_id, prompt_id, "assistant", talk.kind)
    return context.toast("toast.past") if answered or not question.files else (question, talk)


def _ask(context: UpdateContext, question: Prompt, talk: Talk) -> UpdateResult:
    if refusal := over_limit(context, talk.kind, talk.session_id):
        return refusal
    result = context.drop_buttons()
    if not context.group and talk.kind == assistant.KIND and context.step is not Step.CHAT:
        result += assistant.enter(context)
    context.db.talks.resume(talk.session_id, now())
    context.db.tree.hang(question.id, talk.head_id)
    return result + files.notices(context, question.files) + context.start_turn(talk.kind, talk.session_id, question.id)
