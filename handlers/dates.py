"""Days as people say them."""

from __future__ import annotations

import time

from conversation.localization import Texts
from core.days import DAY_S, current_day


def day(texts: Texts, moment: int) -> str:
    """Return a moment's day: today, yesterday, a date."""
    days = current_day() - moment // DAY_S
    if days <= 0:
        return texts.plain("day.today")
    return texts.plain("day.yesterday") if days == 1 else date(texts, moment)


def date(texts: Texts, moment: int) -> str:
    """Return the date of a moment, which may be to come."""
    year, month, day_of_month = time.strftime("%Y %m %d", time.gmtime(moment)).split()
    return texts.plain("day.date", year=year, month=month, date=day_of_month)
