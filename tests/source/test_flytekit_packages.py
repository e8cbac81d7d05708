"""What came with flytekit: the table against the metadata of what is installed, and who needs it."""

import re
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from flyte_bridge_translators.source.settings.flytekit_packages import PACKAGES, package_of


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(root: str) -> set[str]:
    """A distribution and all that it requires, extras apart."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        name = normal(waiting.pop())
        if name in found:
            continue
        try:
            lines = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # required on other machines only
            continue
        found.add(name)
        needs = [Requirement(line) for line in lines]
        waiting += [each.name for each in needs if each.marker is None or each.marker.evaluate({"extra": ""})]
    return found


def test_the_table_is_what_the_metadata_says() -> None:
    """Each package that flytekit requires and flyte does not is in the table, and no other one."""
    missing = required("flytekit") - required("flyte") - {"flytekit"}
    assert {normal(package) for package in PACKAGES.values()} == missing


def test_each_module_is_in_its_package() -> None:
    """Each module of the table is among the files of its package."""
    for module, package in PACKAGES.items():
        place = module.replace(".", "/")
        files = [file.as_posix() for file in metadata.files(package) or []]
        assert any(file.startswith((f"{place}/", f"{place}.")) for file in files), (module, package)


def test_the_longest_name_counts() -> None:
    """A namespace holds several packages."""
    assert package_of("google.cloud.storage.client") == "google-cloud-storage"
    assert package_of("google.protobuf") is None
    assert package_of("dataclasses_json") == "dataclasses-json"
    assert package_of(Path(__file__).stem) is None
