"""What Yandex's folder offers: its list is merged with the catalogue, and new models are told of once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sandbox.model_faults import Behaviour
from sandbox.openai_api import YANDEX_MODELS
from sandbox.users import ChatUser
from tests.harness import ADMIN_ID, BotHarness, until

Make = Callable[..., BotHarness]
NEW = "yandexgpt-6-lite"


def listed(harness: BotHarness) -> None:
    """Wait until the folder's list is known."""
    until(lambda: any(key.startswith("models:gpt://") for key in harness.db.values("setting", "key")))


def offering(make_harness: Make, *names: str) -> BotHarness:
    harness = make_harness()
    harness.models.folder_models = frozenset(names)
    harness.start()
    listed(harness)
    return harness


def titles(person: ChatUser) -> str:
    person.send("/model")
    return str(person.wait("Сейчас для вас пишет").text)


def test_a_model_that_the_catalogue_does_not_know_is_offered_at_the_default_price(make_harness: Make) -> None:
    harness = offering(make_harness, "yandexgpt-lite", NEW)
    person = harness.writer()
    assert f"\n{NEW} · 32K · та же цена" in titles(person)
    person.send(f"/model {NEW}")
    person.wait("цена неизвестна")
    harness.says("Новая модель пишет.")
    person.press("▶️ Дальше")
    person.wait("Новая модель пишет.")
    asked = harness.models.of("completion")[-1]
    assert asked.path == "/v1/chat/completions" and asked.body["model"] == f"gpt://b1gsandbox/{NEW}"
    figures = [harness.db.last("call", column) for column in ("input", "output", "charged")]
    assert figures[2] == figures[0] + figures[1] > 0


def test_what_the_folder_does_not_offer_is_not_in_the_list(make_harness: Make) -> None:
    harness = offering(make_harness, "yandexgpt-lite", "yandexgpt", "qwen3.6-35b-a3b")
    shown = titles(harness.new_person())
    assert "YandexGPT 5 Lite" in shown and "YandexGPT 5 Pro" in shown and "Qwen 3.6" in shown
    assert not [
        gone
        for gone in ("DeepSeek", "Alice AI", "5.1 Pro", "text-search", "aliceai-image", "speech", "deprecated")
        if gone in shown
    ]


def test_who_chose_a_model_that_the_folder_lost_gets_the_default_one(make_harness: Make) -> None:
    harness = offering(make_harness, *YANDEX_MODELS)
    person = harness.writer()
    person.send("/model deepseek-v4-flash")
    person.wait("Теперь для вас пишет")
    harness.models.folder_models = frozenset({"yandexgpt-lite"})
    assert harness.app is not None and harness.app.registry.refresh()
    harness.says("Обычная пишет.")
    person.press("▶️ Дальше")
    person.wait("Модели «deepseek-v4-flash» больше нет. Пишет обычная: YandexGPT 5 Lite")
    person.wait("Обычная пишет.")


def test_the_default_model_stays_though_the_folder_does_not_list_it(make_harness: Make) -> None:
    harness = offering(make_harness, "aliceai-llm")
    assert "✅ YandexGPT 5 Lite" in titles(harness.new_person())


def test_a_folder_whose_list_does_not_come_offers_the_catalogue_without_a_word(make_harness: Make) -> None:
    harness = make_harness()
    harness.models.faults.rule = lambda received: Behaviour(status=403) if received.kind == "models" else None
    harness.start()
    until(lambda: harness.app is not None and bool(harness.app.registry.silent))
    shown = titles(harness.new_person())
    assert "DeepSeek V4.1 Flash" in shown and "Qwen 3.6 35B" in shown
    assert "молчит" not in shown and "ещё не ответил" not in shown


def test_a_list_without_a_model_that_chats_changes_nothing(make_harness: Make) -> None:
    harness = make_harness()
    harness.models.folder_models = frozenset()
    harness.start()
    until(lambda: harness.app is not None and bool(harness.app.registry.silent))
    assert "DeepSeek V4.1 Flash" in titles(harness.new_person())


def test_the_list_of_the_folder_is_known_after_a_restart(make_harness: Make) -> None:
    harness = offering(make_harness, "yandexgpt-lite", NEW)
    person = harness.new_person()
    harness.models.faults.rule = lambda received: Behaviour(hang=True) if received.kind == "models" else None
    harness.restart()
    shown = titles(person)
    assert NEW in shown and "DeepSeek" not in shown


def test_admins_are_told_once_of_models_without_a_price(make_harness: Make) -> None:
    harness = make_harness()
    harness.start()
    admin = harness.new_person(ADMIN_ID, "Админ")
    harness.models.folder_models = YANDEX_MODELS | {NEW, "yandexgpt-6-pro/rc"}
    harness.restart()
    told = admin.wait("Яндекс предлагает модели, цены которых я не знаю").text
    assert f"{NEW}, yandexgpt-6-pro/rc" in told and "qwen" not in told
    asked = len(harness.models.of("models"))
    harness.restart()
    until(lambda: len(harness.models.of("models")) > asked and harness.is_idle())
    admin.send("/help")
    admin.wait("/grant")
    assert len([message for message in admin.bot_messages if "Яндекс предлагает модели" in message.text]) == 1


def test_a_vendor_of_your_own_server_is_asked_beside_the_folder(make_harness: Make) -> None:
    harness = make_harness()
    harness.settings["OPENAI_BASE_URL"] = harness.models.openai_url
    harness.start()
    until(lambda: harness.app is not None and harness.app.registry.heard and harness.app.registry.servers != ())
    listed(harness)
    until(lambda: harness.app is not None and harness.app.registry.find("sandbox-other") is not None)
    assert harness.app is not None
    model = harness.app.registry.find("sandbox-other")
    assert model is not None and replace(model, weight=harness.app.registry.default.weight).vendor == "openai"
