"""Helpers of the tests here: convert a few files together, as a project."""

from collections.abc import Mapping

from flyte_bridge.convert.converter import SourceFile, convert_parsed, parse
from flyte_bridge_translators import source as flyte1_source
from flyte_bridge_translators.findings import Finding
from flyte_bridge_translators.source.engine.translator import Converted, Options


def convert_project(
    files: Mapping[str, str], options: Options | None = None
) -> tuple[dict[str, str], dict[str, tuple[Finding, ...]]]:
    """Module name → converted text (the original where nothing changed), and module name → findings.

    A name that ends in `.__init__` is a package.
    """
    parsed = []
    for name, text in files.items():
        module = name.removesuffix(".__init__")
        package = module if name != module else module.rpartition(".")[0]
        parsed.append(parse(SourceFile(f"{name.replace('.', '/')}.py", module, package, text.encode())))
    context = flyte1_source.context({one.source.name: one.facts for one in parsed}, options)
    texts, findings = {}, {}
    for name, one in zip(files, parsed, strict=True):
        outcome = convert_parsed(one, context)
        texts[name] = outcome.text if isinstance(outcome, Converted) else files[name]
        findings[name] = outcome.findings
    return texts, findings
