"""«🎓 Роль», /prompt, /system and /modes: what the assistant is in this chat."""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.steps import Step
from core.text import utf16_length
from database import Role
from handlers import questions
from handlers.context import UpdateContext
from telegram.update_result import UpdateResult
from turns.chat_roles import DEFAULT, MODES, MOST_CHARS, title

BUDGET_SHARE = 0.35  # of the prompt budget, that a role may take


def modes(context: UpdateContext) -> UpdateResult:
    """Show the ready roles, each with what it is for, and a button a role."""
    texts, role = context.texts, context.db.roles.get(context.chat_id, context.topic_id)
    lines = [f"<b>{texts.say(f'mode.name.{name}')}</b>: {texts.say(f'mode.about.{name}')}" for name in MODES]
    owner = f":{context.user.id}" if context.group else ""  # there only who asked may choose
    buttons = [(texts.plain(f"mode.name.{name}"), f"mode:{name}{owner}") for name in MODES]
    rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
    if not context.group:
        rows.append([context.button("role_own", "role_own:0"), context.button("answer_voice", "aloud:show:0")])
    now = texts.say("mode.line", role=title(texts, role))
    return context.send("\n".join([now, "", *lines]), keyboard=inline(*rows))


def choose(context: UpdateContext, argument: str) -> UpdateResult:
    """Give the chat a ready role."""
    name, _, owner = argument.partition(":")
    if owner and owner != str(context.user.id):
        return context.toast("toast.foreign_roles")
    if name not in MODES:
        return context.toast("toast.past")
    role = Role(mode="" if name == DEFAULT else name)
    context.db.roles.put(context.chat_id, context.topic_id, role)
    about = context.texts.plain(f"mode.about.{name}")
    return context.edit("mode.chosen", role=title(context.texts, role), about=about) + context.toast("toast.saved")


def prompt(context: UpdateContext) -> UpdateResult:
    """/prompt: show the role; with words behind it, make them the role; «сброс» goes back to the default role."""
    own = "".join(context.words.split(maxsplit=1)[1:])
    if not own:
        return _show(context)
    if context.services.locales.key_of(own) == "role_reset":
        _put(context, Role())
        return context.say("role.reset", role=title(context.texts, Role()))
    if refusal := _too_long(context, own):
        return refusal
    _put(context, Role(prompt=own))
    return context.say("role.done")


def ask_own(context: UpdateContext, _: int) -> UpdateResult:
    """«✍️ Своя роль»: ask for a role in the user's words."""
    return questions.ask(context, Step.ROLE, None, "role.ask", limit=MOST_CHARS)


def set_own(context: UpdateContext) -> UpdateResult:
    """Make the user's words the chat's role; if they are too long, the question stays."""
    if refusal := _too_long(context, context.words):
        return refusal
    _put(context, Role(prompt=context.words))
    questions.go_back(context)
    return context.say_here("role.done")


def reset(context: UpdateContext) -> UpdateResult:
    """Give the chat the default role again, and go back to where the user was before the question."""
    _put(context, Role())
    questions.go_back(context)
    return context.say_here("role.reset", role=title(context.texts, Role()))


def _show(context: UpdateContext) -> UpdateResult:
    texts, role = context.texts, context.db.roles.get(context.chat_id, context.topic_id)
    if role.prompt:
        return context.say("role.now_own", prompt=role.prompt, limit=MOST_CHARS)
    about = texts.plain(f"mode.about.{role.mode or DEFAULT}")
    return context.say("role.now", role=title(texts, role), about=about, limit=MOST_CHARS)


def _too_long(context: UpdateContext, own: str) -> UpdateResult | None:
    """Check that a role can be shown in one message, and leaves most of the prompt budget to the talk."""
    turns, length = context.turns, utf16_length(own)
    budget = int(turns.prompt_budget(context.model) * BUDGET_SHARE)
    limit = min(MOST_CHARS, length * budget // max(1, turns.estimate(own)))
    return None if length <= limit else context.say("role.too_long", length=length, limit=limit)


def _put(context: UpdateContext, role: Role) -> None:
    context.db.roles.put(context.chat_id, context.topic_id, role)
