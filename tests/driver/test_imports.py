"""What the driver's process imports, and how long that takes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORY = Path(__file__).parents[2]

ALLOWED = {
    "flyte_bridge",
    "flyte_bridge_translators",
    "flyteidl",
    "flyteidl2",
    "fsspec",
    "google",
    "grpc",
    "networkx",
    "obstore",
}
"""Besides the standard library; `google` is protobuf, and obstore is how clouds' storage is read."""

ALONG = {"buf", "cython_runtime", "grpc_health", "protoc_gen_openapiv2", "typing_extensions", "validate"}
"""What those import themselves where it is there."""

SOURCE = """
import importlib, json, pkgutil, sys
before = set(sys.modules)
from flyte_bridge.backend import connect
from flyte_bridge.backend.storage import Storage
import flyte_bridge.driver
for module in pkgutil.walk_packages(flyte_bridge.driver.__path__, "flyte_bridge.driver."):
    importlib.import_module(module.name)
connect.inside({"_U_EP_OVERRIDE": "127.0.0.1:9", "_U_INSECURE": "true"})
Storage()
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def test_the_driver_imports_neither_sdk_nor_what_is_heavy() -> None:
    """All its modules need messages, gRPC, graphs and storage only: no flyte, no flytekit, no pydantic, no libcst."""
    said = subprocess.run([sys.executable, "-I", "-c", _with_path(SOURCE)], capture_output=True, text=True, check=True)
    found = set(json.loads(said.stdout)) - set(sys.stdlib_module_names)
    own = {name for name in found if not name.startswith("_")} - ALONG
    assert own <= ALLOWED, own - ALLOWED


def test_the_image_has_what_the_driver_imports() -> None:
    """The distributions that driver.Dockerfile installs are those behind the driver's imports, and are pinned."""
    text = (REPOSITORY / "driver.Dockerfile").read_text()
    installed = set(re.search(r'NEEDED="([^"]*)"', text)[1].split())  # type: ignore[index]
    behind = packages_distributions()
    ours = {"flyte_bridge", "flyte_bridge_translators"}
    assert installed == {"protobuf" if name == "google" else behind[name][0] for name in ALLOWED - ours}
    pins = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    assert installed <= {re.match(r"[\w-]+", pin)[0] for pin in pins}  # type: ignore[index]


def _with_path(source: str) -> str:
    return f"import sys; sys.path[:0] = {sys.path!r}\n{source}"
