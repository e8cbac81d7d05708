"""Named entities: what tasks, workflows and launch plans have by name, whatever the version
(`flyteadmin/pkg/manager/impl/named_entity_manager.go`, v1.16.8).

A name's description and state are a document; without one it is active. Conditions are tested before the page is cut;
flyteadmin cuts first, and so tells of fewer names than there are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from flyteidl.admin import common_pb2
from flyteidl.core import identifier_pb2

from flyte_bridge.admin.validation import KINDS, conditions, entity_kind, given, missing, order, page, parts
from flyte_bridge.backend.query import where
from flyte_bridge.errors import InternalError, InvalidRequest, NotFound
from flyte_bridge.registry.deployed import Deployed
from flyte_bridge.registry.listing import filtering
from flyte_bridge_translators.wire import document, identifier
from flyte_bridge_translators.wire import filter as filters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.core import Core

SYSTEM = ".flytegen"
"""How the names begin that flyteadmin makes itself, for executions of a single task."""

_HIDDEN = f"not_like(name,{SYSTEM}%)"
_NAME = ("project", "domain", "name")
_COLUMNS: dict[str, Callable[[common_pb2.NamedEntity], Any]] = {
    "resource_type": lambda entity: entity.resource_type,
    "project": lambda entity: entity.id.project,
    "domain": lambda entity: entity.id.domain,
    "name": lambda entity: entity.id.name,
    "description": lambda entity: entity.metadata.description or None,
    "state": lambda entity: int(entity.metadata.state),
}


def _kind(resource_type: identifier_pb2.ResourceType) -> str:
    return f"named-entity.{identifier_pb2.ResourceType.Name(resource_type).lower()}"


class NamedEntities:
    """Named entities."""

    def __init__(self, core: Core) -> None:
        """Takes what the façade's parts share."""
        self._registry = core.registry

    async def update_named_entity(
        self, request: common_pb2.NamedEntityUpdateRequest, _: CallContext
    ) -> common_pb2.NamedEntityUpdateResponse:
        """Describes a name, or archives it."""
        entity_kind(request.resource_type)
        self._check(request)
        if not request.HasField("metadata"):
            raise missing("metadata")
        told = request.metadata
        if told.state != common_pb2.NAMED_ENTITY_ACTIVE and request.resource_type not in KINDS:
            kind = identifier_pb2.ResourceType.Name(request.resource_type)
            raise InvalidRequest(f"Resource [{kind}] cannot have its state updated")
        existing = await self._get(request.resource_type, request.id)
        text = json.dumps(
            {
                "name": request.id.name,
                "description": told.description or existing.metadata.description,  # an empty one changes nothing
                "state": int(told.state),
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
        name = document.name(_kind(request.resource_type), request.id.name)
        await self._registry.documents.put(request.id.project, request.id.domain, name, text)
        return common_pb2.NamedEntityUpdateResponse()

    async def get_named_entity(
        self, request: common_pb2.NamedEntityGetRequest, _: CallContext
    ) -> common_pb2.NamedEntity:
        """One name."""
        entity_kind(request.resource_type)
        self._check(request)
        return await self._get(request.resource_type, request.id)

    async def list_named_entities(
        self, request: common_pb2.NamedEntityListRequest, _: CallContext
    ) -> common_pb2.NamedEntityList:
        """Names; without a filter those that flyteadmin made itself are left out."""
        given(request.project, "project")
        given(request.domain, "domain")
        entity_kind(request.resource_type)
        start = page(request, "ListNamedEntities")
        asked = conditions(request.filters or _HIDDEN, filters.NAMED_ENTITY)
        for one in asked:
            if one.field not in _COLUMNS:
                raise InvalidRequest(f"'{one.entity}.{one.field}': Flyte 2 keeps no such column; filter by another")
        by = order(request, filters.NAMED_ENTITY)
        if request.resource_type not in KINDS:
            kind = identifier_pb2.ResourceType.Name(request.resource_type)
            raise InvalidRequest(f"Cannot list entity names for resource type: {kind}")
        plain = {"name", "project", "domain", "resource_type"}
        with filtering():
            if {one.field for one in asked} <= plain and (by is None or by.field in plain):
                found = await self._named(request, asked, by, start + request.limit)
                await self._describe(request.resource_type, found[start:])
            else:
                found = await self._named(request, (), by, None)
                await self._describe(request.resource_type, found)
                found = [entity for entity in found if all(one.matches(_COLUMNS[one.field](entity)) for one in asked)]
                found = filters.sort(found, by, lambda entity, field: _COLUMNS[field](entity))
        listed = found[start : start + request.limit]
        return common_pb2.NamedEntityList(entities=listed, token=filters.next_token(start, len(listed), request.limit))

    @staticmethod
    def _check(request: Any) -> None:
        if not request.HasField("id"):
            raise missing("id")
        parts(request.id, _NAME)

    async def _get(
        self, kind: identifier_pb2.ResourceType, id_: common_pb2.NamedEntityIdentifier
    ) -> common_pb2.NamedEntity:
        if kind not in KINDS:
            name = identifier_pb2.ResourceType.Name(kind)
            raise InvalidRequest(f"Cannot get NamedEntityMetadata for resource type: {name}")
        entity = common_pb2.NamedEntity(resource_type=kind, id=id_)
        entity.metadata.SetInParent()
        if not await self._exists(kind, id_):
            raise NotFound("entry not found")
        await self._describe(kind, [entity])
        return entity

    async def _exists(self, kind: identifier_pb2.ResourceType, id_: common_pb2.NamedEntityIdentifier) -> bool:
        environment = identifier.ENVIRONMENTS[kind]
        try:
            name = where("name", identifier.task_name(environment, id_.name))
        except identifier.Unnameable:
            return False
        deployed: Deployed = self._registry.deployed
        return [row async for row in deployed.latest(environment, id_.project, id_.domain, filters=[name])] != []

    async def _named(
        self,
        request: common_pb2.NamedEntityListRequest,
        asked: Iterable[filters.Filter],
        by: filters.SortOrder | None,
        enough: int | None,
    ) -> list[common_pb2.NamedEntity]:
        """Names that conditions which the name alone decides leave, by name; no more than enough."""
        environment = identifier.ENVIRONMENTS[request.resource_type]
        descending = by is not None and by.field == "name" and by.descending
        found: list[common_pb2.NamedEntity] = []
        deployed: Deployed = self._registry.deployed
        rows = deployed.latest(environment, request.project, request.domain, sort="name", descending=descending)
        async for row in rows:
            entity = common_pb2.NamedEntity(resource_type=request.resource_type)
            entity.id.project, entity.id.domain = row.project, row.domain
            entity.id.name = row.name.removeprefix(f"{environment}.")
            entity.metadata.SetInParent()
            if all(one.matches(_COLUMNS[one.field](entity)) for one in asked):
                found.append(entity)
                if len(found) == enough:
                    break
        return found

    async def _describe(self, kind: identifier_pb2.ResourceType, entities: list[common_pb2.NamedEntity]) -> None:
        """Put descriptions and states in: of one name by its document, of many by the list of them."""
        if not entities:
            return
        project, domain = entities[0].id.project, entities[0].id.domain
        if len(entities) == 1:
            name = document.name(_kind(kind), entities[0].id.name)
            texts = [await self._registry.documents.get(project, domain, name)]
        else:
            texts = [text for _, text in await self._registry.documents.of_kind(_kind(kind), project, domain)]
        known = dict(_read(text) for text in texts if text)
        for entity in entities:
            if entity.id.name in known:
                entity.metadata.description, entity.metadata.state = known[entity.id.name]


def _read(text: str) -> tuple[str, tuple[str, common_pb2.NamedEntityState]]:
    """A document's name, and its description and state."""
    try:
        told = json.loads(text)
        return str(told["name"]), (str(told["description"]), cast("common_pb2.NamedEntityState", int(told["state"])))
    except (ValueError, KeyError, TypeError) as error:
        raise InternalError(
            f"what is kept of a named entity cannot be read ({error!r}); update the entity again"
        ) from error
