"""Both sides of a conversion, verified, with a certificate if one is asked for: what `convert --verify` and `verify` share."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from flyte_bridge.convert.project import ProjectResult
from flyte_bridge.verify import certificate, rules_file
from flyte_bridge.verify.certificate import Certificate, Checked, Proof, Setup
from flyte_bridge.verify.inputs import Rows
from flyte_bridge.verify.rules import USUAL
from flyte_bridge.verify.staging import NewText, Pair, staged
from flyte_bridge.verify.verdict import Verdict
from flyte_bridge.verify.verify import Progress, verify


@dataclass(frozen=True)
class Verification:
    """How to verify.

    Attributes:
        setup: What a certificate records of it.
        python: The interpreter that has the project's packages; None for this one.
        progress: Is told what is going on.
    """

    setup: Setup
    python: Path | None
    progress: Progress

    @property
    def interpreter(self) -> str:
        """The interpreter's path. Not resolved: a virtual environment's is a link, and finds its packages by where the link is."""
        return str(self.python.absolute()) if self.python is not None else sys.executable

    def run(self, pairs: Sequence[Pair], inputs: Rows | None, only: Sequence[str] | None = None) -> list[Verdict]:
        """Runs the workflows of the pairs."""
        with backend(self.setup.on) as environment:
            return verify(
                pairs,
                inputs=inputs,
                timeout=self.setup.timeout,
                progress=self.progress,
                tasks=self.setup.tasks,
                rules=rules_file.parse(self.setup.rules) if self.setup.rules else USUAL,
                python=self.interpreter,
                samples=self.setup.samples,
                only=only,
                backend=environment,
            )


@contextmanager
def backend(on: str) -> Iterator[Mapping[str, str]]:
    """The variables that lead to an embedded backend of the verification's own, gone afterwards; none for local mode."""
    if on == "local":
        yield {}
        return
    from flyte_bridge.embedded_client import instance, snippets

    with tempfile.TemporaryDirectory(prefix="flyte-bridge-backend-", ignore_cleanup_errors=True) as place:
        data_dir = Path(place).resolve() / "data"
        running = instance.start(data_dir)
        try:
            yield snippets.flyte_environment(running)
        finally:
            instance.stop(data_dir)


def changes(result: ProjectResult, output: Path | None = None) -> AbstractContextManager[list[Pair]]:
    """The pairs of a conversion, staged.

    Args:
        result: The conversion.
        output: Where it was written: what lies there now counts, edits by hand included.
    """
    made = []
    for each in result.files:
        if not each.file.is_module or each.file.is_notebook:
            continue
        place = output / each.file.relative if output is not None else None
        data = place.read_bytes() if place is not None and place.is_file() else each.data
        if data is not None and each.data is not None:
            made.append(NewText(each.file.path, each.file.name, data))
    return staged(made)


def certify(result: ProjectResult, inputs: Rows | None, verification: Verification, file: Path | None) -> list[Verdict]:
    """Verifies a conversion, and writes the certificate where one is asked for."""
    with changes(result) as pairs:
        verdicts = verification.run(pairs, inputs)
        if file is not None:
            proofs = certificate.prove(pairs, verdicts)
            Certificate(certificate.versions(verification.interpreter), verification.setup, proofs).write(file)
    return verdicts


def replay(
    recorded: Certificate, result: ProjectResult, output: Path | None, verification: Verification
) -> list[Checked]:
    """Runs again what a certificate's hashes no longer hold for."""
    installed = certificate.versions(verification.interpreter)
    with changes(result, output) as pairs:
        why = certificate.outdated(recorded, pairs, installed)
        proofs: list[Proof] = []
        if why:
            again = [proof for proof in recorded.proofs if proof.workflow in why]
            modules = {proof.module for proof in again}
            narrowed = [
                Pair(pair.v1, pair.v2, kept)
                for pair in pairs
                if (kept := tuple(module for module in pair.modules if module in modules))
            ]
            inputs = {
                target: rows for target, rows in recorded.given().items() if target in {proof.target for proof in again}
            }
            verdicts = verification.run(narrowed, inputs, [proof.target for proof in again])
            proofs = certificate.prove(pairs, verdicts)
    return certificate.checked(recorded, why, proofs)
