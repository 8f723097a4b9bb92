"""/model: the list of models, a line and a button each, and the choice of one by button or by name.

The list comes from the registry without a network call. A button's number is a checksum of the model's name: after a
change of the list it can't name another model.
"""

from __future__ import annotations

import zlib
from decimal import Decimal

from ai.catalog import Model
from conversation.keyboards import inline, page_row, pages_of
from conversation.localization import Html, Texts
from core.graphemes import first_letters
from core.schemas import Json
from handlers.context import UpdateContext
from telegram.update_result import NOTHING, UpdateResult
from turns import limits

PAGE = 8
TITLE_CHARS = 40


def show(context: UpdateContext) -> UpdateResult:
    """/model: show the list; with a name behind it, switch to that model."""
    return _reset_if_gone(context) + _show(context)


def _show(context: UpdateContext) -> UpdateResult:
    name = context.words.partition(" ")[2].strip()
    if not name:
        page = _page_of(context)
        return context.send(_page_text(context, page), keyboard=_page_buttons(context, page))
    registry, locales = context.registry, context.services.locales
    if name.casefold() in {locales[language].plain("model.reset") for language in locales}:
        return _choose(context, registry.default)
    model = registry.find(name)
    return _choose(context, model) if model is not None else _unknown(context, name)


def turn_page(context: UpdateContext, page: int) -> UpdateResult:
    """Show another page of the models in the same message; the first if that page is gone."""
    if page * PAGE >= len(context.registry.models):
        page = 0
    return context.edit_html(_page_text(context, page), keyboard=_page_buttons(context, page))


def press(context: UpdateContext, number: int) -> UpdateResult:
    """Switch to the model of a button, in the list or under an unknown name."""
    models = context.registry.models
    model = next((model for model in models if _number(model) == number), None)
    if model is None:
        return context.toast("toast.model_gone")
    if model.name == context.model.name:
        return context.toast("toast.model_same")
    keep(context, model)
    page = _page_of(context)
    edited = context.edit_html(_page_text(context, page), keyboard=_page_buttons(context, page))
    return edited + context.toast("toast.saved")


def _choose(context: UpdateContext, model: Model) -> UpdateResult:
    keep(context, model)
    return context.say("model.done", title=_title(model), about=_about(context, model))


def keep(context: UpdateContext, model: Model) -> None:
    """Store the choice; the default model is stored as none, so that its users follow a change of the default."""
    name = "" if model.name == context.registry.default.name else model.name
    context.db.users.set_model(context.user.id, name)
    context.reload()


def _unknown(context: UpdateContext, name: str) -> UpdateResult:
    nearest = context.registry.nearest(name)
    if nearest:
        return context.say(
            "model.unknown", name=first_letters(name, TITLE_CHARS), keyboard=inline(*_buttons(context, nearest))
        )
    return context.say("model.unknown_wholly", name=first_letters(name, TITLE_CHARS))


def _reset_if_gone(context: UpdateContext) -> UpdateResult:
    """Give a user whose model no longer exists the default one, and tell them."""
    registry, name = context.registry, context.user.model
    if registry.chosen(name) is not None:
        return NOTHING
    keep(context, registry.default)
    return context.say("model.gone", gone=first_letters(name, TITLE_CHARS), title=_title(registry.default))


# ---------------------------------------------------------------------- the list


def _page_of(context: UpdateContext) -> int:
    """Return the page that has the user's model."""
    names = [model.name for model in context.registry.models]
    return names.index(context.model.name) // PAGE if context.model.name in names else 0


def _page_text(context: UpdateContext, page: int) -> Html:
    texts, registry = context.texts, context.registry
    shown = registry.models[page * PAGE : (page + 1) * PAGE]
    now = context.model
    lines = [texts.say("model.ask", title=_title(now), about=_about(context, now))]
    lines.append(Html("\n".join(_line(context, model) for model in shown)))
    if not registry.heard:
        lines.append(texts.say("model.unheard"))
    elif registry.away:
        lines.append(texts.say("model.away"))
    return Html("\n\n".join([*lines, texts.say("model.hint", reset=texts.plain("model.reset"))]))


def _page_buttons(context: UpdateContext, page: int) -> Json:
    models = context.registry.models
    rows = _buttons(context, models[page * PAGE : (page + 1) * PAGE])
    pages = pages_of(len(models), PAGE)
    if pages > 1:
        rows.append(page_row("models", page, pages))
    return inline(*rows)


def _buttons(context: UpdateContext, models: tuple[Model, ...] | list[Model]) -> list[list[tuple[str, str]]]:
    current = context.model.name
    return [
        [(f"{'✅ ' if model.name == current else ''}{_title(model)}", f"model:{_number(model)}")] for model in models
    ]


def _line(context: UpdateContext, model: Model) -> Html:
    """«✅ YandexGPT 5 Lite · 32K · обычная», and whether the model sees pictures."""
    mark = "✅ " if model.name == context.model.name else ""
    thousands = model.context_tokens // 1000
    size = f"{thousands}K" if thousands < 1000 else f"{thousands // 1000}M"
    line = context.texts.say("model.line", mark=mark, title=_title(model), size=size, times=_times(context, model))
    if not context.turns.sight.takes_pictures(model):
        return line
    return Html(" · ".join((line, context.texts.say("model.sees"))))


def _about(context: UpdateContext, model: Model) -> Html:
    """Return a model's context and its price for 1,000 tokens."""
    texts = context.texts
    if model.price is None:
        cost = texts.say("model.no_price")
    else:
        prices = {"input": _money(texts, model.price.input), "output": _money(texts, model.price.output)}
        cost = texts.say("model.price", **prices)
    return texts.say("model.about", context=model.context_tokens, cost=cost)


def _times(context: UpdateContext, model: Model) -> Html:
    """Return how much dearer or cheaper a usual turn is than with the default model."""
    config, texts = context.config, context.texts
    if model.name == context.registry.default.name:
        return texts.say("model.default")
    factor = limits.turn_price(config, model.weight) / limits.turn_price(config)
    dearer = factor >= 1
    rounded = round(factor if dearer else 1 / factor, 1)
    if rounded == 1:
        return texts.say("model.same")
    point = texts.plain("model.point")
    shown = (
        texts.plural("times", round(rounded))
        if rounded == round(rounded)
        else texts.plain("model.fraction", times=f"{rounded:.1f}".replace(".", point))
    )
    return texts.say("model.dearer" if dearer else "model.cheaper", times=shown)


def _money(texts: Texts, roubles: Decimal) -> str:
    shown = f"{roubles:.2f}" if roubles >= Decimal("0.01") else f"{roubles:f}"
    return shown.replace(".", texts.plain("model.point"))


def _title(model: Model) -> str:
    title = model.title or "…"
    return title if len(title) <= TITLE_CHARS else f"{first_letters(title, TITLE_CHARS - 1)}…"


def _number(model: Model) -> int:
    return zlib.crc32(model.name.encode())
