"""Texts by name, kept as deployed tasks: replaced when written, gone only by writing an empty one."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from flyte_bridge.backend.query import compare, where
from flyte_bridge.errors import InternalError, NotFound
from flyte_bridge.registry.deployed import ORG, Deployed, together
from flyte_bridge_translators.wire import document, envelope, identifier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.struct_pb2 import Struct

    from flyte_bridge.registry.cache import Row

_LARGE = 64 * 1024
"""Bytes of a deflated closure above which it takes long enough to read that others would wait."""


async def unpacked(custom: Struct, texts: Mapping[str, str]) -> envelope.Envelope:
    """What an envelope holds; a large one in a thread, where nobody else waits for it.

    Raises:
        BadEnvelope: It cannot be read.
    """
    if custom.ByteSize() + sum(map(len, texts.values())) < _LARGE:
        return envelope.unpack(custom, texts.__getitem__)
    return await asyncio.to_thread(envelope.unpack, custom, texts.__getitem__)


class Documents:
    """What Flyte 1 keeps beside its entities."""

    def __init__(self, deployed: Deployed) -> None:
        """Takes the deployed tasks they live among."""
        self._deployed = deployed
        self._texts: dict[tuple[str, str, str], tuple[str, str]] = {}

    async def get(self, project: str, domain: str, name: str) -> str:
        """A document's text; empty if there is none.

        Args:
            project: Flyte's.
            domain: Flyte's.
            name: The document's.
        """
        try:
            details = await self._deployed.get(document.task_id(project, domain, name, org=ORG))
            return document.text_of(details.spec.task_template.custom)
        except NotFound:
            return ""
        except document.BadDocument as error:
            raise InternalError(f"document {name!r} of {project}/{domain}: {error}") from error

    async def put(self, project: str, domain: str, name: str, text: str) -> None:
        """Write a document.

        Args:
            project: Flyte's.
            domain: Flyte's.
            name: The document's.
            text: Any; empty removes it as far as readers see.
        """
        task_id = document.task_id(project, domain, name, org=ORG)
        await self._deployed.put(task_id, document.to_spec(task_id, text))

    async def put_all(self, project: str, domain: str, texts: Mapping[str, str]) -> None:
        """Write several."""
        await together(partial(self.put, project, domain, name, text) for name, text in texts.items())

    async def get_all(self, project: str, domain: str, names: Sequence[str]) -> dict[str, str]:
        """Several documents' texts; those that are not there are empty."""
        texts = await together(partial(self.get, project, domain, name) for name in names)
        return dict(zip(names, texts, strict=True))

    async def find(self, project: str, domain: str, names: Sequence[str]) -> dict[str, str]:
        """Those of several documents that are there and not empty, with one list: most of them are not.

        Args:
            project: Flyte's.
            domain: Flyte's.
            names: The documents'.
        """
        wanted = where("name", *(identifier.task_name(identifier.DOCUMENT, name) for name in names))
        rows = [row async for row in self._deployed.latest(identifier.DOCUMENT, project, domain, filters=[wanted])]
        texts = await together(partial(self.of_row, row) for row in rows)
        found = zip(rows, texts, strict=True)
        return {row.name.removeprefix(f"{identifier.DOCUMENT}."): text for row, text in found if text}

    async def of_kind(self, kind: str, project: str = "", domain: str = "") -> list[tuple[Row, str]]:
        """The documents of a kind with their texts, empty ones left out; short ones cost nothing but the list.

        Args:
            kind: What their names begin with.
            project: Where; everywhere if empty.
            domain: Of the project.
        """
        begin = f"{identifier.DOCUMENT}.{kind}."
        named = compare("name", "CONTAINS", begin)
        rows = [
            row
            async for row in self._deployed.latest(identifier.DOCUMENT, project, domain, filters=[named])
            if row.name.startswith(begin)
        ]
        texts = await together(partial(self.of_row, row) for row in rows)
        return [(row, text) for row, text in zip(rows, texts, strict=True) if text]

    async def of_row(self, row: Row) -> str:
        """The text of a document that was listed; short ones are in the list."""
        text, digest = document.listed(row.short_description)
        if text is not None:
            return text
        key = (row.project, row.domain, row.name)
        held = self._texts.get(key)
        if held is None or held[0] != digest:
            name = row.name.removeprefix(f"{identifier.DOCUMENT}.")
            self._texts[key] = held = (digest, await self.get(row.project, row.domain, name))
        return held[1]
