"""Recorded steps made again. A step can rely on what those before it have brought about, and on the files they have uploaded."""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import TYPE_CHECKING, Any

from recorded.canonical import Names

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from recorded.calls import Plane


class Replay:
    """The steps of one project.

    Attributes:
        names: What the names of this run stand for in the recorded ones.
    """

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.names = Names()
        self._uris: dict[str, str] = {}

    def request(self, step: dict[str, Any]) -> dict[str, Any]:
        """What a step asks, with the URIs of this run's uploads."""
        text = json.dumps(step["request"])
        for label, uri in self._uris.items():
            text = text.replace("{{" + label + "}}", uri)
        asked: dict[str, Any] = json.loads(text)
        return asked

    def made(self, step: dict[str, Any]) -> dict[str, Any]:
        """The answer to a step, as it is recorded."""
        told, answer = self.plane.told(step["rpc"], self.request(step), self.names)
        if step["rpc"] == "CreateUploadLocation" and answer is not None:
            self._uploaded(step, answer)
        return told

    def _uploaded(self, step: dict[str, Any], location: Any) -> None:
        self._uris[step["label"]] = location.native_url
        if "put" in step:
            _put(location, base64.b64decode(step["put"]))
        if step["label"] == "upload-first":
            self.names.put(location.native_url.rpartition("/")[0], "<uri-of-upload>")

    def ask(self, rpc: str, request: dict[str, Any]) -> Message:
        """A call of the test's own."""
        return self.plane.ask(rpc, request)


def _put(location: Any, data: bytes) -> None:
    request = urllib.request.Request(location.signed_url, data=data, method="PUT")
    for name, value in location.headers.items():
        request.add_header(name, value)
    with urllib.request.urlopen(request, timeout=60) as reply:
        assert reply.status in {200, 201, 204}
