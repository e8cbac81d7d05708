"""`error.pb`: what a task, or the driver, leaves when it fails. Both Flytes have the same message."""

from __future__ import annotations

from flyteidl2.core import execution_pb2
from flyteidl2.workflow import run_definition_pb2
from google.protobuf.message import DecodeError

NAME = "error.pb"
"""Its name, beside where outputs would be."""


def read(data: bytes) -> execution_pb2.ContainerError | None:
    """What it says; None for one that cannot be read, or says nothing.

    Args:
        data: Its bytes.
    """
    document = execution_pb2.ErrorDocument()
    try:
        document.ParseFromString(data)
    except DecodeError:
        return None
    return document.error if document.error.code or document.error.message else None


def info(error: execution_pb2.ContainerError) -> run_definition_pb2.ErrorInfo:
    """The same as a backend tells of an action's error."""
    system = error.origin == execution_pb2.ExecutionError.SYSTEM
    kind = run_definition_pb2.ErrorInfo.KIND_SYSTEM if system else run_definition_pb2.ErrorInfo.KIND_USER
    return run_definition_pb2.ErrorInfo(code=error.code, message=error.message, kind=kind)


def beside(outputs_uri: str) -> str:
    """Where it lies, of an action whose outputs would be at a URI; empty for none.

    Args:
        outputs_uri: `…/outputs.pb`, the directory, or `…/error.pb` itself.
    """
    if not outputs_uri or outputs_uri.endswith(f"/{NAME}"):
        return outputs_uri
    return f"{outputs_uri.removesuffix('/outputs.pb').rstrip('/')}/{NAME}"
