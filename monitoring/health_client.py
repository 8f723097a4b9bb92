"""Ask a running bot for its health: `bot.py --health`, also Docker's health check."""

from __future__ import annotations

import http.client
import json
from typing import Final

from config import Config

TIMEOUT_S: Final = 5.0
_EVERY_ADDRESS: Final = "0.0.0.0"  # nosec B104  # replaced by one that can be asked
_ANYWHERE: Final = {_EVERY_ADDRESS: "127.0.0.1", "::": "::1", "*": "127.0.0.1"}


def ask(config: Config) -> tuple[bool, str]:
    """Return whether the bot of this configuration is healthy, and a line that says what is wrong."""
    if not config.metrics_port:
        return False, "METRICS_PORT is not set, or 0: there is nobody to ask"
    host = _ANYWHERE.get(config.metrics_host, config.metrics_host)
    where = f"{host}:{config.metrics_port}"
    connection = http.client.HTTPConnection(host, config.metrics_port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        report = json.loads(answer.read(100_000))
        wrong = [f"{part}: {said}" for part, said in report["parts"].items() if said != "ok"]
    except (OSError, http.client.HTTPException) as error:
        return False, f"nobody answers at {where} ({type(error).__name__})"
    except (ValueError, KeyError, TypeError, AttributeError):
        return False, f"somebody else answers at {where}"
    finally:
        connection.close()
    if answer.status == 200 and not wrong:
        return True, f"{', '.join(report['parts'])}: all well"
    return False, "; ".join(wrong) or f"status {answer.status}"
