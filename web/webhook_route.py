"""Telegram's webhook: one path, handled before the page's application sees the request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from urllib.parse import unquote, urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from telegram.webhook import MOST_BYTES


def with_webhook(application: WSGIApplication, url: str, take: Callable[[str, bytes], int]) -> WSGIApplication:
    """Wrap `application`: a POST to the path of `url` goes to `take(secret, body)`, which returns the status."""
    path = unquote(urlsplit(url).path) or "/"

    def respond(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST" or environ.get("PATH_INFO", "") != path:
            return application(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)  # set by the server, which has read the body
        if length > MOST_BYTES:
            status = 413
        else:
            secret = environ.get("HTTP_X_TELEGRAM_BOT_API_SECRET_TOKEN", "")
            status = take(secret, environ["wsgi.input"].read(length))
        return _said(start_response, status)

    return respond


def no_page(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer 404: the application of a server without a page."""
    return _said(start_response, 404)


def _said(start_response: StartResponse, status: int) -> Iterable[bytes]:
    start_response(f"{status} {HTTPStatus(status).phrase}", [("Content-Length", "0"), ("Cache-Control", "no-store")])
    return []
