"""Which RPC an HTTP request means: the `google.api.http` bindings of flyteidl's services."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.api import annotations_pb2

from flyte_bridge.admin.methods import METHODS, SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.api.http_pb2 import HttpRule
    from google.protobuf.descriptor import MethodDescriptor

    from flyte_bridge.admin.methods import Method

_VERBS = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True)
class Route:
    """One HTTP binding of an RPC.

    Attributes:
        verb: The HTTP method, in upper case.
        template: The path's segments; a variable is a field path in braces, such as `{id.project}`.
        body: Whether the request's body is the message (`body: "*"`; flyteidl uses no other form).
        method: The RPC.
    """

    verb: str
    template: tuple[str, ...]
    body: bool
    method: Method

    @property
    def path(self) -> str:
        """The template as it is written, such as `/api/v1/tasks/{id.project}`."""
        return "/" + "/".join(self.template)

    @property
    def variables(self) -> tuple[str, ...]:
        """The field paths that the path carries."""
        return tuple(segment[1:-1] for segment in self.template if segment.startswith("{"))

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """What a path's segments give the variables; None if the path is another's."""
        if len(segments) != len(self.template):
            return None
        values = {}
        for wanted, segment in zip(self.template, segments, strict=True):
            if wanted.startswith("{"):
                values[wanted[1:-1]] = segment
            elif wanted != segment:
                return None
        return values


def _rules(method: MethodDescriptor) -> Iterator[HttpRule]:
    options = method.GetOptions()
    if options.HasExtension(annotations_pb2.http):
        rule = options.Extensions[annotations_pb2.http]
        yield rule
        yield from rule.additional_bindings


def _routes() -> Iterator[Route]:
    for service in SERVICES:
        for descriptor in service.methods:
            method = METHODS[f"/{service.full_name}/{descriptor.name}"]
            for rule in _rules(descriptor):
                verb = rule.WhichOneof("pattern")
                if verb not in _VERBS:
                    raise TypeError(f"{method.path}: a binding without an HTTP method: {rule}")
                template = tuple(str(getattr(rule, verb)).strip("/").split("/"))
                yield Route(verb.upper(), template, rule.body == "*", method)


ROUTES: tuple[Route, ...] = tuple(_routes())
"""Every binding, in the order of the services."""

_BY_LENGTH: dict[int, list[Route]] = defaultdict(list)
for _route in reversed(ROUTES):  # grpc-gateway asks those registered last first
    _BY_LENGTH[len(_route.template)].append(_route)


@dataclass(frozen=True)
class Match:
    """What was found for a path.

    Attributes:
        route: The binding, if the method fits, too.
        values: What the path gives its variables.
        other_verbs: The methods that the path knows, where the request's is none of them.
    """

    route: Route | None = None
    values: dict[str, str] | None = None
    other_verbs: tuple[str, ...] = ()


def find(verb: str, path: str) -> Match:
    """The binding of a request.

    Args:
        verb: The HTTP method.
        path: The path, percent-decoded.
    """
    segments = tuple(path[1:].split("/"))
    others = []
    for route in _BY_LENGTH.get(len(segments), ()):
        values = route.match(segments)
        if values is None:
            continue
        if route.verb == verb:
            return Match(route, values)
        others.append(route.verb)
    return Match(other_verbs=tuple(others))
