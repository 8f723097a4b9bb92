"""Days of UTC by their number since 1970, as spending and events are counted."""

from __future__ import annotations

import time
from typing import Final

DAY_S: Final = 86_400


def current_day() -> int:
    """Return the number of the day that it is now."""
    return int(time.time()) // DAY_S
