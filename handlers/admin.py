"""What only admins see: the debug mode, the log, stopping the bot. For everybody else these commands don't exist."""

from __future__ import annotations

from core.schemas import Outgoing
from handlers.account import repeat_question
from handlers.context import UpdateContext
from handlers.fallback import unknown_command

Toast = str | None  # the key of a pop-up answer, if there is one

LOG_TAIL_BYTES = 5_000_000


def debug(context: UpdateContext) -> None:
    """Switches the debug mode of this admin; it survives restarts."""
    if not is_admin(context):
        unknown_command(context)
        return
    on = not context.user.debug
    context.services.db.users.set_debug(context.user.id, on)
    context.say("admin.debug_on" if on else "admin.debug_off")
    repeat_question(context)


def logs(context: UpdateContext) -> None:
    """The log file; its newest part where it is large."""
    if not is_admin(context):
        unknown_command(context)
        return
    path = context.services.config.log_file
    try:
        content = path.read_bytes()[-LOG_TAIL_BYTES:]
    except OSError as error:
        context.say("admin.logs_failed", error=error.strerror or type(error).__name__)
        return
    if not content:
        context.say("admin.logs_empty")
        return
    caption = context.texts.plain("admin.logs_caption", size=max(1, len(content) // 1024))
    files = {"document": ("log.txt", content)}
    context.result.send(Outgoing(context.chat_id, "sendDocument", {"caption": caption}, files))
    repeat_question(context)


def ask_to_halt(context: UpdateContext) -> None:
    """/stop asks first: the button names this run of the bot, so that a press of it can't stop the next one."""
    if not is_admin(context):
        unknown_command(context)
        return
    life = context.services.life
    buttons = context.inline(context.button("halt", f"halt:{life}"), context.button("not_needed", f"halt:keep-{life}"))
    context.say("admin.halt_ask", keyboard=buttons)


def halt(context: UpdateContext, argument: str) -> Toast:
    """Stops the bot once the press has left the inbox, which it does with this transaction."""
    services = context.services
    if not is_admin(context) or argument.removeprefix("keep-") != str(services.life):
        return "toast.past"
    if argument.startswith("keep-"):
        context.edit("admin.halt_kept")
        return None
    context.edit("admin.halting")
    context.after(services.halt)
    return None


def is_admin(context: UpdateContext) -> bool:
    """Whether the user's id is among the settings' `admin_ids`."""
    return context.user.id in context.services.config.admin_ids
