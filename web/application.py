"""The Flask application: the page and its files, the authenticated API, and every refusal as a sentence."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from flask import Flask, Response, g, jsonify, render_template, request, send_from_directory
from werkzeug.exceptions import HTTPException

from conversation.localization import Texts
from core.errors import is_disk_failure
from core.logs import event
from web import cards_api, characters_api, sharing_api, shelf_api, stories_api
from web.authentication import ApiError, Authenticator, WebServices
from web.pictures import MOST_BYTES
from web.security import caching_of, headers_of
from web.sharing_api import COVERS_PREFIX

log = logging.getLogger(__name__)

HERE: Final = Path(__file__).parent
PICTURES: Final = HERE.parent / "assets" / "characters"
PAGE_TEXTS: Final = "webapp.page."
_KEYS: Final = {404: "missing", 405: "missing", 413: "large", 415: "request"}


def make_application(services: WebServices) -> Flask:
    """Build the application."""
    app = Flask("web", static_folder=None, template_folder=str(HERE / "page"))
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    app.url_map.merge_slashes = False  # its redirects would lead to whatever host the request names
    app.json.sort_keys = False  # type: ignore[attr-defined]
    authenticator = Authenticator(services)
    _authenticate(app, authenticator)
    _serve_page(app, services, authenticator)
    _refuse(app, authenticator)
    _finish(app, services)
    app.register_blueprint(characters_api.blueprint(services))
    app.register_blueprint(cards_api.blueprint(services))
    app.register_blueprint(stories_api.blueprint(services))
    app.register_blueprint(sharing_api.blueprint(services))
    app.register_blueprint(shelf_api.blueprint(services))
    return app


def page_texts(texts: Texts) -> dict[str, str]:
    """Return the page's own texts by key; the page fills in their values."""
    return {key.removeprefix(PAGE_TEXTS): text for key, text in texts.templates().items() if key.startswith(PAGE_TEXTS)}


def _authenticate(app: Flask, authenticator: Authenticator) -> None:
    @app.before_request
    def authenticate() -> None:
        if request.path.startswith("/api/"):
            g.caller = authenticator.caller(request)


def _serve_page(app: Flask, services: WebServices, authenticator: Authenticator) -> None:
    @app.get("/")
    def page() -> Response:
        texts = authenticator.texts_for(request)
        html = render_template(
            "index.html", language=texts.language, t=page_texts(texts), script=services.config.webapp_script_url
        )
        response = Response(html, mimetype="text/html")
        response.vary.add("Accept-Language")
        response.add_etag()
        response.make_conditional(request)
        return response

    @app.get("/page/<name>")
    def file(name: str) -> Response:
        if not name.endswith((".js", ".css")):
            raise ApiError(404, "missing")
        return send_from_directory(HERE / "page", name)

    @app.get("/pictures/<name>")
    def picture(name: str) -> Response:
        if not name.endswith(".svg"):
            raise ApiError(404, "missing")
        return send_from_directory(PICTURES, name)

    @app.get("/api/start")
    def start() -> Response:
        texts: Texts = g.caller.texts
        return jsonify({"language": texts.language, "texts": page_texts(texts), "shelf": services.config.shelf == "on"})


def _refuse(app: Flask, authenticator: Authenticator) -> None:
    def sentence(status: int, key: str, field: str = "", **values: object) -> Response:
        caller = g.get("caller")
        texts = caller.texts if caller is not None else authenticator.texts_for(request)
        said = {"code": key, "text": texts.plain(f"webapp.error.{key}", **values)} | ({"field": field} if field else {})
        response = jsonify({"error": said})
        response.status_code = status
        return response

    @app.errorhandler(ApiError)
    def api_error(error: ApiError) -> Response:
        return sentence(error.status, error.key, error.field, **error.values)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        if error.code is not None and error.code < 400 and error.response is None:
            return Response(status=error.code, headers=error.get_headers())
        status = error.code or 500
        return sentence(status, _KEYS.get(status, "request" if status < 500 else "bug"))

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        if is_disk_failure(error):
            event(log, logging.ERROR, "storage_unavailable", part="web_app", error=str(error))
            return sentence(503, "storage")
        event(log, logging.ERROR, "web_request_failed", path=request.path, exc_info=error)
        return sentence(500, "bug")


def _finish(app: Flask, services: WebServices) -> None:
    headers = headers_of(services.config)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers.update(headers)
        response.headers["Cache-Control"] = caching_of(request, response)
        if request.path.startswith(COVERS_PREFIX):  # shown in chats, by whatever client they are read in
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response
