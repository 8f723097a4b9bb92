"""What only admins see: the debug mode, the log, stopping the bot. For everybody else these commands don't exist."""

from __future__ import annotations

from core.schemas import Outgoing
from handlers.account import repeat_question
from handlers.context import UpdateContext, after_commit
from handlers.fallback import unknown_command
from telegram.update_result import StopBot, UpdateResult

LOG_TAIL_BYTES = 5_000_000


def debug(context: UpdateContext) -> UpdateResult:
    """Switch the debug mode of this admin; it survives restarts."""
    if not context.is_admin:
        return unknown_command(context)
    on = not context.user.debug
    context.db.users.set_debug(context.user.id, on)
    return context.say("admin.debug_on" if on else "admin.debug_off") + repeat_question(context)


def logs(context: UpdateContext) -> UpdateResult:
    """Send the newest part of the log file."""
    if not context.is_admin:
        return unknown_command(context)
    path = context.config.log_file
    try:
        content = path.read_bytes()[-LOG_TAIL_BYTES:]
    except OSError as error:
        return context.say("admin.logs_failed", error=error.strerror or type(error).__name__)
    if not content:
        return context.say("admin.logs_empty")
    caption = context.texts.plain("admin.logs_caption", size=max(1, len(content) // 1024))
    files = {"document": ("log.txt", content)}
    document = Outgoing(context.chat_id, "sendDocument", {"caption": caption}, files)
    return context.deliver(document) + repeat_question(context)


def ask_to_halt(context: UpdateContext) -> UpdateResult:
    """/stop: ask first. The button names this run of the bot, so that a press can't stop the next one."""
    if not context.is_admin:
        return unknown_command(context)
    run_id = context.services.run_id
    halt, keep = context.button("halt", f"halt:{run_id}"), context.button("not_needed", f"halt:keep-{run_id}")
    return context.say("admin.halt_ask", keyboard=context.inline(halt, keep))


def halt(context: UpdateContext, argument: str) -> UpdateResult:
    """Stop the bot after this transaction, with which the press leaves the inbox."""
    if not context.is_admin or argument.removeprefix("keep-") != str(context.services.run_id):
        return context.toast("toast.over")
    if argument.startswith("keep-"):
        return context.edit("admin.halt_kept")
    return context.edit("admin.halting") + after_commit(StopBot())
