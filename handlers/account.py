"""Registration, the welcome, help and the menu."""

from __future__ import annotations

from functools import partial

from telebot import types

from conversation.keyboards import inline
from conversation.localization import Html
from conversation.states import IN_WIZARD, Step
from core.schemas import Json
from database import User
from handlers import characters, library, wizard
from handlers.context import Services, UpdateContext, now
from handlers.input_text import readable
from handlers.step_prompts import announce, where
from turns import limits


def known_user(services: Services, sender: types.User, *, private: bool = True) -> tuple[User | None, bool]:
    """The sender's row and whether it is new in private; None where the bot takes no more users.

    Who was met in a group only can't be written to yet, as if they had blocked the bot, and is welcomed later.
    """
    # Others read them, too: nothing in a name may turn a sentence round.
    names = (sender.username, readable(sender.first_name), readable(sender.last_name) or None)
    user = services.db.users.get(sender.id)
    if user is not None:
        if (user.username, user.first_name, user.last_name) != names or (user.blocked and private):
            services.db.users.rename(sender.id, *names)
            if not private:
                services.db.users.set_blocked(sender.id, user.blocked)
        first = user.blocked and private
        config = services.config
        if config.user_tokens_per_day and services.db.users.refill(
            sender.id, config.user_tokens_per_day, config.user_tokens, now() // 86_400
        ):
            return services.db.users.get(sender.id), first
        return user, first
    if services.db.users.count() >= services.config.max_users and sender.id not in services.config.admin_ids:
        return None, False
    language = services.locales.language_of(sender.language_code)
    fresh = services.db.users.register(
        sender.id, *names, language=language, balance=services.config.user_tokens, now=now()
    )
    services.intake.result.after.append(partial(services.analytics.tell, "registered", sender.id, language=language))
    if services.db.forgetting.recall(sender.id):
        fresh = services.db.users.get(sender.id) or fresh
    if not private:
        services.db.users.set_blocked(sender.id, True)
    return fresh, private


def welcome(context: UpdateContext) -> None:
    """/start: the first time a welcome and the menu; later it keeps the mode and says which it is."""
    argument = context.words.partition(" ")[2].strip()
    if argument == "new":
        wizard.new_story(context)
    elif argument.startswith(library.SHARE_PREFIX):
        if context.first:
            first_words(context)
        library.open_shared(context, argument.removeprefix(library.SHARE_PREFIX))
    elif context.first:
        first_words(context)
    else:
        context.send(context.texts.say("start.again", line=where(context)), keyboard=context.keyboard())


def first_words(context: UpdateContext) -> None:
    """What somebody new reads, whatever they sent first."""
    config, texts = context.services.config, context.texts
    turns = limits.turns_left(config, config.user_tokens)
    begin = welcome_buttons(context)
    if context.user.id in config.admin_ids:
        context.say("start.first_unlimited", keyboard=begin)
    else:
        context.send(texts.say("start.first", turns=turns), keyboard=begin)
    context.say_here("start.first_menu")


def welcome_buttons(context: UpdateContext) -> Json:
    """The two ways into a story, and the page of characters where there is one."""
    ways = [context.button("lucky", "go:lucky"), context.button("pick_myself", "go:new_story")]
    return inline(ways, page=characters.page_button(context))


def show_help(context: UpdateContext) -> None:
    """What the bot can do. It informs only: in the wizard the question comes again."""
    context.say("help.text", balance=balance(context))
    repeat_question(context)


def balance(context: UpdateContext) -> Html:
    """The user's balance as a sentence: free tokens, and how many turns of the model they pay; admins have no limit."""
    config, user = context.services.config, context.user
    if user.id in config.admin_ids:
        return context.texts.say("balance.unlimited")
    turns = limits.turns_left(config, user.free, context.model.weight)
    return context.texts.say("balance.left" if turns else "balance.none", turns=turns, tokens=user.free)


def ask_language(context: UpdateContext) -> None:
    """/language: every language that the bot speaks, each in its own words."""
    locales = context.services.locales
    buttons = [(locales[language].plain("language.name"), f"language:{language}") for language in locales]
    context.say("language.ask", keyboard=context.inline(*buttons))


def set_language(context: UpdateContext, language: str) -> None:
    """Speaks another language from now on; the keyboard comes anew in it."""
    context.services.db.users.set_language(context.user.id, language)
    context.reload()
    context.texts = context.services.locales[language]
    context.say("language.done")
    announce(context)


def open_menu(context: UpdateContext) -> None:
    """Leaves whatever is open; nothing of it is lost."""
    context.go(Step.MENU)
    announce(context)


def repeat_question(context: UpdateContext) -> None:
    """Asks the wizard's question again where the user is in the wizard; says nothing elsewhere."""
    if context.step in IN_WIZARD:
        announce(context)
