"""Names on both sides."""

from __future__ import annotations

import re

import pytest
from flyteidl.core.identifier_pb2 import Identifier, ResourceType
from hypothesis import given
from hypothesis import strategies as st

from flyte_bridge_translators.wire import identifier

V1_NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9-]{0,62}", fullmatch=True)


def test_a_name_that_fits_is_kept() -> None:
    """flyteadmin's own names (20 characters) are run names already."""
    assert identifier.run_name("a8kf2zpqm4c7x9vtwb5d") == "a8kf2zpqm4c7x9vtwb5d"
    assert identifier.action_name("n1-0-n0") == "n1-0-n0"


def test_thirty_characters_fit() -> None:
    """`RunIdentifier.name` and `ActionIdentifier.name` take 30 characters (`flyteidl2/common/identifier.proto`), and no more."""
    for name in (identifier.run_name, identifier.action_name):
        assert name("a" * 30) == "a" * 30
        assert name("a" * 31) != "a" * 31
        assert len(name("a" * 31)) == 30


@given(V1_NAMES)
def test_every_execution_name_has_a_run_name(name: str) -> None:
    """At most 30 characters, DNS-1035, and always the same."""
    run = identifier.run_name(name)
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", run)
    assert len(run) <= 30
    assert run == identifier.run_name(name)


@given(V1_NAMES, V1_NAMES)
def test_two_names_are_two_runs(one: str, other: str) -> None:
    """Even names that differ in case only."""
    assert (identifier.run_name(one) == identifier.run_name(other)) == (one == other)


@given(st.text(min_size=1, max_size=80))
def test_every_node_has_an_action_name(node: str) -> None:
    """Whatever a node is called; never the root's."""
    name = identifier.action_name(node)
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)
    assert len(name) <= 30
    assert name != "a0"


@pytest.mark.parametrize(
    ("parent", "attempt", "node", "unique"),
    [
        ("", 0, "n0", "n0"),
        ("n1", 0, "n0", "n1-0-n0"),
        ("n1-0-n0", 2, "dn1", "n1-0-n0-2-dn1"),
        ("n1-0-n0-0-n0", 0, "n0-n12-n3", "f"),
    ],
)
def test_unique_ids_are_propellers(parent: str, attempt: int, node: str, unique: str) -> None:
    """`<parent>-<attempt>-<node>`; beyond 20 characters `f` and seven of a hash."""
    made = identifier.unique_id(parent, attempt, node)
    assert made == unique if unique != "f" else re.fullmatch("f[a-z1-6]{7}", made)


def test_the_hash_is_flytes() -> None:
    """FNV-1a 32 in flyteplugins' alphabet; expected values of its own test (`encoder_test.go`)."""
    assert identifier.fixed_length("x" * 24) == "fuaa3aji"
    assert identifier.fixed_length("x-y-z-m-n-y-z-m-n-y-z-m-n") == "fe63sz6y"
    assert identifier.fixed_length("x-y-z-m-n-y-z-m-n-y-z-m-n", bits=64) == "fwp4bky2kucex5"
    assert identifier.fixed_length("x" * 20) == "x" * 20


def test_entities_live_in_reserved_environments() -> None:
    """One environment for each kind; project, domain and version stay."""
    entity = Identifier(
        resource_type=ResourceType.LAUNCH_PLAN, project="p", domain="d", name="app.flows.train", version="v=="
    )
    deployed = identifier.deployed(entity, org="o")
    assert (deployed.name, deployed.version) == ("flyte1.launch-plan.app.flows.train", "v==")
    assert (deployed.org, deployed.project, deployed.domain) == ("o", "p", "d")


def test_a_long_version_is_cut_and_hashed() -> None:
    """Flyte 2 has 63 characters for it; two long versions stay two."""
    one, other = identifier.version("v" * 100 + "1"), identifier.version("v" * 100 + "2")
    assert len(one) == len(other) == 63
    assert one != other


def test_what_cannot_be_named_is_refused_by_name() -> None:
    """A name beyond Flyte 2's limit, and what is no entity."""
    with pytest.raises(identifier.Unnameable, match="has 250 characters"):
        identifier.task_name(identifier.TASK, "x" * 250)
    with pytest.raises(identifier.Unnameable, match="DATASET"):
        identifier.deployed(Identifier(resource_type=ResourceType.DATASET, name="x"), org="o")
