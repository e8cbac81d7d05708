"""What Flyte 2 cannot have is said: a project's own module called `flyte`."""

from flyte_bridge.convert.converter import SourceFile, convert_parsed, parse
from flyte_bridge_translators import source as flyte1_source
from flyte_bridge_translators.source.engine.translator import Converted

USER = b"""\
from flytekit import task
from flyte.helpers import number


@task
def t() -> int:
    return number()
"""


def codes(**files: bytes) -> list[str]:
    """The findings of the file `m`, converted together with others."""
    parsed = [parse(SourceFile(f"{name}.py", name.replace("_", "."), "", data)) for name, data in files.items()]
    context = flyte1_source.context({each.source.name: each.facts for each in parsed})
    outcome = convert_parsed(parsed[0], context)
    assert isinstance(outcome, Converted)
    return [finding.code for finding in outcome.findings]


def test_a_module_of_the_project_called_flyte_is_reported() -> None:
    """It hides the SDK, whatever it holds."""
    assert "FB258" in codes(m=USER, flyte_helpers=b"def number() -> int:\n    return 1\n")


def test_another_module_is_not() -> None:
    """Nothing is said where nothing is hidden."""
    assert "FB258" not in codes(
        m=USER.replace(b"flyte.helpers", b"helpers"), helpers=b"def number() -> int:\n    return 1\n"
    )
