"""Webhooks: register, list, look at, end; for those who hold a key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from geoworks.errors import Conflict, Invalid, NotFound, Problem, TooLarge
from geoworks.hub.messages import Area, Box, PolygonObject, Wanted, Zones
from geoworks.hub.webhook import NOWHERE, Webhook, WebhookState, secret_text
from geoworks.hub.webhooks import Webhooks, unknown
from geoworks.model.change import Kind
from geoworks.model.severity import Severity
from geoworks.pipeline.keys import Role
from geoworks.web.answers import answer
from geoworks.web.auth import caller
from geoworks.web.bodies import read_json
from geoworks.web.route import STAFF, Door
from geoworks.web.services import services

TAG = "webhooks"
# The one subscription of a webhook; its name is part of the hash of filters.
_SUBSCRIPTION = "webhook"


class WebhookArea(Struct, frozen=True, forbid_unknown_fields=True):
    """The place a webhook asks about; exactly one of these."""

    zones: Zones | UnsetType = UNSET
    bbox: Box | UnsetType = UNSET
    polygon: PolygonObject | UnsetType = UNSET


class WebhookBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sent, and where to."""

    url: Annotated[str, Meta(description="Address of the receiver, https.")]
    area: WebhookArea
    kinds: Annotated[tuple[Kind, ...], Meta(min_length=1, description="Kinds of features; all when left out.")] = tuple(
        Kind
    )
    min_severity: Annotated[
        Severity, Meta(description="Least severity (of a zone: of its level); an unknown impact counts as medium.")
    ] = Severity.NONE
    since: Annotated[
        str | None, Meta(description="Cursor the receiver is at, to be sent what came after it; else all there is.")
    ] = None


class WebhookShown(Struct, frozen=True, kw_only=True):
    """A webhook without its secret; `cursor` is how far the receiver has come, null while it has nothing whole."""

    id: str
    owner: str
    url: str
    area: WebhookArea
    kinds: tuple[Kind, ...]
    min_severity: Severity
    created: datetime
    state: WebhookState
    cursor: str | None
    failures: int
    failing_since: datetime | None
    last_error: str
    last_delivery: datetime | None


class WebhookMade(Struct, frozen=True, kw_only=True):
    """A new webhook; `secret` signs its deliveries and is told this once."""

    webhook: WebhookShown
    secret: str


async def create_webhook(request: web.Request) -> web.StreamResponse:
    """Register a webhook; the answer is the only place its secret is ever told."""
    body = await read_json(request, WebhookBody)
    book = services(request).webhooks
    webhook = await book.create(body.url, _read_wanted(body), since=body.since, owner=caller(request).owner)
    made = WebhookMade(webhook=_show(book, webhook), secret=secret_text(webhook.secret))
    return answer(made, status=HTTPStatus.CREATED)


async def list_webhooks(request: web.Request) -> web.StreamResponse:
    """Answer the caller's webhooks; an admin's answer has everybody's."""
    book = services(request).webhooks
    return answer([_show(book, webhook) for webhook in book.all() if _is_theirs(request, webhook)])


async def read_webhook(request: web.Request) -> web.StreamResponse:
    """Answer how one webhook fares."""
    return answer(_show(services(request).webhooks, _find(request)))


async def delete_webhook(request: web.Request) -> web.StreamResponse:
    """End a webhook."""
    await services(request).webhooks.drop(_find(request).id)
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _read_wanted(body: WebhookBody) -> Wanted:
    given = [name for name in body.area.__struct_fields__ if getattr(body.area, name) is not UNSET]
    if len(given) != 1:
        found = f"gives {' and '.join(given)}" if given else "gives no place"
        raise Invalid(Problem("area", f"it {found}", f"give exactly one of {', '.join(WebhookArea.__struct_fields__)}"))
    area = Area(zones=body.area.zones, bbox=body.area.bbox, polygon=body.area.polygon)
    return Wanted(id=_SUBSCRIPTION, area=area, kinds=body.kinds, min_severity=body.min_severity)


def _find(request: web.Request) -> Webhook:
    """Return the webhook of the address; one of somebody else is as if there were none.

    Raises:
        NotFound: there is none.

    """
    id_ = request.match_info["id"]
    webhook = services(request).webhooks.get(id_)
    if not _is_theirs(request, webhook):
        raise unknown(id_)
    return webhook


def _is_theirs(request: web.Request, webhook: Webhook) -> bool:
    asking = caller(request)
    return asking.role is Role.ADMIN or asking.owner == webhook.owner


def _show(book: Webhooks, webhook: Webhook) -> WebhookShown:
    wanted, progress = webhook.wanted, book.progress(webhook.id)
    return WebhookShown(
        id=webhook.id,
        owner=webhook.owner,
        url=webhook.url,
        area=WebhookArea(zones=wanted.area.zones, bbox=wanted.area.bbox, polygon=wanted.area.polygon),
        kinds=wanted.kinds,
        min_severity=wanted.min_severity,
        created=webhook.created,
        state=progress.state,
        cursor=None if progress.cursor == NOWHERE else progress.cursor,
        failures=progress.failures,
        failing_since=progress.failing_since,
        last_error=progress.last_error,
        last_delivery=progress.last_delivery,
    )


DOORS: Sequence[Door] = (
    Door(
        method="POST",
        path="/v1/webhooks",
        handler=create_webhook,
        summary="Register a webhook",
        tag=TAG,
        allow=STAFF,
        body=WebhookBody,
        answer=WebhookMade,
        status=HTTPStatus.CREATED,
        errors=(Invalid, TooLarge, Conflict),
    ),
    Door(
        method="GET",
        path="/v1/webhooks",
        handler=list_webhooks,
        summary="The caller's webhooks; for an admin everybody's",
        tag=TAG,
        allow=STAFF,
        answer=list[WebhookShown],
    ),
    Door(
        method="GET",
        path="/v1/webhooks/{id}",
        handler=read_webhook,
        summary="One webhook, and how it fares",
        tag=TAG,
        allow=STAFF,
        answer=WebhookShown,
        errors=(NotFound,),
    ),
    Door(
        method="DELETE",
        path="/v1/webhooks/{id}",
        handler=delete_webhook,
        summary="End a webhook",
        tag=TAG,
        allow=STAFF,
        status=HTTPStatus.NO_CONTENT,
        errors=(NotFound,),
    ),
)
