"""When a character may write first, in the user's own time. Pure.

A zone is a distance from UTC in minutes; Russia has no summer time.
"""

from __future__ import annotations

import hashlib
from typing import Final

from core.days import DAY_S

FROM_MINUTE: Final = 10 * 60  # of the user's day
TO_MINUTE: Final = 21 * 60
APART_S: Final = 12 * 3600  # between two letters, also when the user changes the zone
WRONG_CLOCK_S: Final = DAY_S  # a time so far in the future was stored while this machine's clock was wrong

# Key of the label, and minutes east of UTC. Moscow goes first.
CITIES: Final = (
    ("moscow", 180),
    ("kaliningrad", 120),
    ("samara", 240),
    ("yekaterinburg", 300),
    ("omsk", 360),
    ("novosibirsk", 420),
    ("irkutsk", 480),
    ("yakutsk", 540),
    ("vladivostok", 600),
    ("magadan", 660),
    ("kamchatka", 720),
)
OFFSETS: Final = (
    *range(-720, 181, 60),
    *(-570, -210, 210, 240, 270, 300, 330, 345, 360, 390, 420, 480, 525, 540, 570, 600, 630, 660, 720, 765, 780, 840),
)


def is_due(user_id: int, zone_minutes: int, last_at: int, now: int) -> bool:
    """Return whether the day's letter may be written now. Each user has a minute of their own every day."""
    local = now + zone_minutes * 60
    minute = local % DAY_S // 60
    if not minute_of(user_id, local // DAY_S) <= minute < TO_MINUTE:
        return False
    if last_at == 0 or last_at - now > WRONG_CLOCK_S:
        return True
    return now - last_at >= APART_S and (last_at + zone_minutes * 60) // DAY_S < local // DAY_S


def is_day(zone_minutes: int, now: int) -> bool:
    """Return whether it is a time of the day at which letters are written."""
    return FROM_MINUTE <= (now + zone_minutes * 60) % DAY_S // 60 < TO_MINUTE


def minute_of(user_id: int, day: int) -> int:
    """Return the minute of a day at which a user's letter is written, spread over the hours by the user."""
    digest = hashlib.blake2b(f"{user_id}:{day}".encode(), digest_size=8).digest()
    return FROM_MINUTE + int.from_bytes(digest, "big") % (TO_MINUTE - FROM_MINUTE - 30)


def name_of(zone_minutes: int) -> str:
    """Return a zone as «UTC+3» or «UTC+5:30»."""
    hours, minutes = divmod(abs(zone_minutes), 60)
    sign = "−" if zone_minutes < 0 else "+"
    return f"UTC{sign}{hours}" + (f":{minutes:02}" if minutes else "")
