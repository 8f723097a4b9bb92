"""The headers of every response: what the page may load, who may frame it, what a browser may cache."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Request, Response

from config import Config
from core.env_parsers import LOOPBACK

TELEGRAM_WEB = "https://web.telegram.org https://*.telegram.org"
ON_THIS_MACHINE = "'self' http://127.0.0.1:* http://localhost:*"


def headers_of(config: Config) -> dict[str, str]:
    """Return the headers of every response. The only foreign script allowed is Telegram's; inline scripts are not."""
    script = urlsplit(config.webapp_script_url)
    framed_by = TELEGRAM_WEB
    if urlsplit(config.webapp_url).hostname in LOOPBACK:  # the demo shows the page in a frame of its own
        framed_by = f"{TELEGRAM_WEB} {ON_THIS_MACHINE}"
    policy = {
        "default-src": "'none'",
        "script-src": f"'self' {script.scheme}://{script.netloc}",
        "style-src": "'self'",
        "img-src": "'self' blob:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": framed_by,
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def caching_of(request: Request, response: Response) -> str:
    """Return how long a browser may cache a response: the API's never, the page's files until they change."""
    if request.path.startswith("/api/") or response.status_code >= 400:
        return "no-store"
    return "public, max-age=3600" if request.path.startswith(("/pictures/", "/covers/")) else "no-cache"
