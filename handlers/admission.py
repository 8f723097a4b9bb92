"""Who may use the bot: senders are registered when they come first; a full or closed bot says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from telebot import types

from core.days import current_day
from core.schemas import Outgoing
from database import User
from handlers import access_requests
from handlers.context import Services, UpdateContext, after_commit, now
from handlers.input_text import readable
from handlers.user_message import UserMessage
from telegram.update_result import NOTHING, IncomingUpdate, TrackEvent, UpdateResult
from turns.message_view import as_reply, only_for, sentence

_Names = tuple[str | None, str, str | None]  # @name, first and last name


@dataclass(frozen=True, slots=True)
class _Sender:
    """A sender's row. `first`: new in private. `registered`: what registering them brings."""

    user: User
    first: bool = False
    registered: UpdateResult = NOTHING


def admit(
    services: Services,
    incoming: IncomingUpdate,
    sender: types.User | None,
    message: UserMessage,
    then: Callable[[UpdateContext], UpdateResult],
    *,
    banned_too: bool = False,
) -> UpdateResult:
    """Run `then` for the sender, registered if new; else return why they can't use the bot."""
    if sender is None or sender.is_bot:
        return NOTHING
    known = _known(services, sender, private=message.chat_id > 0)
    if known is None:
        texts = services.locales[services.locales.language_of(sender.language_code)]
        return _reply(message, sentence(message.chat_id, access_requests.full(services, texts)), sender.id)
    user = known.user
    if not banned_too and _is_out(services, user):
        return known.registered + _reply(message, access_requests.closed(services, user, message.chat_id), user.id)
    if message.chat_id > 0 and user.topic_id != incoming.topic_id:
        services.db.topic_states.enter(user.id, incoming.topic_id)
        user = services.db.users.get(user.id) or user
    writing = incoming.behind or services.turns.open_in(message.chat_id, incoming.topic_id) is not None
    texts = services.locales[user.language]
    context = UpdateContext(services, incoming, message, user, texts, first=known.first, writing=writing)
    return known.registered + then(context)


def admit_payer(services: Services, payer: types.User, *, private: bool) -> User:
    """Return who has paid, registered if new: a payment counts beyond the limit of users, too."""
    user = services.db.users.get(payer.id)
    return user if user is not None else _add(services, payer, _names(payer), private=private)


def press_refusal(services: Services, presser: types.User) -> str:
    """Return why a press in a group doesn't count, or "": pressing others' buttons registers nobody."""
    user = services.db.users.get(presser.id)
    if user is None:
        return services.locales[services.locales.language_of(presser.language_code)].plain("toast.stranger")
    return services.locales[user.language].plain("toast.banned") if _is_out(services, user) else ""


def _is_out(services: Services, user: User) -> bool:
    return user.banned and user.id not in services.config.admin_ids


def _reply(message: UserMessage, outgoing: Outgoing, user_id: int) -> UpdateResult:
    """Answer somebody who can't use the bot; in a group, for their eyes alone."""
    return UpdateResult(messages=(only_for(as_reply(outgoing, message.reply_to), user_id),))


def _known(services: Services, sender: types.User, *, private: bool) -> _Sender | None:
    """Return the sender, registered if new; None if the bot takes no more users.

    Somebody met only in a group can't be written to yet, as if they had blocked the bot, and is welcomed later.
    """
    names = _names(sender)
    user = services.db.users.get(sender.id)
    if user is None:
        return _register(services, sender, names, private=private)
    if (user.username, user.first_name, user.last_name) != names or (user.blocked and private):
        services.db.users.rename(sender.id, *names)
        if not private:
            services.db.users.set_blocked(sender.id, user.blocked)
    config = services.config
    if config.user_tokens_per_day and services.db.users.refill(
        sender.id, config.user_tokens_per_day, config.user_tokens, current_day()
    ):
        refilled = services.db.users.get(sender.id)
        assert refilled is not None
        return _Sender(refilled, first=user.blocked and private)
    return _Sender(user, first=user.blocked and private)


def _names(sender: types.User) -> _Names:
    """Return a sender's names. Other users see them: nothing in one may turn a sentence round."""
    return sender.username, readable(sender.first_name), readable(sender.last_name) or None


def _register(services: Services, sender: types.User, names: _Names, *, private: bool) -> _Sender | None:
    config = services.config
    if services.db.users.count() >= config.max_users and sender.id not in config.admin_ids:
        return None
    user = _add(services, sender, names, private=private)
    language = services.locales.language_of(sender.language_code)
    registered = after_commit(TrackEvent("registered", sender.id, {"language": language}))
    return _Sender(user, first=private, registered=registered)


def _add(services: Services, sender: types.User, names: _Names, *, private: bool) -> User:
    config, users = services.config, services.db.users
    language = services.locales.language_of(sender.language_code)
    user = users.register(sender.id, *names, language=language, balance=config.user_tokens, now=now())
    if services.db.forgetting.recall(sender.id):
        user = users.get(sender.id) or user
    if not private:
        users.set_blocked(sender.id, True)
    return user
