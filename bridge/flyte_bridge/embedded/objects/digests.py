"""The checksums a sender promises, in headers or in a trailer, and their check against what came.

| promise | checked |
|---|---|
| `Content-MD5` | MD5, base64 |
| `x-amz-content-sha256`, when it is a hash | SHA-256, hex |
| `x-amz-checksum-sha1`, `-sha256` | base64 |
| `x-amz-checksum-crc32` | base64 of four bytes, big end first |
| any other `x-amz-checksum-…` | no: Python lacks them, or has them too slow to be of use |
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from typing import TYPE_CHECKING, Protocol

from flyte_bridge.embedded.objects.faults import S3Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Hash(Protocol):
    """What hashlib's hashes are to us."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def _md5() -> Hash:
    return hashlib.md5(usedforsecurity=False)


KINDS: dict[str, tuple[Callable[[], Hash], str]] = {
    "content-md5": (_md5, "BadDigest"),
    "x-amz-checksum-crc32": (_Crc32, "BadDigest"),
    "x-amz-checksum-sha1": (hashlib.sha1, "BadDigest"),
    "x-amz-checksum-sha256": (hashlib.sha256, "BadDigest"),
    "x-amz-content-sha256": (hashlib.sha256, "XAmzContentSHA256Mismatch"),
}


class Digests:
    """The checksums one request promises, computed along.

    Args:
        headers: The request's headers, which hold the promises or, in `x-amz-trailer`, the name of one to come.

    Raises:
        S3Fault: A promise is not well formed.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._promised: dict[str, bytes] = {}
        self._hashes: dict[str, Hash] = {}
        for name, (make, _) in KINDS.items():
            if name in headers and not _is_no_hash(name, headers[name]):
                self._promised[name] = _decode(name, headers[name], make().digest())
                self._hashes[name] = make()
        trailer = headers.get("x-amz-trailer", "").strip().lower()
        if trailer in KINDS:
            self._hashes[trailer] = KINDS[trailer][0]()

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take a piece of the bytes into account."""
        for each in self._hashes.values():
            each.update(data)

    def check(self, trailer: Mapping[str, str]) -> None:
        """Compare with the promises, those of the trailer too.

        Raises:
            S3Fault: What came is not what was promised, or the trailer's promise did not come.
        """
        for name, value in trailer.items():
            if name in self._hashes:
                self._promised[name] = _decode(name, value, self._hashes[name].digest())
        for name, each in self._hashes.items():
            if name not in self._promised:
                raise S3Fault("InvalidRequest", f"the trailer {name} was announced and did not come")
            if each.digest() != self._promised[name]:
                raise S3Fault(KINDS[name][1], f"what came does not have the {name} that was promised; send it again")


def _is_no_hash(name: str, value: str) -> bool:
    """Tell whether the payload's hash says only how it is sent: `UNSIGNED-PAYLOAD`, `STREAMING-…`."""
    return name == "x-amz-content-sha256" and (value == "UNSIGNED-PAYLOAD" or value.startswith("STREAMING-"))


def _decode(name: str, value: str, like: bytes) -> bytes:
    try:
        digest = bytes.fromhex(value) if name == "x-amz-content-sha256" else base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        digest = b""
    if len(digest) != len(like):
        raise S3Fault("InvalidDigest", f"{name}: {value!r} is not such a checksum")
    return digest
