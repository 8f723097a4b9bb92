"""Questions about pictures and documents: what they are about, what that costs, and what holds them back.

A question that can't be asked yet (its model takes no pictures, its pictures are dear) is stored under the talk's last
text, unanswered; the button under the bot's answer names it by its prompt (`handlers/file_choices.py`).
"""

from __future__ import annotations

from dataclasses import replace

from core.sent_files import SentFile
from database import Talk
from handlers.balances import price_of
from handlers.context import UpdateContext, now
from telegram.attachments import MOST_PICTURES, Attachments
from telegram.update_result import NOTHING, UpdateResult
from turns import limits
from turns.file_sentences import blind_sentence
from turns.sight import tokens_each

MOST_UNASKED = 20  # questions about files of a user, that nobody was asked: they cost disk space and no tokens


def asked_about(context: UpdateContext) -> tuple[SentFile, ...]:
    """Return the files that the user's words are about: the message's own, else those of the one that it replies to."""
    quote = context.message.quote
    return context.message.attachments.files or (quote.files if quote is not None else ())


def with_words(context: UpdateContext) -> UpdateContext:
    """Return the context as it is asked about: files without words get a question of the locales.

    A forwarded picture, or one that the words reply to, is left out where the model sees none and there are other
    words to answer by.
    """
    files = asked_about(context)
    if not files:
        return context
    context = _without_unseen(context, files)
    if context.words:
        return context
    words = context.texts.plain(f"file.ask_{kind_of(files)}")
    return replace(context, message=replace(context.message, words=words, pieces=()))


def _without_unseen(context: UpdateContext, files: tuple[SentFile, ...]) -> UpdateContext:
    message, quote = context.message, context.message.quote
    own = bool(message.attachments.files)
    text = message.words if own and message.content_type == "text" else quote.text if not own and quote else ""
    texts = tuple(file for file in files if file.kind == "text")
    if not text or len(texts) == len(files) or context.turns.sight.takes_pictures(context.model):
        return context
    quote = replace(quote, files=()) if quote is not None else None
    return replace(context, message=replace(message, attachments=Attachments(texts, "unseen"), quote=quote))


def held_back(context: UpdateContext, talk: Talk, quoted: str) -> UpdateResult | None:
    """Store a question that the user has to say a word to first, and say why; None if it can be asked."""
    files = asked_about(context)
    if kind_of(files) != "picture":
        return None
    sight, model = context.turns.sight, context.model
    if not sight.takes_pictures(model):
        return blind(context, store(context, talk, quoted), files)
    price = _price(context, files)
    if price < limits.turn_price(context.config):
        return None
    ask = context.button("ask_file", f"ask_file:{store(context, talk, quoted)}")
    return context.say("file.dear", price=price_of(context, price), keyboard=context.inline(ask))


def notices(context: UpdateContext, files: tuple[SentFile, ...]) -> UpdateResult:
    """Return what is said before files are looked at: their price, and what of them is left out."""
    attachments = context.message.attachments
    said = NOTHING
    if attachments.left_out:
        said += context.say("file.left_out", most=MOST_PICTURES, n=attachments.left_out)
    if attachments.unread:
        said += context.say(f"unread.{attachments.unread}")
    if not files:
        return said
    return said + context.say_meanwhile(f"file.reads_{kind_of(files)}", price=_price(context, files))


def store(context: UpdateContext, talk: Talk, quoted: str) -> int:
    """Store a question under the talk's last text, unanswered; return its prompt."""
    prompt_id = context.db.tree.add(
        talk.session_id,
        talk.head_id,
        context.user.id,
        "user",
        context.words,
        now=now(),
        kind=talk.kind,
        quoted=quoted,
        files=asked_about(context),
    )
    context.show(prompt_id)
    context.db.tree.drop_unasked(context.user.id, kept=MOST_UNASKED)
    return prompt_id


def blind(context: UpdateContext, prompt_id: int, files: tuple[SentFile, ...]) -> UpdateResult:
    """Say that the user's model takes no pictures, and offer one that does."""
    said, keyboard = blind_sentence(
        context.texts,
        context.turns.sight,
        context.model,
        prompt_id=prompt_id,
        files=files,
        config=context.config,
    )
    return context.send(said, keyboard=keyboard)


def _price(context: UpdateContext, files: tuple[SentFile, ...]) -> int:
    """Return about what files cost: pictures by their size, a document at most."""
    model = context.model
    budget = context.turns.prompt_budget(model)
    texts = sum(file.kind == "text" for file in files)
    pictures = context.turns.sight.price(files, model, budget)
    return pictures + texts * model.weight.of(tokens_each(len(files), budget))


def kind_of(files: tuple[SentFile, ...]) -> str:
    """Return what the files are called together: pictures count first, since not every model takes them."""
    return "picture" if any(file.kind == "picture" for file in files) else "text" if files else ""
