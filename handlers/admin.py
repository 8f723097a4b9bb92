"""What only admins see: the debug mode and the log. For everybody else these commands don't exist."""

from __future__ import annotations

from handlers.account import repeat_question
from handlers.fallback import unknown_command
from handlers.visit import Visit
from messages import Outgoing

LOG_TAIL_BYTES = 5_000_000


def debug(visit: Visit) -> None:
    """Switches the debug mode of this admin; it survives restarts."""
    if not is_admin(visit):
        unknown_command(visit)
        return
    on = not visit.user.debug
    visit.desk.db.users.set_debug(visit.user.id, on)
    visit.say("admin.debug_on" if on else "admin.debug_off")
    repeat_question(visit)


def logs(visit: Visit) -> None:
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


def is_admin(visit: Visit) -> bool:
    return visit.user.id in visit.desk.config.admin_ids
