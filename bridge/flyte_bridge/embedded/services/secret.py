"""SecretService: secrets by project and domain, or everybody's; values go in and never come out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flyteidl2.common import identifier_pb2
from flyteidl2.secret import definition_pb2, payload_pb2

from flyte_bridge.backend.moments import to_timestamp
from flyte_bridge.embedded import names
from flyte_bridge.embedded.faults import AlreadyExists, InvalidRequest, NotFound

if TYPE_CHECKING:
    from flyte_bridge.embedded.registry import Projects
    from flyte_bridge.embedded.secret_store import Secret, SecretStore

MAX_VALUE = 1 << 20
"""Bytes of a value: Kubernetes' limit, which the real backend has."""

_NAME = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_DEFAULT_PAGE = 50


class SecretService:
    """Secrets."""

    def __init__(self, secrets: SecretStore, projects: Projects) -> None:
        self._secrets = secrets
        self._projects = projects

    async def create_secret(
        self, request: payload_pb2.CreateSecretRequest, _ctx: Any
    ) -> payload_pb2.CreateSecretResponse:
        """Add a secret; ALREADY_EXISTS if there is one of that name in its scope."""
        scope, name = self._scope(request.id), _name(request.id)
        value = _value(request.secret_spec)
        if self._secrets.get(*scope, name) is not None:
            raise AlreadyExists(f"secret {name!r} exists already; `flyte delete secret {name}` first")
        self._secrets.put(*scope, name, request.secret_spec.type, value)
        return payload_pb2.CreateSecretResponse()

    async def update_secret(
        self, request: payload_pb2.UpdateSecretRequest, _ctx: Any
    ) -> payload_pb2.UpdateSecretResponse:
        """Replace a secret's value; NOT_FOUND if there is none."""
        secret = self._get(request.id)
        self._secrets.put(secret.project, secret.domain, secret.name, secret.type, _value(request.secret_spec))
        return payload_pb2.UpdateSecretResponse()

    async def get_secret(self, request: payload_pb2.GetSecretRequest, _ctx: Any) -> payload_pb2.GetSecretResponse:
        """Tell what is known of a secret but its value; NOT_FOUND if there is none."""
        return payload_pb2.GetSecretResponse(secret=_message(self._get(request.id), request.id.organization))

    async def delete_secret(
        self, request: payload_pb2.DeleteSecretRequest, _ctx: Any
    ) -> payload_pb2.DeleteSecretResponse:
        """Delete a secret; NOT_FOUND if there is none."""
        secret = self._get(request.id)
        self._secrets.delete(secret.project, secret.domain, secret.name)
        return payload_pb2.DeleteSecretResponse()

    async def list_secrets(self, request: payload_pb2.ListSecretsRequest, _ctx: Any) -> payload_pb2.ListSecretsResponse:
        """List the secrets of a scope, by name; a page ends with the token of the next."""
        scope = self._scope(request)
        limit = request.limit or _DEFAULT_PAGE
        if limit < 0:
            raise InvalidRequest(f"limit: {limit} is not a count")
        found = [each for each in self._secrets.list(*scope) if each.name > request.token]
        page = found[:limit]
        return payload_pb2.ListSecretsResponse(
            secrets=[_message(each, request.organization) for each in page],
            token=page[-1].name if len(found) > limit else "",
        )

    def _get(self, identifier: definition_pb2.SecretIdentifier) -> Secret:
        scope, name = self._scope(identifier), _name(identifier)
        secret = self._secrets.get(*scope, name)
        if secret is None:
            where = f"in {scope[0]}/{scope[1]}" if scope[0] else "that is everybody's"
            raise NotFound(f"there is no secret {name!r} {where}; `flyte get secret` lists those there are")
        return secret

    def _scope(self, identifier: definition_pb2.SecretIdentifier | payload_pb2.ListSecretsRequest) -> tuple[str, str]:
        project, domain = identifier.project, identifier.domain
        if not project and not domain:
            return "", ""
        if not project or not domain:
            raise InvalidRequest(
                f"a secret has project and domain or neither; this has project {project!r} and domain {domain!r}"
            )
        self._projects.get(project)
        return project, names.domain(domain)


def _name(identifier: definition_pb2.SecretIdentifier) -> str:
    if not _NAME.fullmatch(identifier.name):
        raise InvalidRequest(
            f"secret name {identifier.name!r}: it has 1 to 253 letters, digits, dots, hyphens and underscores"
        )
    return str(identifier.name)


def _value(spec: definition_pb2.SecretSpec) -> bytes:
    kind = spec.WhichOneof("value")
    if kind is None:
        raise InvalidRequest("a secret needs a value: string_value or binary_value")
    value = spec.string_value.encode() if kind == "string_value" else bytes(spec.binary_value)
    if len(value) > MAX_VALUE:
        raise InvalidRequest(f"a secret has at most {MAX_VALUE} bytes, this one has {len(value)}")
    return value


def _message(secret: Secret, organization: str) -> definition_pb2.Secret:
    present = definition_pb2.ClusterSecretStatus(
        cluster=identifier_pb2.ClusterIdentifier(name="embedded"), presence_status=definition_pb2.PRESENT
    )
    return definition_pb2.Secret(
        id=definition_pb2.SecretIdentifier(
            name=secret.name, organization=organization, domain=secret.domain, project=secret.project
        ),
        secret_metadata=definition_pb2.SecretMetadata(
            created_time=to_timestamp(secret.created_at),
            secret_status=definition_pb2.SecretStatus(
                overall_status=definition_pb2.FULLY_PRESENT, cluster_status=[present]
            ),
            type=secret.type,
        ),
    )
