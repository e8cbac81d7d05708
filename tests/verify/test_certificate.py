"""Certificates: what was shown holds as long as what it depends on is the same; what changed is run again."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flyte_bridge.errors import SourceError
from flyte_bridge.verify.certificate import Certificate
from flyte_bridge.verify.imports import sources_of
from flyte_bridge_cli.convert import command as convert
from flyte_bridge_cli.exits import Exit
from flyte_bridge_cli.verify import command as verify

HELPERS = "RATE = 3\n\n\ndef rated(n: int) -> int:\n    return n * RATE\n"

BILLS = """
from flytekit import task, workflow

from .helpers import rated

@task
def bill(n: int) -> int:
    return rated(n)

@workflow
def bills(n: int) -> int:
    return bill(n=n)
"""

ORDERS = """
from flytekit import task, workflow

@task
def order(n: int) -> int:
    return n + 1

@workflow
def orders(n: int = 4) -> int:
    return order(n=n)
"""


def replay(file: Path, *options: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(verify, [str(file), "--json", *options])
    return result.exit_code, {each["workflow"]: each for each in json.loads(result.stdout)["workflows"]}


def test_a_certificate_holds_until_something_changes(tmp_path: Path) -> None:
    """An edit of either side, or of what it imports, runs the workflows again that depend on it, and no others."""
    shop, out, file = tmp_path / "shop", tmp_path / "out", tmp_path / "proofs" / "proof.json"
    shop.mkdir()
    file.parent.mkdir()
    for name, text in (("__init__", ""), ("helpers", HELPERS), ("bills", BILLS), ("orders", ORDERS)):
        (shop / f"{name}.py").write_text(text)
    inputs = tmp_path / "inputs.yaml"
    inputs.write_text("bills:\n- n: 7\n- n: 8\n")
    words = [shop, "-o", out, "--verify", "--certificate", file, "--inputs", inputs]
    result = CliRunner().invoke(convert, [*map(str, words)])
    assert result.exit_code == Exit.DONE, result.output

    document = json.loads(file.read_text())
    proofs = {proof["workflow"]: proof for proof in document["proofs"]}
    assert (document["schema"], document["version"]) == ("flyte-bridge certificate", 1)
    assert document["versions"].keys() == {"python", "flyte", "flytekit", "flyte-bridge"}
    assert document["setup"]["paths"] == ["../shop"]
    assert proofs["shop.bills.bills"]["source"].keys() == {"shop/__init__.py", "shop/bills.py", "shop/helpers.py"}
    assert proofs["shop.orders.orders"]["source"].keys() == {"shop/__init__.py", "shop/orders.py"}
    assert [row["inputs"] for row in proofs["shop.bills.bills"]["rows"]] == [{"n": 7}, {"n": 8}]
    for row in proofs["shop.bills.bills"]["rows"]:
        assert row["flyte1_sha256"] == row["flyte2_sha256"] != ""

    code, told = replay(file, "--strict")
    assert code == Exit.DONE
    assert {each["state"] for each in told.values()} == {"HOLDS"}

    (shop / "helpers.py").write_text(HELPERS.replace("n * RATE", "RATE * n"))
    code, told = replay(file)
    assert code == Exit.DONE
    assert told["shop.orders.orders"]["state"] == "HOLDS"
    assert told["shop.bills.bills"]["state"] == "HOLDS, RUN AGAIN"
    assert "source shop/helpers.py" in told["shop.bills.bills"]["changed"]

    converted = next(out.rglob("orders.py"))
    converted.write_text(converted.read_text().replace("n + 1", "n + 2"))
    code, told = replay(file, "--write")
    assert code == Exit.DIFFERENT
    assert told["shop.orders.orders"]["verdict"] == "DIFFERENT"
    assert told["shop.orders.orders"]["changed"] == ["conversion shop/orders.py"]
    assert told["shop.orders.orders"]["reason"].startswith("o0: 5 became 6")

    code, told = replay(file)
    assert (code, {each["state"] for each in told.values()}) == (Exit.DONE, {"HOLDS"})
    assert replay(file, "--strict")[0] == Exit.DIFFERENT

    (shop / "bills.py").write_text(BILLS.replace("def bills", "def invoices"))
    code, told = replay(file)
    assert code == Exit.DIFFERENT
    assert (told["shop.bills.bills"]["state"], told["shop.bills.bills"]["verdict"]) == ("NO LONGER HOLDS", None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "is no certificate"),
        ('{"schema": "flyte-bridge certificate", "version": 99}', "version 99; this flyte-bridge reads version 1"),
        ('{"schema": "flyte-bridge certificate", "version": 1, "proofs": []}', "something missing"),
    ],
)
def test_what_is_no_certificate(tmp_path: Path, text: str, message: str) -> None:
    """What cannot be understood is refused by name."""
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(SourceError, match=message):
        Certificate.read(tmp_path / "c.json")


def test_sources_in_a_circle(tmp_path: Path) -> None:
    """A module's sources are found through circles, packages, functions, and scripts beside each other."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "a.py").write_text("def f():\n    import b\n")
    (tmp_path / "jobs" / "b.py").write_text("import a, os\nfrom pack import inner as deep\n")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("")
    (tmp_path / "pack" / "inner.py").write_text("from . import other\n")
    (tmp_path / "pack" / "other.py").write_text("import not_here\n")
    (tmp_path / "pack" / "unused.py").write_text("")
    found = [file.relative_to(tmp_path).as_posix() for file in sources_of(tmp_path, "jobs.a")]
    assert found == ["jobs/a.py", "jobs/b.py", "pack/__init__.py", "pack/inner.py", "pack/other.py"]
