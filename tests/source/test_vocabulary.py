"""What is written of Flyte 2 is what the installed SDK has."""

import json
import subprocess
import sys

import pytest

from flyte_bridge_translators.source import vocabulary
from flyte_bridge_translators.source.engine import layout

PROBE = """
import importlib, inspect, json, sys
import flyte, flyte.notify
found = {}
for name in json.loads(sys.argv[1]):
    holder = flyte
    for part in name.split(".")[1:]:
        holder = getattr(holder, part)
    found[name] = list(inspect.signature(holder).parameters)
print(json.dumps(found))
"""


def test_every_parameter_is_the_installed_sdks() -> None:
    """Each parameter of the table is in the signature of the installed flyte; asked in a process without flytekit."""
    names = json.dumps(list(vocabulary.PARAMETERS))
    run = subprocess.run([sys.executable, "-c", PROBE, names], capture_output=True, text=True, check=True)
    for name, parameters in json.loads(run.stdout.splitlines()[-1]).items():
        assert set(vocabulary.PARAMETERS[name].values()) <= set(parameters), name


def test_a_renamed_parameter_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the table calls otherwise is written otherwise."""
    renamed = {**vocabulary.PARAMETERS, "flyte.Resources": {"disk": "ephemeral_storage"}}
    monkeypatch.setattr(vocabulary, "PARAMETERS", renamed)
    assert layout.flat(layout.call("flyte.Resources", disk="1")) == "flyte.Resources(ephemeral_storage=1)"


def test_an_unknown_parameter_is_a_defect() -> None:
    """A parameter that is not in the table cannot be written."""
    with pytest.raises(KeyError):
        layout.call("env.task", colour="1")
