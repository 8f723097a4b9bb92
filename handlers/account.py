"""The welcome, help, the language and the menu."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from conversation.keyboards import inline
from conversation.localization import FALLBACK, Html
from conversation.steps import IN_WIZARD, Step
from core.schemas import Json
from handlers import characters, library, shared_characters, wizard
from handlers.balances import balance
from handlers.context import UpdateContext
from handlers.step_prompts import announce, where
from telegram.bot_profile import menu_button_of_chat
from telegram.update_result import NOTHING, UpdateResult
from turns import limits
from turns.share_cards import CHARACTER_LINK, STORY_LINK


def welcome(context: UpdateContext) -> UpdateResult:
    """/start: welcome a new user; say to any other where they are."""
    argument = context.words.partition(" ")[2].strip()
    if argument == "new":
        return wizard.new_story(context)
    for prefix, open_shared in _SHARED.items():
        if argument.startswith(prefix):
            greeting = first_words(context) if context.first else NOTHING
            return greeting + open_shared(context, argument.removeprefix(prefix))
    if context.first:
        return first_words(context)
    return context.send(context.texts.say("start.again", line=where(context)), keyboard=context.keyboard())


_SHARED: Mapping[str, Callable[[UpdateContext, str], UpdateResult]] = {
    STORY_LINK: library.open_shared,
    CHARACTER_LINK: shared_characters.open_shared,
}


def first_words(context: UpdateContext) -> UpdateResult:
    """Welcome a new user, whatever they sent first."""
    config, begin = context.config, welcome_buttons(context)
    if context.is_admin:
        hello = context.say("start.first_unlimited", keyboard=begin)
    else:
        hello = context.say("start.first", turns=limits.turns_left(config, config.user_tokens), keyboard=begin)
    menu = NOTHING if context.texts.language == FALLBACK else _menu_button(context)
    return hello + context.say_here("start.first_menu") + menu


def welcome_buttons(context: UpdateContext) -> Json:
    """Return the two ways into a story, and the page of characters if there is a Web App."""
    ways = [context.button("lucky", "go:lucky"), context.button("pick_myself", "go:new_story")]
    return inline(ways, page=characters.page_button(context))


def show_help(context: UpdateContext) -> UpdateResult:
    """Say what the bot can do; to an admin also the commands that only admins have."""
    said = context.texts.say("help.text", balance=balance(context))
    if context.is_admin:
        said = Html("\n\n".join((said, admin_help(context))))
    return context.send(said) + repeat_question(context)


def admin_help(context: UpdateContext) -> Html:
    """Return the commands that only admins have."""
    sales = context.texts.say("buy.admin_help") + "\n" if context.config.packs else ""
    return context.texts.say("help.admin", sales=Html(sales))


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
    return context.say("language.done") + announce(context) + _menu_button(context)


def _menu_button(context: UpdateContext) -> UpdateResult:
    return context.deliver(*menu_button_of_chat(context.chat_id, context.texts, context.config.webapp_url))


def open_menu(context: UpdateContext) -> UpdateResult:
    """Go to the menu; nothing that was open is lost."""
    context.go(Step.MENU)
    return announce(context)


def repeat_question(context: UpdateContext) -> UpdateResult:
    """Ask the wizard's question again if the user is in the wizard."""
    return announce(context) if context.step in IN_WIZARD else NOTHING
