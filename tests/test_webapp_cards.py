"""A story's note and cards on the page inside Telegram: the API, and the list in a real browser."""

from __future__ import annotations

from playwright.sync_api import expect

from conversation.cards import MOST_CARDS, CardText
from tests.page_fixtures import needs_chromium
from tests.webapp_page_fixtures import ON_TOP, Opens, fits, look, opens, site
from tests.webapp_site import Site

__all__ = ["opens", "site"]

VESTA = {"name": "Веста", "about": "зажигает огни в порту", "words": "фонарщица"}


def test_cards_are_listed_made_changed_and_deleted(site: Site) -> None:
    path = f"api/stories/{site.story()}"
    assert site.ask(f"{path}/note", method="PUT", json={"note": " Никто\nне умирает\u202e "}).json() == {
        "note": "Никто не умирает"
    }
    made = site.ask(f"{path}/cards", method="POST", json=VESTA)
    assert made.status_code == 201 and made.json() == {"id": made.json()["id"], **VESTA}
    one = f"{path}/cards/{made.json()['id']}"
    assert site.ask(one, method="PUT", json=VESTA | {"about": "слепа"}).json()["about"] == "слепа"
    found = site.ask(f"{path}/cards").json()
    assert (found["title"], found["note"], found["most"]) == ("Маяк", "Никто не умирает", MOST_CARDS)
    assert [(card["name"], card["about"], card["words"]) for card in found["cards"]] == [
        ("Веста", "слепа", "фонарщица")
    ]
    assert found["limits"] == {"name": 40, "about": 200, "words": 100, "note": 300}
    assert site.ask(one, method="DELETE").status_code == 200
    assert site.ask(one, method="DELETE").status_code == 404
    assert site.ask(f"{path}/cards").json()["cards"] == []
    assert site.told == []


def test_a_card_that_cannot_be_is_refused_by_its_field(site: Site) -> None:
    path = f"api/stories/{site.story()}"
    for wrong, field in (
        ({"name": ""}, "name"),
        ({"about": "\u2800"}, "about"),
        ({"words": "а" * 101}, "words"),
    ):
        answer = site.ask(f"{path}/cards", method="POST", json=VESTA | wrong)
        assert answer.status_code == 422 and answer.json()["error"]["field"] == field
    assert site.ask(f"{path}/cards", method="POST", json=VESTA | {"state": "kept"}).status_code == 400
    answer = site.ask(f"{path}/note", method="PUT", json={"note": "а" * 301})
    assert answer.status_code == 422 and "300 знаков" in answer.json()["error"]["text"]
    session_id = int(path.rpartition("/")[2])
    for number in range(MOST_CARDS):
        site.db.cards.add(session_id, CardText(f"Имя{number}", "о"))
    full = site.ask(f"{path}/cards", method="POST", json=VESTA)
    assert full.status_code == 409 and "уже 30" in full.json()["error"]["text"]


def test_anothers_cards_and_an_offer_are_out_of_reach(site: Site) -> None:
    site.register(8)
    foreign, own = site.story(8), site.story()
    card_id = site.db.cards.add(foreign, CardText("Тайна", "чужая"))
    offer_id = site.db.cards.offer(own, CardText("Веста", "ещё не карточка"), 2)
    for path in (
        f"{foreign}/cards/{card_id}",
        f"{own}/cards/{card_id}",
        f"{own}/cards/{offer_id}",
        f"{own}/cards/{2**63}",
    ):
        assert site.ask(f"api/stories/{path}", method="PUT", json=VESTA).status_code == 404
        assert site.ask(f"api/stories/{path}", method="DELETE").status_code == 404
    assert site.ask(f"api/stories/{foreign}/cards").status_code == 404
    assert site.ask(f"api/stories/{foreign}/cards", method="POST", json=VESTA).status_code == 404
    assert site.ask(f"api/stories/{foreign}/note", method="PUT", json={"note": "моё"}).status_code == 404
    assert site.ask(f"api/stories/{own}/cards").json()["cards"] == []
    first, second = (site.db.cards.add(own, CardText(name, "кто-то")) for name in ("Веста", "Егор"))
    taken = site.ask(f"api/stories/{own}/cards/{second}", method="PUT", json=VESTA)
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "same_card")
    assert site.ask(f"api/stories/{own}/cards/{first}", method="PUT", json=VESTA).status_code == 200
    assert [card.text.name for card in site.db.cards.of_story(foreign)] == ["Тайна"]


@needs_chromium
def test_the_list_is_edited_on_the_page(opens: Opens, site: Site) -> None:
    session_id = site.story()
    page = opens()
    page.get_by_role("tab", name="Истории").click()
    page.get_by_role("button", name="Маяк").click()
    page.get_by_role("button", name="Держи в уме").click()
    mind = page.get_by_role("dialog", name="Держи в уме: Маяк")
    expect(mind.get_by_text("Карточек пока нет")).to_be_visible()
    look(page, "cards-empty")
    mind.get_by_label("Записка").fill("Никто не умирает")
    mind.get_by_role("button", name="Сохранить").click()
    expect(page.get_by_text("Сохранено")).to_be_visible()
    assert page.evaluate(ON_TOP, "#toast")
    long_title = "(title) => { document.getElementById('mind-title').textContent = title; }"
    page.evaluate(long_title, "Держи в уме: Маяк " + "«Возвращение» " * 5)
    assert mind.locator(".shut").evaluate("(button) => button.offsetHeight") == 44, "a button of one line"
    mind.get_by_role("button", name="Новая карточка").click()
    form = page.get_by_role("dialog", name="Карточка", exact=True)
    expect(form.get_by_label("Кто или что", exact=True)).to_be_focused()
    form.get_by_role("button", name="Сохранить").click()
    expect(form.locator("#fault-card-name")).to_have_text("Заполните это поле.")
    form.get_by_label("Кто или что", exact=True).fill("Веста")
    form.get_by_label("Описание").fill("Зажигает огни в порту, боится темноты")
    form.get_by_label("Другие имена").fill("фонарщица")
    look(page, "card-form")
    assert fits(page)
    page.keyboard.press("Escape")
    expect(form.get_by_text("Закрыть без сохранения?")).to_be_visible()
    form.get_by_role("button", name="Писать дальше").click()
    form.get_by_role("button", name="Сохранить").click()
    expect(form).to_be_hidden()
    line = mind.get_by_role("button", name="Веста")
    expect(line).to_contain_text("Ещё откликается: фонарщица")
    expect(line).to_be_focused()
    for name in ("Старый маяк", "Пантелей"):
        site.db.cards.add(session_id, CardText(name, "стоит на Кривом мысу и молчит, пока не наступит туман"))
    look(page, "cards")
    line.click()
    form.get_by_role("button", name="Удалить").click()
    form.get_by_role("group", name="Удалить карточку?").get_by_role("button", name="Удалить").click()
    expect(mind.get_by_role("button", name="Веста")).to_have_count(0)
    expect(mind.get_by_role("button", name="Пантелей")).to_be_visible()
    look(page, "cards-three")
    assert fits(page)
    mind.get_by_label("Записка").fill("Никто не стареет")
    page.evaluate("window.goBack()")
    expect(mind).to_be_hidden()
    expect(page.get_by_role("dialog", name="Маяк")).to_be_visible()
    expect(page.get_by_text("Сохранено")).to_be_visible()
    assert site.db.cards.note(session_id) == "Никто не стареет"


@needs_chromium
def test_the_bots_button_leads_to_the_cards_of_its_story(opens: Opens, site: Site) -> None:
    session_id = site.story()
    site.db.cards.add(session_id, CardText("Веста", "зажигает огни"))
    page = opens(site.page().replace("/#", f"/?cards={session_id}&scheme=dark#"), scheme="dark")
    mind = page.get_by_role("dialog", name="Держи в уме: Маяк")
    expect(mind.get_by_role("button", name="Веста")).to_be_visible()
    look(page, "cards-dark")
    page.get_by_role("dialog").get_by_role("button", name="Закрыть").click()
    expect(page.get_by_role("tabpanel", name="Истории")).to_be_visible()
