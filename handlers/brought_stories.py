"""«📥 Принести свою историю»: a text that was written elsewhere becomes a story, or goes on with the open one."""

from __future__ import annotations

from conversation.steps import Step
from core.sent_files import SentFile
from database import Story
from handlers import branches, file_choices, questions
from handlers.context import UpdateContext
from handlers.refusals import over_limit
from telegram.update_result import UpdateResult
from turns import brought

LEAST_CHARS = 100  # less is a phrase, which the menu makes a story of


def ask(context: UpdateContext) -> UpdateResult:
    """Ask for the text of a new story."""
    return questions.ask(context, Step.BRING, None, "bring.ask")


def ask_for_more(context: UpdateContext, story: Story) -> UpdateResult:
    """«📥 Свой текст»: ask for a text to add to the open story."""
    return questions.ask(context, Step.BRING, story.session_id, "bring.ask_more")


def take(context: UpdateContext) -> UpdateResult:
    """Take a file or a pasted text as the story, or as what goes on with one."""
    about = questions.asked_about(context)
    session_id = about.session_id if about is not None else 0
    texts = [file for file in context.message.attachments.files if file.kind == "text"]
    if texts:
        return _start(context, _source(texts[0], session_id))
    if context.message.content_type != "text":
        return context.say_here("bring.no_text")
    if len(context.words) < LEAST_CHARS and not session_id:
        return context.say_here("bring.too_short", least=LEAST_CHARS)
    return _start(context, brought.Source(text=context.words, session_id=session_id))


def begin_from_file(context: UpdateContext, prompt_id: int) -> UpdateResult:
    """«📥 Начать из него историю»: make a story of a file that was kept for a choice."""
    found = file_choices.kept(context, prompt_id)
    if isinstance(found, UpdateResult):
        return found
    texts = [file for file in found[0].files if file.kind == "text"]
    if not texts:
        return context.toast("toast.past")
    return context.drop_buttons() + _start(context, _source(texts[0], 0))


def remember_all(context: UpdateContext, story: Story) -> UpdateResult:
    """«🧠 Запомнить начало»: have the memory made of the whole text, if its price can be paid."""
    model = context.model
    whole = context.db.tree.whole(story.head_id, story.starts_after)
    tokens = sum(context.turns.estimate(prompt.text) for prompt in whole)
    price = brought.memory_price(context.config, model, tokens)
    if refusal := over_limit(context, "memory", story.session_id, price):
        return refusal
    started = context.start_turn("memory", story.session_id, story.head_id)
    return context.drop_buttons() + context.say_meanwhile("memory.rebuilding") + started


def _source(file: SentFile, session_id: int) -> brought.Source:
    return brought.Source(file.file_id, file.name, session_id=session_id)


def _start(context: UpdateContext, source: brought.Source) -> UpdateResult:
    if context.writing:
        return context.say("wrong.button", now=context.texts.say("now.writing"))
    if refusal := branches.too_many_copies(context) or over_limit(context, "bringing", None):
        return refusal
    return context.say_meanwhile("bring.wait") + context.start_turn("bringing", None, None, hint=source.as_hint())
