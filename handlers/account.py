"""The welcome, help, the language and the menu."""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.localization import Html
from conversation.states import IN_WIZARD, Step
from core.schemas import Json
from handlers import characters, library, wizard
from handlers.context import UpdateContext
from handlers.step_prompts import announce, where
from telegram.update_result import NOTHING, UpdateResult
from turns import limits


def welcome(context: UpdateContext) -> UpdateResult:
    """/start: welcome a new user; say to any other where they are."""
    argument = context.words.partition(" ")[2].strip()
    if argument == "new":
        return wizard.new_story(context)
    if argument.startswith(library.SHARE_PREFIX):
        greeting = first_words(context) if context.first else NOTHING
        return greeting + library.open_shared(context, argument.removeprefix(library.SHARE_PREFIX))
    if context.first:
        return first_words(context)
    return context.send(context.texts.say("start.again", line=where(context)), keyboard=context.keyboard())


def first_words(context: UpdateContext) -> UpdateResult:
    """Welcome a new user, whatever they sent first."""
    config, begin = context.config, welcome_buttons(context)
    if context.user.id in config.admin_ids:
        hello = context.say("start.first_unlimited", keyboard=begin)
    else:
        hello = context.say("start.first", turns=limits.turns_left(config, config.user_tokens), keyboard=begin)
    return hello + context.say_here("start.first_menu")


def welcome_buttons(context: UpdateContext) -> Json:
    """Return the two ways into a story, and the page of characters if there is a Web App."""
    ways = [context.button("lucky", "go:lucky"), context.button("pick_myself", "go:new_story")]
    return inline(ways, page=characters.page_button(context))


def show_help(context: UpdateContext) -> UpdateResult:
    """Say what the bot can do."""
    return context.say("help.text", balance=balance(context)) + repeat_question(context)


def balance(context: UpdateContext) -> Html:
    """Return the user's balance: free tokens, and how many turns of their model those pay. Admins have no limit."""
    config, user = context.config, context.user
    if user.id in config.admin_ids:
        return context.texts.say("balance.unlimited")
    turns = limits.turns_left(config, user.free, context.model.weight)
    return context.texts.say("balance.left" if turns else "balance.none", turns=turns, tokens=user.free)


def ask_language(context: UpdateContext) -> UpdateResult:
    """/language: show every language that the bot speaks, each by its own name."""
    locales = context.services.locales
    buttons = [(locales[language].plain("language.name"), f"language:{language}") for language in locales]
    return context.say("language.ask", keyboard=context.inline(*buttons))


def set_language(context: UpdateContext, language: str) -> UpdateResult:
    """Speak another language from now on."""
    context.db.users.set_language(context.user.id, language)
    context.reload()
    context.texts = context.services.locales[language]
    return context.say("language.done") + announce(context)


def open_menu(context: UpdateContext) -> UpdateResult:
    """Go to the menu; nothing that was open is lost."""
    context.go(Step.MENU)
    return announce(context)


def repeat_question(context: UpdateContext) -> UpdateResult:
    """Ask the wizard's question again if the user is in the wizard."""
    return announce(context) if context.step in IN_WIZARD else NOTHING
