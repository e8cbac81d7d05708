"""Packages that came with flytekit and do not come with flyte: what imports them needs them in its image.

Every image of Flyte 1 holds flytekit, and so what flytekit requires; nobody lists those packages, and tasks import them all the
same. The table is compared with the metadata of the installed distributions by tests/source/test_flytekit_packages.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from flyte_bridge_translators.source.engine import layout
from flyte_bridge_translators.source.engine.layout import Chain, Doc
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.work import Work
from flyte_bridge_translators.source.settings import image_spec
from flyte_bridge_translators.source.settings.environment_groups import EnvironmentGroup

PACKAGES: Mapping[str, str] = {
    "adlfs": "adlfs",
    "aiobotocore": "aiobotocore",
    "aiohappyeyeballs": "aiohappyeyeballs",
    "aiohttp": "aiohttp",
    "aioitertools": "aioitertools",
    "aiosignal": "aiosignal",
    "attr": "attrs",
    "attrs": "attrs",
    "azure.core": "azure-core",
    "azure.identity": "azure-identity",
    "azure.storage.blob": "azure-storage-blob",
    "botocore": "botocore",
    "cachetools": "cachetools",
    "charset_normalizer": "charset-normalizer",
    "croniter": "croniter",
    "dataclasses_json": "dataclasses-json",
    "dateutil": "python-dateutil",
    "decorator": "decorator",
    "diskcache": "diskcache",
    "docker": "docker",
    "flyteidl": "flyteidl",
    "frozenlist": "frozenlist",
    "gcsfs": "gcsfs",
    "google.api_core": "google-api-core",
    "google.auth": "google-auth",
    "google.cloud": "google-cloud-core",
    "google.cloud.storage": "google-cloud-storage",
    "google.cloud.storage_control_v2": "google-cloud-storage-control",
    "google.iam": "grpc-google-iam-v1",
    "google.oauth2": "google-auth",
    "google.resumable_media": "google-resumable-media",
    "google_auth_oauthlib": "google-auth-oauthlib",
    "google_crc32c": "google-crc32c",
    "grpc": "grpcio",
    "grpc_status": "grpcio-status",
    "isodate": "isodate",
    "jmespath": "jmespath",
    "joblib": "joblib",
    "jsonlines": "jsonlines",
    "jsonpickle": "jsonpickle",
    "jwt": "PyJWT",
    "marshmallow": "marshmallow",
    "marshmallow_enum": "marshmallow-enum",
    "marshmallow_jsonschema": "marshmallow-jsonschema",
    "msal": "msal",
    "msal_extensions": "msal-extensions",
    "multidict": "multidict",
    "mypy_extensions": "mypy-extensions",
    "oauthlib": "oauthlib",
    "propcache": "propcache",
    "proto": "proto-plus",
    "pyasn1": "pyasn1",
    "pyasn1_modules": "pyasn1-modules",
    "pythonjsonlogger": "python-json-logger",
    "pytimeparse": "pytimeparse",
    "requests": "requests",
    "requests_oauthlib": "requests-oauthlib",
    "s3fs": "s3fs",
    "six": "six",
    "statsd": "statsd",
    "typing_inspect": "typing-inspect",
    "wrapt": "wrapt",
    "yarl": "yarl",
}
"""Module (the longest name counts) → the package of PyPI that holds it."""


def package_of(module: str) -> str | None:
    """The package in the table that an imported module comes from."""
    return next((PACKAGES[name] for name in _with_parents(module) if name in PACKAGES), None)


def needed(context: Context, module: str) -> list[str]:
    """The packages a file and what it imports in the project import, in order of the alphabet."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        facts = context.facts.get(current)
        for name in facts.imports if facts is not None else ():
            own = [each for each in _with_parents(name) if each in context.facts]
            package = package_of(name) if not own else None
            if package is not None:
                found.add(package)
            waiting += own
    return sorted(found, key=str.lower)


def add(work: Work, home: EnvironmentGroup, image: Doc | None, packages: Sequence[str]) -> Doc | None:
    """The image of an environment with packages added; reports what cannot be extended.

    Args:
        work: Where findings go.
        home: The environment.
        image: Its image as it was converted; None for Flyte 2's default.
        packages: What is to be in it.
    """
    node = home.settings.get("container_image")
    if image is None or node is None:
        return _with(Chain(("flyte.Image.from_debian_base()",)), packages) if image is None else image
    missing = [each for each in packages if each.lower() not in image_spec.named_packages(work, node)]
    if not missing:
        return image
    if image_spec.is_extendable(work, node):
        return _with(image, missing)
    where = home.members[0].decorator if home.members else node
    work.report("FB316", where, f"{', '.join(missing)} came with flytekit; {layout.brief(node)} must hold it now")
    return image


def _with(image: Doc, packages: Sequence[str]) -> Doc:
    layer = layout.call(".with_pip_packages", *(layout.quoted(each) for each in packages))
    return Chain((*(image.parts if isinstance(image, Chain) else (image,)), layer))


def _with_parents(name: str) -> Iterator[str]:
    """A dotted name and what it is in, the longest first."""
    while name:
        yield name
        name = name.rpartition(".")[0]
