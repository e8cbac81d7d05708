"""Files that what is imported names: code bundles of tasks, and inputs of launch plans that are files.

They keep their URIs, since the entities say them. So each is looked for in Flyte 2's store, and put there if it is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict

from ..errors import BackendError, NoSuchObject, ObjectError
from ..verify.literals import plain
from .import_state import Arrival, Imported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyteidl.admin import launch_plan_pb2
    from flyteidl.core import tasks_pb2

    from ..backend.storage import Storage
    from ..verify.contents import ReadableObjects

FILE = "file"

BUNDLE = "--additional-distribution"
"""What stands before a code bundle's URI in a task's arguments (`pyflyte-fast-execute`)."""

STORES = ("s3://", "s3a://", "gs://", "az://", "abfs://", "abfss://")


def bundles(template: tasks_pb2.TaskTemplate) -> Iterator[str]:
    """The URIs of a task's code bundles."""
    words = [list(template.container.args)]
    if template.HasField("k8s_pod"):
        pod = MessageToDict(template.k8s_pod.pod_spec)
        words += [[str(word) for word in one.get("args", [])] for one in pod.get("containers", [])]
    for args in words:
        for before, word in pairwise(args):
            if before == BUNDLE and word.startswith(STORES):
                yield word


def inputs(plan: launch_plan_pb2.LaunchPlan) -> Iterator[tuple[str, bool]]:
    """The URIs of files that a launch plan's inputs name, and whether each is a directory's."""
    literals = [*plan.spec.fixed_inputs.literals.values()]
    parameters = plan.spec.default_inputs.parameters.values()
    literals += [parameter.default for parameter in parameters if parameter.HasField("default")]
    for literal in literals:
        yield from references(plain(literal))


def references(value: Any) -> Iterator[tuple[str, bool]]:
    """The URIs in object stores that a plain value names, and whether each is a directory's."""
    if isinstance(value, dict):
        if value.get("kind") == "reference":
            uri = str(value.get("uri"))
            if uri.startswith(STORES):
                yield uri, value.get("form") in ("directory", "frame")
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from references(item)


@dataclass(frozen=True)
class Stores:
    """Where files come from and go to.

    Attributes:
        source: Flyte 1's store.
        target: Flyte 2's.
        makes_buckets: Whether a bucket that is not there is made: in the embedded backend's own store, where names are free.
    """

    source: ReadableObjects
    target: Storage
    makes_buckets: bool = False


async def copy(uri: str, stores: Stores, *, directory: bool = False) -> list[Imported]:
    """Put a file, or all of a directory's, into the other store.

    Args:
        uri: Where it is, and goes.
        stores: From where to where.
        directory: Whether it is a directory.

    Returns:
        What became of each; why one is not there is said, not raised.
    """
    if not directory:
        return [await _copy(uri, stores)]
    try:
        listed = await stores.source.list(f"{uri.rstrip('/')}/")
    except BackendError as error:
        return [_refused(uri, error)]
    return [await _copy(one, stores) for one in listed or [uri]]


async def _copy(uri: str, stores: Stores) -> Imported:
    try:
        await stores.target.head(uri)
        return Imported(FILE, uri, Arrival.THERE)
    except NoSuchObject:
        pass
    except ObjectError as error:
        return _refused(uri, error)
    try:
        await _write(uri, await stores.source.read(uri), stores)
    except BackendError as error:
        return _refused(uri, error)
    return Imported(FILE, uri, Arrival.COPIED)


async def _write(uri: str, data: bytes, stores: Stores) -> None:
    try:
        await stores.target.write(uri, data)
    except ObjectError as error:
        bucket_is_missing = isinstance(error, NoSuchObject) or "NoSuchBucket" in str(error)
        if not stores.makes_buckets or not bucket_is_missing:
            raise
        await stores.target.make_bucket(uri)
        await stores.target.write(uri, data)


def _refused(uri: str, error: BackendError) -> Imported:
    store = "/".join(uri.split("/", 3)[:3])
    reason = f"{error}; copy it by hand, or let tasks of Flyte 2 read {store}"
    return Imported(FILE, uri, Arrival.REFUSED, " ".join(reason.split()))
