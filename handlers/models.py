"""/model: which model writes for somebody: the list with contexts and prices, the choice by button or by name.

The list is what is known (`registry`); nobody is asked for it here. A button's number is a checksum of the model's
name, so that a list that has changed meanwhile can't make it another one's.
"""

from __future__ import annotations

import zlib
from decimal import Decimal

from ai.catalog import Model
from conversation.keyboards import inline
from conversation.localization import Html, Texts
from core.schemas import Json
from handlers.context import UpdateContext
from turns import limits

Toast = str | None  # the key of a pop-up answer, if there is one

PAGE = 8
TITLE_CHARS = 40


def show(context: UpdateContext) -> None:
    """/model: the list; with a name behind it the switch."""
    _told_if_gone(context)
    name = context.words.partition(" ")[2].strip()
    if not name:
        page = _page_of(context)
        context.send(_page_text(context, page), keyboard=_page_buttons(context, page))
        return
    registry, locales = context.services.registry, context.services.locales
    if name.casefold() in {locales[language].plain("model.reset") for language in locales}:
        _choose(context, registry.default)
    elif (model := registry.find(name)) is not None:
        _choose(context, model)
    else:
        _unknown(context, name)


def turn_page(context: UpdateContext, page: int) -> Toast:
    """Shows another page of the models in the same message; the first where there are fewer now."""
    if page * PAGE >= len(context.services.registry.models):
        page = 0
    context.edit_html(_page_text(context, page), keyboard=_page_buttons(context, page))
    return None


def press(context: UpdateContext, number: int) -> Toast:
    """A model's button, in the list or under a name that wasn't understood."""
    models = context.services.registry.models
    model = next((model for model in models if _number(model) == number), None)
    if model is None:
        return "toast.model_gone"
    if model.name == context.model.name:
        return "toast.model_same"
    _keep(context, model)
    page = _page_of(context)
    context.edit_html(_page_text(context, page), keyboard=_page_buttons(context, page))
    return "toast.saved"


def _choose(context: UpdateContext, model: Model) -> None:
    _keep(context, model)
    context.say("model.done", title=_title(model), cost=_cost(context, model))


def _keep(context: UpdateContext, model: Model) -> None:
    """The default model is kept as no choice at all: whoever has it goes along when another one becomes the default."""
    name = "" if model.name == context.services.registry.default.name else model.name
    context.services.db.users.set_model(context.user.id, name)
    context.reload()


def _unknown(context: UpdateContext, name: str) -> None:
    nearest = context.services.registry.nearest(name)
    if nearest:
        context.say("model.unknown", name=name[:TITLE_CHARS], keyboard=inline(*_buttons(context, nearest)))
    else:
        context.say("model.unknown_wholly", name=name[:TITLE_CHARS])


def _told_if_gone(context: UpdateContext) -> None:
    """Somebody whose model is there no more has the default one, and hears of it."""
    registry, name = context.services.registry, context.user.model
    if registry.chosen(name) is None:
        _keep(context, registry.default)
        context.say("model.gone", gone=name[:TITLE_CHARS], title=_title(registry.default))


# ---------------------------------------------------------------------- the list


def _page_of(context: UpdateContext) -> int:
    """The page that has the user's model."""
    names = [model.name for model in context.services.registry.models]
    return names.index(context.model.name) // PAGE if context.model.name in names else 0


def _page_text(context: UpdateContext, page: int) -> Html:
    texts, registry = context.texts, context.services.registry
    shown = registry.models[page * PAGE : (page + 1) * PAGE]
    lines = [texts.say("model.ask", title=_title(context.model))]
    lines += [_line(context, model) for model in shown]
    if not registry.heard:
        lines.append(texts.say("model.unheard"))
    elif registry.away:
        lines.append(texts.say("model.away"))
    return Html("\n\n".join([*lines, texts.say("model.hint", reset=texts.plain("model.reset"))]))


def _page_buttons(context: UpdateContext, page: int) -> Json:
    models = context.services.registry.models
    rows = _buttons(context, models[page * PAGE : (page + 1) * PAGE])
    pages = (len(models) + PAGE - 1) // PAGE
    if pages > 1:
        here = (f"{page + 1}/{pages}", f"models:{page}")
        rows.append([("◀", f"models:{(page - 1) % pages}"), here, ("▶", f"models:{(page + 1) % pages}")])
    return inline(*rows)


def _buttons(context: UpdateContext, models: tuple[Model, ...] | list[Model]) -> list[list[tuple[str, str]]]:
    current = context.model.name
    return [
        [(f"{'✅ ' if model.name == current else ''}{_title(model)}", f"model:{_number(model)}")] for model in models
    ]


def _line(context: UpdateContext, model: Model) -> Html:
    mark = "✅ " if model.name == context.model.name else ""
    return context.texts.say(
        "model.line", mark=mark, title=_title(model), context=model.context_tokens, cost=_cost(context, model)
    )


def _cost(context: UpdateContext, model: Model) -> Html:
    """«0,80 ₽ запрос, 0,80 ₽ ответ · ≈ в 4 раза дороже обычной»."""
    texts = context.texts
    times = _times(context, model)
    if model.price is None:
        return texts.say("model.no_price", times=times)
    prices = {"input": _money(texts, model.price.input), "output": _money(texts, model.price.output)}
    return texts.say("model.price", times=times, **prices)


def _times(context: UpdateContext, model: Model) -> Html:
    """How much dearer or cheaper a usual turn is than with the default model."""
    config, texts = context.services.config, context.texts
    if model.name == context.services.registry.default.name:
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
    return title if len(title) <= TITLE_CHARS else f"{title[: TITLE_CHARS - 1]}…"


def _number(model: Model) -> int:
    return zlib.crc32(model.name.encode())
