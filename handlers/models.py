"""/model: which model writes for somebody: the list with contexts and prices, the choice by button or by name.

The list is what is known (`offer`); nobody is asked for it here. A button's number is a checksum of the model's
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


def show(visit: UpdateContext) -> None:
    """/model: the list; with a name behind it the switch."""
    _told_if_gone(visit)
    name = visit.words.partition(" ")[2].strip()
    if not name:
        page = _page_of(visit)
        visit.send(_page_text(visit, page), keyboard=_page_buttons(visit, page))
        return
    offer, locales = visit.desk.offer, visit.desk.locales
    if name.casefold() in {locales[language].plain("model.reset") for language in locales}:
        _choose(visit, offer.default)
    elif (model := offer.find(name)) is not None:
        _choose(visit, model)
    else:
        _unknown(visit, name)


def turn_page(visit: UpdateContext, page: int) -> Toast:
    """Shows another page of the models in the same message; the first where there are fewer now."""
    if page * PAGE >= len(visit.desk.offer.models):
        page = 0
    visit.edit_html(_page_text(visit, page), keyboard=_page_buttons(visit, page))
    return None


def press(visit: UpdateContext, number: int) -> Toast:
    """A model's button, in the list or under a name that wasn't understood."""
    models = visit.desk.offer.models
    model = next((model for model in models if _number(model) == number), None)
    if model is None:
        return "toast.model_gone"
    if model.name == visit.model.name:
        return "toast.model_same"
    _keep(visit, model)
    page = _page_of(visit)
    visit.edit_html(_page_text(visit, page), keyboard=_page_buttons(visit, page))
    return "toast.saved"


def _choose(visit: UpdateContext, model: Model) -> None:
    _keep(visit, model)
    visit.say("model.done", title=_title(model), cost=_cost(visit, model))


def _keep(visit: UpdateContext, model: Model) -> None:
    """The default model is kept as no choice at all: whoever has it goes along when another one becomes the default."""
    name = "" if model.name == visit.desk.offer.default.name else model.name
    visit.desk.db.users.set_model(visit.user.id, name)
    visit.reload()


def _unknown(visit: UpdateContext, name: str) -> None:
    nearest = visit.desk.offer.nearest(name)
    if nearest:
        visit.say("model.unknown", name=name[:TITLE_CHARS], keyboard=inline(*_buttons(visit, nearest)))
    else:
        visit.say("model.unknown_wholly", name=name[:TITLE_CHARS])


def _told_if_gone(visit: UpdateContext) -> None:
    """Somebody whose model is there no more has the default one, and hears of it."""
    offer, name = visit.desk.offer, visit.user.model
    if offer.chosen(name) is None:
        _keep(visit, offer.default)
        visit.say("model.gone", gone=name[:TITLE_CHARS], title=_title(offer.default))


# ---------------------------------------------------------------------- the list


def _page_of(visit: UpdateContext) -> int:
    """The page that has the user's model."""
    names = [model.name for model in visit.desk.offer.models]
    return names.index(visit.model.name) // PAGE if visit.model.name in names else 0


def _page_text(visit: UpdateContext, page: int) -> Html:
    texts, offer = visit.texts, visit.desk.offer
    shown = offer.models[page * PAGE : (page + 1) * PAGE]
    lines = [texts.say("model.ask", title=_title(visit.model))]
    lines += [_line(visit, model) for model in shown]
    if not offer.heard:
        lines.append(texts.say("model.unheard"))
    elif offer.away:
        lines.append(texts.say("model.away"))
    return Html("\n\n".join([*lines, texts.say("model.hint", reset=texts.plain("model.reset"))]))


def _page_buttons(visit: UpdateContext, page: int) -> Json:
    models = visit.desk.offer.models
    rows = _buttons(visit, models[page * PAGE : (page + 1) * PAGE])
    pages = (len(models) + PAGE - 1) // PAGE
    if pages > 1:
        here = (f"{page + 1}/{pages}", f"models:{page}")
        rows.append([("◀", f"models:{(page - 1) % pages}"), here, ("▶", f"models:{(page + 1) % pages}")])
    return inline(*rows)


def _buttons(visit: UpdateContext, models: tuple[Model, ...] | list[Model]) -> list[list[tuple[str, str]]]:
    current = visit.model.name
    return [
        [(f"{'✅ ' if model.name == current else ''}{_title(model)}", f"model:{_number(model)}")] for model in models
    ]


def _line(visit: UpdateContext, model: Model) -> Html:
    mark = "✅ " if model.name == visit.model.name else ""
    return visit.texts.say(
        "model.line", mark=mark, title=_title(model), context=model.context_tokens, cost=_cost(visit, model)
    )


def _cost(visit: UpdateContext, model: Model) -> Html:
    """«0,80 ₽ запрос, 0,80 ₽ ответ · ≈ в 4 раза дороже обычной»."""
    texts = visit.texts
    times = _times(visit, model)
    if model.price is None:
        return texts.say("model.no_price", times=times)
    prices = {"input": _money(texts, model.price.input), "output": _money(texts, model.price.output)}
    return texts.say("model.price", times=times, **prices)


def _times(visit: UpdateContext, model: Model) -> Html:
    """How much dearer or cheaper a usual turn is than with the default model."""
    config, texts = visit.desk.config, visit.texts
    if model.name == visit.desk.offer.default.name:
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
