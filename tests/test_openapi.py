"""docs/openapi.yaml says what the page's server answers: each route, each status, each body, whatever is asked.

schemathesis makes the requests, sound ones and broken ones, 100 of each operation; `make fuzz` 2,000.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness import ROOT
from tests.openapi_world import SECRET, World, open_world
from tests.ready_made import shipped_locales
from web.application import make_application
from web.authentication import WebServices

FUZZ = os.environ.get("FUZZ_EXAMPLES", "")
EXAMPLES = int(FUZZ or "100")
BROKEN = 4  # each fourth request, about: `one_of` joins equal strategies and would make it each second
NOBODYS = 5  # each fifth request goes once more, without init data
PARTS = ("page", "characters", "stories", "cards", "shelf")


@cache
def description() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text("utf-8"))
    return found


def operations() -> set[tuple[str, str]]:
    return {
        (method.upper(), path)
        for path, item in description()["paths"].items()
        for method in item
        if method != "parameters"
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("openapi")) as made:
        yield made


@pytest.fixture(scope="module")
def schema(world: World) -> Any:
    import schemathesis

    found = schemathesis.openapi.from_dict(description() | {"security": []})  # the callers have init data
    found.config.base_url = world.site.url
    return found


def test_every_route_of_the_server_is_described_and_no_other(world: World) -> None:
    services = WebServices(world.site.config, world.site.db, world.site.locales, lambda *_: None)
    served = {
        (method, re.sub(r"<(?:int:)?(\w+)>", r"{\1}", rule.rule))
        for rule in make_application(services).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served == operations()
    described = [one for item in description()["paths"].values() for one in item.values() if "operationId" in one]
    assert {tag for one in described for tag in one["tags"]} == set(PARTS)


@pytest.mark.timeout(max(300, 2 * EXAMPLES))
@pytest.mark.parametrize("part", PARTS)
def test_whatever_is_asked_the_answer_is_as_described_and_nobody_elses(part: str, world: World, schema: Any) -> None:
    included = [one.ok() for one in schema.include(tag=part).get_all_operations()]
    assert included
    for operation in included:
        assert any(status < 300 for status in asked(operation, world)), f"{operation.label}: nothing was answered well"


def asked(operation: Any, world: World) -> Counter[int]:
    """Send examples of an operation, each fifth also without init data; return how often each status came."""
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    secured = operation.definition.raw.get("security") != []
    sound, broken = (operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode)
    statuses: Counter[int] = Counter()

    @settings(max_examples=EXAMPLES, derandomize=not FUZZ, database=None, suppress_health_check=list(HealthCheck))
    @given(
        case=st.integers(1, BROKEN).flatmap(lambda number: broken if number == BROKEN else sound),
        whose=st.sampled_from(["own", "another's", "anybody's"]),
        real=st.booleans(),
    )
    def ask(case: Any, whose: str, real: bool) -> None:
        if whose != "anybody's":
            ids = world.ids[whose]
            case.path_parameters = {name: ids.get(name, value) for name, value in case.path_parameters.items()}
        if real:
            case.body = world.sound_body(operation.definition.raw["operationId"], case.body)
        answer = case.call(session=world.site.http, headers=world.headers if secured else {})
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=checks)
        text = answer.content.decode("utf-8", "replace")
        assert SECRET not in text
        if answer.status_code >= 400:
            assert answer.json()["error"]["code"] in known_codes()
        if secured and statuses.total() % NOBODYS == 0:
            nobody = case.call(session=world.site.http, headers={"Authorization": "tma hash=00"})
            assert nobody.status_code in (401, 429)
            case.validate_response(nobody, checks=checks)

    ask()
    return statuses


@cache
def known_codes() -> frozenset[str]:
    return frozenset(key.removeprefix("webapp.error.") for key in shipped_locales()["ru"].templates())
