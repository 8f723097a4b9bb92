"""«🎓 Роль», /prompt, /system and /modes: what the assistant is in this chat."""

from __future__ import annotations

from conversation.keyboards import inline
from conversation.states import Step
from core.text import utf16_length
from database import Role
from handlers import questions
from handlers.context import UpdateContext
from turns.chat_roles import DEFAULT, MODES, MOST_CHARS, title

Toast = str | None  # the key of a pop-up answer, if there is one

ROOM_SHARE = 0.35  # of the room for a prompt, that a role of one's own may take


def modes(context: UpdateContext) -> None:
    """The ready roles, each with what it is for, and a button a role."""
    texts, role = context.texts, context.services.db.roles.get(context.chat_id)
    lines = [f"<b>{texts.say(f'mode.name.{name}')}</b>: {texts.say(f'mode.about.{name}')}" for name in MODES]
    owner = f":{context.user.id}" if context.group else ""  # there only who asked may choose
    buttons = [(texts.plain(f"mode.name.{name}"), f"mode:{name}{owner}") for name in MODES]
    rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
    if not context.group:
        rows.append([context.button("role_own", "role_own:0")])
    now = texts.say("mode.line", role=title(texts, role))
    context.send("\n".join([now, "", *lines]), keyboard=inline(*rows))


def choose(context: UpdateContext, argument: str) -> Toast:
    """A ready role was pressed."""
    name, _, owner = argument.partition(":")
    if owner and owner != str(context.user.id):
        return "toast.foreign"
    if name not in MODES:
        return "toast.past"
    role = Role(mode="" if name == DEFAULT else name)
    context.services.db.roles.put(context.chat_id, role)
    context.edit("mode.chosen", role=title(context.texts, role), about=context.texts.plain(f"mode.about.{name}"))
    return "toast.saved"


def prompt(context: UpdateContext) -> None:
    """/prompt alone shows what is set; with words it sets them, and «сброс» goes back to the default role."""
    own = "".join(context.words.split(maxsplit=1)[1:])
    if not own:
        _show(context)
    elif context.services.locales.key_of(own) == "role_reset":
        _put(context, Role())
        context.say("role.reset", role=title(context.texts, Role()))
    elif _fits(context, own):
        _put(context, Role(prompt=own))
        context.say("role.done")


def ask_own(context: UpdateContext, _: int) -> Toast:
    """«✍️ Своя роль»: a question that needs one answer."""
    questions.ask(context, Step.ROLE, None, "role.ask", limit=MOST_CHARS)
    return None


def set_own(context: UpdateContext) -> None:
    """The user's words become the chat's role; where they don't fit, the question stays."""
    if _fits(context, context.words):
        _put(context, Role(prompt=context.words))
        questions.go_back(context)
        context.say_here("role.done")


def reset(context: UpdateContext) -> None:
    """Gives the chat the default role again, and goes back to where the user was before the question."""
    _put(context, Role())
    questions.go_back(context)
    context.say_here("role.reset", role=title(context.texts, Role()))


def _show(context: UpdateContext) -> None:
    texts, role = context.texts, context.services.db.roles.get(context.chat_id)
    if role.prompt:
        context.say("role.now_own", prompt=role.prompt, limit=MOST_CHARS)
    else:
        about = texts.plain(f"mode.about.{role.mode or DEFAULT}")
        context.say("role.now", role=title(texts, role), about=about, limit=MOST_CHARS)


def _fits(context: UpdateContext, own: str) -> bool:
    """Whether a prompt of one's own is short enough to be shown in one message, and leaves room for questions beside
    it; says so where not.
    """
    turns, length = context.services.turns, utf16_length(own)
    room = int(turns.room(context.model) * ROOM_SHARE)
    limit = min(MOST_CHARS, length * room // max(1, turns.estimate(own)))
    if length <= limit:
        return True
    context.say("role.too_long", length=length, limit=limit)
    return False


def _put(context: UpdateContext, role: Role) -> None:
    context.services.db.roles.put(context.chat_id, role)
