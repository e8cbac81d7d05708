"""Matchable attributes: settings of a project, a domain of it, or a workflow, kept as documents.

The most specific one counts: a workflow's before its domain's before the project's. Who starts executions asks `find`.
"""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flyteidl.admin import matchable_resource_pb2
from google.protobuf.message import DecodeError

from flyte_bridge.errors import InternalError
from flyte_bridge_translators.wire import document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.registry.documents import Documents

KIND = "attributes"
_Matching = matchable_resource_pb2.MatchingAttributes


@dataclass(frozen=True)
class AttributeScope:
    """Whose attributes.

    Attributes:
        project: Theirs.
        domain: Of the project; empty for all of it.
        workflow: In the domain; empty for all of it.
    """

    project: str
    domain: str = ""
    workflow: str = ""

    @property
    def priority(self) -> int:
        """The greater, the more specific; flyteadmin's numbers (`pkg/repositories/models/resource.go`)."""
        return 100 if self.workflow else 10 if self.domain else 5

    @property
    def wider(self) -> tuple[AttributeScope, ...]:
        """This scope and those around it, the most specific first."""
        around = [self, AttributeScope(self.project, self.domain), AttributeScope(self.project)]
        return tuple(dict.fromkeys(scope for scope in around if scope.domain or not scope.workflow))


class Attributes:
    """Attributes by scope and kind of resource."""

    def __init__(self, backend: BackendClient, documents: Documents) -> None:
        """Takes where they are kept."""
        self._backend = backend
        self._documents = documents
        self._first_domains: dict[str, str] = {}

    async def get(
        self, resource: matchable_resource_pb2.MatchableResource, scope: AttributeScope
    ) -> matchable_resource_pb2.MatchingAttributes | None:
        """What is set for exactly this scope; `None` for nothing."""
        text = await self._documents.get(scope.project, await self._domain(scope), _name(resource, scope))
        return _read(text)[1] if text else None

    async def find(
        self, resource: matchable_resource_pb2.MatchableResource, scope: AttributeScope
    ) -> tuple[AttributeScope, matchable_resource_pb2.MatchingAttributes] | None:
        """The most specific that holds for a scope, and the scope it was set for; `None` for nothing."""
        found = await asyncio.gather(*(self.get(resource, around) for around in scope.wider))
        return next(((around, one) for around, one in zip(scope.wider, found, strict=True) if one is not None), None)

    async def all_of(
        self, resources: Sequence[matchable_resource_pb2.MatchableResource], scope: AttributeScope
    ) -> dict[int, list[tuple[AttributeScope, matchable_resource_pb2.MatchingAttributes]]]:
        """Whatever holds for a scope, by kind of resource, the most specific first; one list for each domain they lie in."""
        places: dict[str, list[str]] = {}
        for around in scope.wider:
            places.setdefault(await self._domain(around), []).extend(_name(one, around) for one in resources)
        lists = (self._documents.find(scope.project, domain, names) for domain, names in places.items())
        texts = {name: text for found in await asyncio.gather(*lists) for name, text in found.items()}
        return {
            resource: [
                _read(texts[_name(resource, around)]) for around in scope.wider if _name(resource, around) in texts
            ]
            for resource in resources
        }

    async def put(
        self,
        resource: matchable_resource_pb2.MatchableResource,
        scope: AttributeScope,
        attributes: matchable_resource_pb2.MatchingAttributes | None,
    ) -> None:
        """Set, replace, or with `None` remove what is set for a scope."""
        text = ""
        if attributes is not None:
            packed = base64.b64encode(attributes.SerializeToString(deterministic=True)).decode()
            told = {"project": scope.project, "domain": scope.domain, "workflow": scope.workflow, "attributes": packed}
            text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        await self._documents.put(scope.project, await self._domain(scope), _name(resource, scope), text)

    async def list(
        self, resource: matchable_resource_pb2.MatchableResource
    ) -> list[tuple[AttributeScope, matchable_resource_pb2.MatchingAttributes]]:
        """All of a kind of resource, of all projects; the most specific first."""
        kind = f"{KIND}.{matchable_resource_pb2.MatchableResource.Name(resource)}"
        found = [_read(text) for _, text in await self._documents.of_kind(kind)]
        return sorted(found, key=lambda one: (-one[0].priority, one[0].project, one[0].domain, one[0].workflow))

    async def _domain(self, scope: AttributeScope) -> str:
        """Where the document lives: a whole project's in the first of its domains."""
        if scope.domain:
            return scope.domain
        if (
            scope.project not in self._first_domains
        ):  # domains are Flyte 2's configuration; they do not change as it runs
            project = await self._backend.get_project(project_id=scope.project)
            self._first_domains[scope.project] = str(project.domains[0].id) if project.domains else ""
        return self._first_domains[scope.project]


def _name(resource: matchable_resource_pb2.MatchableResource, scope: AttributeScope) -> str:
    kind = f"{KIND}.{matchable_resource_pb2.MatchableResource.Name(resource)}"
    if scope.workflow:
        return document.name(kind, f"workflow.{scope.workflow}")
    return document.name(kind, "domain" if scope.domain else "project")


def _read(text: str) -> tuple[AttributeScope, matchable_resource_pb2.MatchingAttributes]:
    try:
        told: dict[str, Any] = json.loads(text)
        attributes = _Matching.FromString(base64.b64decode(told["attributes"], validate=True))
        return AttributeScope(told["project"], told["domain"], told["workflow"]), attributes
    except (ValueError, KeyError, TypeError, DecodeError) as error:
        raise InternalError(f"attributes cannot be read ({error!r}); set them again") from error
