"""What only admins see: the debug mode, the log, stopping the bot. For everybody else these commands don't exist."""

from __future__ import annotations

from core.schemas import Outgoing
from handlers.account import repeat_question
from handlers.context import UpdateContext
from handlers.fallback import unknown_command

Toast = str | None  # the key of a pop-up answer, if there is one

LOG_TAIL_BYTES = 5_000_000


def debug(visit: UpdateContext) -> None:
    """Switches the debug mode of this admin; it survives restarts."""
    if not is_admin(visit):
        unknown_command(visit)
        return
    on = not visit.user.debug
    visit.desk.db.users.set_debug(visit.user.id, on)
    visit.say("admin.debug_on" if on else "admin.debug_off")
    repeat_question(visit)


def logs(visit: UpdateContext) -> None:
    """The log file; its newest part where it is large."""
    if not is_admin(visit):
        unknown_command(visit)
        return
    path = visit.desk.config.log_file
    try:
        content = path.read_bytes()[-LOG_TAIL_BYTES:]
    except OSError as error:
        visit.say("admin.logs_failed", error=error.strerror or type(error).__name__)
        return
    if not content:
        visit.say("admin.logs_empty")
        return
    caption = visit.texts.plain("admin.logs_caption", size=max(1, len(content) // 1024))
    files = {"document": ("log.txt", content)}
    visit.envelope.send(Outgoing(visit.chat_id, "sendDocument", {"caption": caption}, files))
    repeat_question(visit)


def ask_to_halt(visit: UpdateContext) -> None:
    """/stop asks first: the button names this run of the bot, so that a press of it can't stop the next one."""
    if not is_admin(visit):
        unknown_command(visit)
        return
    life = visit.desk.life
    buttons = visit.inline(visit.button("halt", f"halt:{life}"), visit.button("not_needed", f"halt:keep-{life}"))
    visit.say("admin.halt_ask", keyboard=buttons)


def halt(visit: UpdateContext, argument: str) -> Toast:
    """Stops the bot once the press has left the inbox, which it does with this transaction."""
    desk = visit.desk
    if not is_admin(visit) or argument.removeprefix("keep-") != str(desk.life):
        return "toast.past"
    if argument.startswith("keep-"):
        visit.edit("admin.halt_kept")
        return None
    visit.edit("admin.halting")
    visit.after(desk.halt)
    return None


def is_admin(visit: UpdateContext) -> bool:
    """Whether the user's id is among the settings' `admin_ids`."""
    return visit.user.id in visit.desk.config.admin_ids
