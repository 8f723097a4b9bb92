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


def modes(visit: UpdateContext) -> None:
    """The ready roles, each with what it is for, and a button a role."""
    texts, role = visit.texts, visit.desk.db.roles.get(visit.chat_id)
    lines = [f"<b>{texts.say(f'mode.name.{name}')}</b>: {texts.say(f'mode.about.{name}')}" for name in MODES]
    owner = f":{visit.user.id}" if visit.group else ""  # there only who asked may choose
    buttons = [(texts.plain(f"mode.name.{name}"), f"mode:{name}{owner}") for name in MODES]
    rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
    if not visit.group:
        rows.append([visit.button("role_own", "role_own:0")])
    now = texts.say("mode.line", role=title(texts, role))
    visit.send("\n".join([now, "", *lines]), keyboard=inline(*rows))


def choose(visit: UpdateContext, argument: str) -> Toast:
    """A ready role was pressed."""
    name, _, owner = argument.partition(":")
    if owner and owner != str(visit.user.id):
        return "toast.foreign"
    if name not in MODES:
        return "toast.past"
    role = Role(mode="" if name == DEFAULT else name)
    visit.desk.db.roles.put(visit.chat_id, role)
    visit.edit("mode.chosen", role=title(visit.texts, role), about=visit.texts.plain(f"mode.about.{name}"))
    return "toast.saved"


def prompt(visit: UpdateContext) -> None:
    """/prompt alone shows what is set; with words it sets them, and «сброс» goes back to the default role."""
    own = "".join(visit.words.split(maxsplit=1)[1:])
    if not own:
        _show(visit)
    elif visit.desk.locales.key_of(own) == "role_reset":
        _put(visit, Role())
        visit.say("role.reset", role=title(visit.texts, Role()))
    elif _fits(visit, own):
        _put(visit, Role(prompt=own))
        visit.say("role.done")


def ask_own(visit: UpdateContext, _: int) -> Toast:
    """«✍️ Своя роль»: a question that needs one answer."""
    questions.ask(visit, Step.ROLE, None, "role.ask", limit=MOST_CHARS)
    return None


def set_own(visit: UpdateContext) -> None:
    """The user's words become the chat's role; where they don't fit, the question stays."""
    if _fits(visit, visit.words):
        _put(visit, Role(prompt=visit.words))
        questions.go_back(visit)
        visit.say_here("role.done")


def reset(visit: UpdateContext) -> None:
    """Gives the chat the default role again, and goes back to where the user was before the question."""
    _put(visit, Role())
    questions.go_back(visit)
    visit.say_here("role.reset", role=title(visit.texts, Role()))


def _show(visit: UpdateContext) -> None:
    texts, role = visit.texts, visit.desk.db.roles.get(visit.chat_id)
    if role.prompt:
        visit.say("role.now_own", prompt=role.prompt, limit=MOST_CHARS)
    else:
        about = texts.plain(f"mode.about.{role.mode or DEFAULT}")
        visit.say("role.now", role=title(texts, role), about=about, limit=MOST_CHARS)


def _fits(visit: UpdateContext, own: str) -> bool:
    """Whether a prompt of one's own is short enough to be shown in one message, and leaves room for questions beside
    it; says so where not.
    """
    turns, length = visit.desk.turns, utf16_length(own)
    room = int(turns.prompt_budget(visit.model) * ROOM_SHARE)
    limit = min(MOST_CHARS, length * room // max(1, turns.estimate(own)))
    if length <= limit:
        return True
    visit.say("role.too_long", length=length, limit=limit)
    return False


def _put(visit: UpdateContext, role: Role) -> None:
    visit.desk.db.roles.put(visit.chat_id, role)
