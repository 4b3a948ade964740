"""The documents say what the doors do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from geoworks.web.documents import api_markdown, errors_markdown
from geoworks.web.openapi import describe
from geoworks.web.server import DOORS
from tests.shared import ROOT
from tests.web.conftest import Post
from tests.web.house import House


def references(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Yield every `$ref` of a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from references(item)


def test_the_written_documents_are_fresh() -> None:
    """`docs/api.md` and `docs/errors.md` say what the code says; `make docs` writes them anew."""
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == api_markdown(DOORS)
    assert (ROOT / "docs" / "errors.md").read_text(encoding="utf-8") == errors_markdown()


def test_every_reference_leads_somewhere_and_every_schema_is_one() -> None:
    """No dangling reference, no schema that is none, no operation named twice."""
    document = describe(DOORS)
    schemas = document["components"]["schemas"]
    assert {reference.rpartition("/")[2] for reference in references(document)} <= set(schemas)
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))


def test_closed_doors_say_what_opens_them() -> None:
    """Each door that needs a key is marked, with its roles and the errors without one."""
    paths = describe(DOORS)["paths"]
    post = paths["/v1/works"]["post"]
    assert post["security"] == [{"key": ["admin", "staff"]}]
    assert {"401", "403", "409", "422", "429"} <= set(post["responses"])
    assert "security" not in paths["/v1/works"]["get"]


@pytest.mark.parametrize(
    ("door", "path"),
    [
        ("/v1/works", "/v1/works"),
        ("/v1/works/{id}", "/v1/works/{}"),
        ("/v1/works/{id}/history", "/v1/works/{}/history"),
        ("/v1/works/{id}/conflicts", "/v1/works/{}/conflicts"),
        ("/v1/zones", "/v1/zones"),
        ("/v1/sync", "/v1/sync"),
        ("/v1/sync/{source}", "/v1/sync/voirie"),
        ("/v1/status", "/v1/status"),
        ("/v1/me", "/v1/me"),
        ("/health/ready", "/health/ready"),
    ],
)
async def test_answers_are_what_the_document_says(
    house: House, post: Post, staff: dict[str, str], door: str, path: str
) -> None:
    """A real answer of each door fits the schema given for it."""
    one = await post(impact={"vehicle_impact": "flagging", "detours": [{"text": "par la gare"}]})
    await post()
    house.source.titles = {"1": "A", "2": "!"}
    await house.ask("POST", "/v1/sync/voirie", headers=staff)
    document = (await house.ask("GET", "/v1/openapi.json")).json()
    (content,) = document["paths"][door]["get"]["responses"]["200"]["content"].values()
    answer = await house.ask("GET", path.format(one["id"]), headers=staff)
    assert answer.status == 200, answer.body
    schema = {**content["schema"], "components": document["components"]}
    Draft202012Validator(schema).validate(answer.json())


async def test_errors_are_what_the_document_says(house: House) -> None:
    """A problem document fits its schema."""
    document = (await house.ask("GET", "/v1/openapi.json")).json()
    schema = document["components"]["schemas"]["ProblemDocument"]
    Draft202012Validator(schema).validate((await house.ask("GET", "/v1/works?bbox=1")).json())


async def test_the_stream_is_described_too(house: House) -> None:
    """AsyncAPI stands beside OpenAPI, and either is known again by its tag."""
    assert (await house.ask("GET", "/v1/asyncapi.json")).json()["asyncapi"].startswith("3.")
