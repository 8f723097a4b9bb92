"""Mask secrets in texts, and escape line breaks and control characters.

Used for the log, the debug mode's messages and error texts. Secrets of the configuration are found by value, others (a
key in a vendor's answer, a fetched token) by their form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = "***"
SHORTEST_SECRET = 6  # shorter keys, such as a local server's "x", would mask every x

# The first of each three is in every such secret, in lower case: looking for it costs a tenth of the expression.
_LIKE_SECRETS = tuple(
    (needles, re.compile(pattern), replacement)
    for needles, pattern, replacement in (
        (("-----begin",), r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", MASK),
        (("/bot",), r"/bot[0-9]+(?::|%3[Aa])[^/\s?\"']+", f"/bot{MASK}"),  # in an address of the Bot API
        ((":", "%3a"), r"(?<![0-9])[0-9]+(?::|%3[Aa])[A-Za-z0-9_-]{30,}", MASK),  # a bot token alone
        (("api-key", "bearer"), r"(?i)\b(Api-Key|Bearer)(\s+|%20)[\w.~+/=-]{6,}", rf"\1 {MASK}"),
        (("t1.",), r"(?<![\w.-])t1\.[\w.=-]{10,}", MASK),  # IAM token
        (("y0_", "y1_", "y2_", "y3_"), r"(?<![\w.-])y[0-3]_[\w.=-]{10,}", MASK),  # OAuth token
        (("aqvn",), r"(?<![\w.-])AQVN[\w-]{16,}", MASK),  # API key of Yandex
        (("sk-",), r"(?<![\w.-])sk-[\w-]{10,}", MASK),  # API key of OpenAI and many others
        (("eyj",), r"(?<![\w.-])eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*", MASK),  # JSON web token
        (("://",), r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)", MASK),  # user and password in an address
    )
)
# Control characters, Unicode's line breaks, direction marks, and lone surrogates.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def escape(text: str) -> str:
    """Return `text` on one line, without characters that move a terminal's cursor or forge a line."""
    return _UNPRINTABLE.sub(lambda found: repr(found.group())[1:-1], text)


class Redactor:
    """Masks the given secrets, and whatever has the form of one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms: set[str] = set()
        for secret in secrets:
            parts = (secret, secret.partition(":")[2]) if re.match(r"[0-9]+:", secret) else (secret,)
            forms.update(
                form for part in parts if len(part) >= SHORTEST_SECRET for form in (part, quote(part, safe=""))
            )
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, text: str) -> str:
        """Return `text` with every secret replaced by `***`."""
        if self._known:
            text = self._known.sub(MASK, text)
        lower = text.lower()  # masks add no new secrets, so once is enough
        for needles, pattern, replacement in _LIKE_SECRETS:
            for needle in needles:
                if needle in lower:
                    text = pattern.sub(replacement, text)
                    break
        return text
