"""What one file must know of another: dataclasses with files in them, enums, NamedTuples, workflows that are run."""

from textwrap import dedent

from flyte_bridge.convert.converter import SourceFile, convert_parsed, parse
from flyte_bridge_translators import source as flyte1_source
from flyte_bridge_translators.source.engine.translator import Converted
from source.project import convert_project

TYPES = """
    from dataclasses import dataclass
    from enum import Enum
    from typing import NamedTuple
    from flytekit import task, workflow
    from flytekit.types.file import FlyteFile

    Result = NamedTuple("Result", file=FlyteFile, size=int)

    class Color(Enum):
        RED = "red"

    @dataclass
    class Bundle:
        data: FlyteFile
        note: str = ""

    @task
    def make() -> Result:
        return Result(FlyteFile("/tmp/x"), 1)

    @workflow
    def wf() -> Result:
        file, size = make()
        return Result(file, size)
"""


def converted(**files: str) -> dict[str, Converted]:
    """Files of one project, converted together: name → outcome."""
    parsed = [
        parse(SourceFile(path=f"{name}.py", name=name, package="", data=dedent(text).encode()))
        for name, text in {"types_": TYPES, **files}.items()
    ]
    context = flyte1_source.context({each.source.name: each.facts for each in parsed})
    outcomes = {each.source.name: convert_parsed(each, context) for each in parsed}
    return {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Converted)}


def test_field_of_an_imported_dataclass() -> None:
    """A file in a dataclass of another module is a file."""
    text = converted(
        use="""
            from flytekit import task
            from types_ import Bundle

            @task
            def read(bundle: Bundle) -> str:
                return open(bundle.data).read()

            @task
            def fill() -> Bundle:
                return Bundle(data="/tmp/x")
        """
    )["use"].text
    assert "return open(bundle.data.download_sync()).read()\n" in text
    assert 'return Bundle(data=File.from_local_sync("/tmp/x"))\n' in text


def test_imported_enum() -> None:
    """An enum of another module among a workflow's inputs is reported."""
    outcome = converted(
        use="""
            from flytekit import workflow
            from types_ import Color

            @workflow
            def paint(color: Color = Color.RED) -> None: ...
        """
    )["use"]
    assert [finding.code for finding in outcome.findings] == ["FB440"]


def test_named_outputs_of_an_imported_workflow() -> None:
    """A script that reads a field of an imported workflow's outputs gets the NamedTuple imported."""
    text = converted(
        use="""
            from types_ import wf

            if __name__ == "__main__":
                result = wf()
                print(result.size, open(result.file).read())
                file, size = wf()
                print(open(file).read())
        """
    )["use"].text
    assert "from types_ import Result, wf\n" in text or "from types_ import wf, Result\n" in text
    assert "    result = Result(*flyte.run(wf).outputs())\n" in text
    assert "open(result.file.download_sync())" in text
    assert "    file, size = flyte.run(wf).outputs()\n" in text
    assert "print(open(file.download_sync()).read())" in text


def test_large_models_of_foreign_code_are_followed():
    """Tasks that use a large model of classes built on a foreign library convert, however much its methods hand to each other."""
    layers = "".join(
        f"class Layer{number}(nn.Module):\n"
        f"    inner: Layer{max(number - 1, 0)} = None\n"
        "    def setup(self):\n"
        f"        self.first = nn.Dense(self.config.size, name=self.inner.{chr(97 + number % 26)})\n"
        f"        self.second = jnp.stack([self.first, self.inner, Layer{(number + 7) % 24}(self.config)])\n"
        "    def __call__(self, hidden, config=None, **more):\n"
        "        hidden = self.first(hidden.reshape(self.second.shape)).astype(config.dtype)\n"
        f"        return self.second(self.inner(hidden, config), functools.reduce(self.setup, Layer{(number + 3) % 24}))\n\n"
        for number in range(24)
    )
    texts, _ = convert_project(
        {
            "model": f"import functools\nimport jax.numpy as jnp\nfrom flax import linen as nn\n\n{layers}",
            "flow": (
                "from flytekit import task, workflow\nfrom model import Layer23\n\n\n"
                "@task\ndef size() -> int:\n    return Layer23(1)(2).size\n\n\n@workflow\ndef wf() -> int:\n    return size()\n"
            ),
        }
    )
    assert "return await size.aio()" in texts["flow"]
