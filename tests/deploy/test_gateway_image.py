"""What `flyte-bridge serve` needs in its image, and what the manifests say of it."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

from flyte_bridge import config
from flyte_bridge_cli import serve

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORY = Path(__file__).parents[2]
ROOTS = {"flyte_bridge": "bridge", "flyte_bridge_cli": "cli", "flyte_bridge_translators": "translators"}

ELSEWHERE = ("flyte_bridge.embedded", "flyte_bridge.driver", "flyte_bridge.remote.flyte_remote", "flyte_bridge.verify")
"""What a gateway over an endpoint never reaches: the embedded backend, what runs in actions, what runs in scripts."""


def path_of(module: str) -> Path | None:
    """The file of one of our modules; None if there is none."""
    root = REPOSITORY / ROOTS[module.partition(".")[0]] / Path(*module.split("."))
    return next((path for path in (root.with_suffix(".py"), root / "__init__.py") if path.exists()), None)


def imported(path: Path) -> set[str]:
    """Every module that a file imports, now or later, but for types."""
    names: set[str] = set()
    tree = ast.parse(path.read_text())
    guarded = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if node in guarded:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                package = path.relative_to(REPOSITORY).parts[1:-1]
                module = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return names


def reached() -> set[str]:
    """The third-party packages that serving can import."""
    waiting = ["flyte_bridge_cli.main", "flyte_bridge_cli.serve"]
    seen: set[str] = set()
    outside: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in seen or module.startswith(ELSEWHERE):
            continue
        seen.add(module)
        path = path_of(module)
        for name in imported(path) if path else ():
            top = name.partition(".")[0]
            if top in ROOTS:
                waiting.append(name)
            elif top not in sys.stdlib_module_names and top != "__future__":
                outside.add(name)
    return outside


def test_the_image_has_what_serving_imports() -> None:
    """The distributions that gateway.Dockerfile installs are those that serving can import, and are pinned."""
    text = (REPOSITORY / "gateway.Dockerfile").read_text()
    installed = set(re.search(r'NEEDED="([^"]*)"', text)[1].split())  # type: ignore[index]
    behind = packages_distributions()
    tops = {name.partition(".")[0] for name in reached()} - {"google"}
    assert installed == {min(behind[top]).lower() for top in tops} | {"protobuf", "tzdata"}
    pins = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    assert installed <= {re.match(r"[\w-]+", pin)[0] for pin in pins}  # type: ignore[index]


BASE = REPOSITORY / "deploy" / "kustomize" / "base"


def documents() -> dict[str, Any]:
    """The base's objects by their kind."""
    return {
        document["kind"]: document for path in BASE.glob("*.yaml") for document in yaml.safe_load_all(path.read_text())
    }


def container() -> Any:
    (only,) = documents()["Deployment"]["spec"]["template"]["spec"]["containers"]
    return only


def test_every_file_is_in_the_kustomization() -> None:
    """Nothing lies in the base that nobody applies."""
    resources = set(documents()["Kustomization"]["resources"])
    assert resources == {path.name for path in BASE.glob("*.yaml")} - {"kustomization.yaml"}


@pytest.mark.parametrize("variant", ["base", "tls"])
def test_the_arguments_are_options_of_serve(variant: str, tmp_path: Path) -> None:
    """`flyte-bridge serve` takes what the container is started with."""
    arguments = container()["args"]
    if variant == "tls":
        patches = yaml.safe_load((BASE.parent / "tls" / "kustomization.yaml").read_text())["patches"]
        (arguments,) = (
            step["value"]
            for patch in patches
            for step in yaml.safe_load(patch["patch"])
            if step["path"].endswith("/args")
        )
        assert "--tls-cert" in arguments
    files = {"/tls/tls.crt": tmp_path / "crt", "/tls/tls.key": tmp_path / "key"}
    for file in files.values():
        file.touch()
    context = serve.command.make_context("serve", [str(files.get(word, word)) for word in arguments])
    ports = {port["name"]: port["containerPort"] for port in container()["ports"]}
    assert (context.params["port"], context.params["http_port"]) == (ports["grpc"], ports["http"])


def test_the_settings_are_settings() -> None:
    """Each variable of the config map is one that the bridge reads, with a value it takes."""
    literals = dict(pair.split("=", 1) for pair in documents()["Kustomization"]["configMapGenerator"][0]["literals"])
    names = {name.removeprefix(config.PREFIX).lower(): value for name, value in literals.items()}
    settings = config.load(**names)
    assert not settings.embedded
    assert settings.driver_image


def test_the_pod_has_no_rights() -> None:
    """Any user, no capabilities, nothing to write, no token of the cluster's."""
    pod = documents()["Deployment"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_service_leads_to_the_ports() -> None:
    """Ports of the service, of the policy and of the container are the same."""
    ports = {port["containerPort"] for port in container()["ports"]}
    assert {port["port"] for port in documents()["Service"]["spec"]["ports"]} == ports
    (ingress,) = documents()["NetworkPolicy"]["spec"]["ingress"]
    assert {port["port"] for port in ingress["ports"]} == ports
