"""Certificates: what a verification has shown, with the hashes of all that it depends on, so that it can be checked later.

A certificate is a JSON document. Its `schema` and `version` say how to read it; readers refuse a version that they do not know.
Paths in it are relative to its own directory.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from flyte_bridge import __version__
from flyte_bridge.errors import SourceError
from flyte_bridge.verify.imports import sources_of
from flyte_bridge.verify.inputs import GIVEN, Rows
from flyte_bridge.verify.staging import Pair
from flyte_bridge.verify.verdict import Outcome, Verdict

Plain = Any

SCHEMA, VERSION = "flyte-bridge certificate", 1
"""What a certificate calls itself, and the version of its form."""


@dataclass(frozen=True)
class Setup:
    """How a verification was asked for: enough to ask for it again.

    Attributes:
        paths: What was converted, relative to the certificate's directory.
        output: Where the conversion was written, in the same way; None when it was not, and is to be made anew.
        retries: The conversion's option of this name.
        timeout: Seconds for one workflow.
        tasks: Whether tasks that no workflow uses were run.
        samples: How many rows of inputs were drawn.
        rules: The text of the rules file; empty without one.
        on: Where the conversion ran: `local` (the SDK's local mode) or `embedded` (an embedded backend).
        name_prefix: The conversion's option of this name.
        names: What it called everything, as a table of names.
    """

    paths: list[str]
    output: str | None
    retries: str
    timeout: float
    tasks: bool
    samples: int
    rules: str
    on: str = "local"
    name_prefix: str = ""
    names: dict[str, Plain] = field(default_factory=dict)


@dataclass(frozen=True)
class Proof:
    """What was shown of one workflow.

    Attributes:
        workflow: `module.name`.
        kind: `workflow`, `launch plan`, `task` or `module`.
        verdict: The verdict's text.
        code: Its finding code, if any.
        reason: Why, in one line.
        source: Of each file that it depends on in the project, path below the root → SHA-256.
        conversion: In the same way, of the conversion.
        rows: Each row of inputs: `inputs`, `sources`, `drawn`, `verdict`, and the SHA-256 of the inputs and of both sides' results.
        critical_path: The longest chain of Flyte 1 and of Flyte 2, and the number of nodes.
    """

    workflow: str
    kind: str
    verdict: str
    code: str | None
    reason: str
    source: dict[str, str]
    conversion: dict[str, str]
    rows: list[dict[str, Plain]] = field(default_factory=list)
    critical_path: list[int] | None = None

    @property
    def module(self) -> str:
        """The module it is in."""
        return self.workflow if self.kind == "module" else self.workflow.rpartition(".")[0]

    @property
    def target(self) -> str:
        """What `verify` calls it: `module:name`."""
        return f"{self.module}:{self.workflow.rpartition('.')[2]}"

    def changed(self, other: Proof) -> list[str]:
        """What it depends on and is another in a later proof, in words."""
        told = []
        for side, before, after in (
            ("source", self.source, other.source),
            ("conversion", self.conversion, other.conversion),
        ):
            told += [f"{side} {path}" for path in sorted({*before, *after}) if before.get(path) != after.get(path)]
        return told


@dataclass(frozen=True)
class Certificate:
    """What a verification has shown.

    Attributes:
        versions: Of Python, both SDKs and flyte-bridge.
        setup: How it was asked for.
        proofs: One per workflow.
    """

    versions: dict[str, str | None]
    setup: Setup
    proofs: list[Proof]

    def given(self) -> Rows:
        """The inputs that the user gave, as `verify` takes them."""
        rows = {
            proof.target: [
                {name: value for name, value in row["inputs"].items() if row["sources"].get(name) == GIVEN}
                for row in proof.rows
                if not row["drawn"]
            ]
            for proof in self.proofs
        }
        return {target: each for target, each in rows.items() if any(each)}

    def write(self, path: pathlib.Path) -> None:
        """Store it for `read`.

        Raises:
            SourceError: It cannot be written.
        """
        document = {"schema": SCHEMA, "version": VERSION, **asdict(self)}
        try:
            path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise SourceError(str(path), f"the certificate cannot be written: {error.strerror or error}") from error

    @classmethod
    def read(cls, path: pathlib.Path) -> Certificate:
        """A certificate that `write` stored.

        Raises:
            SourceError: It cannot be read, is none, or is of another version.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SourceError(str(path), f"the certificate cannot be read: {error}") from error
        if not isinstance(document, dict) or document.pop("schema", None) != SCHEMA:
            raise SourceError(
                str(path), "is no certificate; `flyte-bridge convert PATH --verify --certificate FILE` writes one"
            )
        if (version := document.pop("version", None)) != VERSION:
            raise SourceError(
                str(path), f"is a certificate of version {version}; this flyte-bridge reads version {VERSION}"
            )
        try:
            setup, proofs = Setup(**document["setup"]), [Proof(**proof) for proof in document["proofs"]]
            return cls(dict(document["versions"]), setup, proofs)
        except (KeyError, TypeError) as error:
            raise SourceError(str(path), f"is a certificate with something missing or unknown: {error}") from error


def prove(pairs: Sequence[Pair], verdicts: Iterable[Verdict]) -> list[Proof]:
    """Proofs of what was verified. Must be called while the pairs' trees are there.

    Args:
        pairs: What was verified.
        verdicts: What came of it.
    """
    hashes: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
    proofs = []
    for verdict in verdicts:
        module = verdict.workflow if verdict.kind == "module" else verdict.workflow.rpartition(".")[0]
        if module not in hashes:
            hashes[module] = hashes_of(pairs, module)
        source, conversion = hashes[module]
        path = list(verdict.critical_path) if verdict.critical_path else None
        rows = [
            {
                "inputs": dict(row.inputs),
                "sources": dict(row.sources),
                "drawn": row.drawn,
                "verdict": row.outcome.value,
                "inputs_sha256": _digest(json.dumps(dict(row.inputs), sort_keys=True).encode()),
                "flyte1_sha256": row.results[0],
                "flyte2_sha256": row.results[1],
            }
            for row in verdict.rows
        ]
        proofs.append(
            Proof(
                verdict.workflow,
                verdict.kind,
                verdict.outcome.value,
                verdict.code,
                verdict.reason,
                source,
                conversion,
                rows=rows,
                critical_path=path,
            )
        )
    return proofs


def hashes_of(pairs: Sequence[Pair], module: str) -> tuple[dict[str, str], dict[str, str]]:
    """The hashes of a module and what it imports in its project, on both sides; empty when no pair has it."""
    pair = next((each for each in pairs if module in each.modules), None)
    return (_hashes(pair.v1, module), _hashes(pair.v2, module)) if pair is not None else ({}, {})


def _hashes(root: pathlib.Path, module: str) -> dict[str, str]:
    return {file.relative_to(root).as_posix(): _digest(file.read_bytes()) for file in sources_of(root, module)}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


_VERSIONS = """\
import json, platform
from importlib import metadata
def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
print(json.dumps({"python": platform.python_version(), **{name: version(name) for name in ("flytekit", "flyte")}}))
"""


def versions(python: str) -> dict[str, str | None]:
    """What a verification with an interpreter depends on, beside the sources.

    Raises:
        SourceError: The interpreter does not run.
    """
    try:
        told = subprocess.run([python, "-I", "-c", _VERSIONS], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise SourceError(python, f"is no Python that runs: {error}") from error
    return {"flyte-bridge": __version__, **json.loads(told.stdout)}


def relative(paths: Iterable[pathlib.Path], certificate: pathlib.Path) -> list[str]:
    """Paths as a certificate keeps them."""
    home = certificate.absolute().parent
    return [pathlib.Path(os.path.relpath(path.absolute(), home)).as_posix() for path in paths]


@dataclass(frozen=True)
class Checked:
    """What a replay says of one proof.

    Attributes:
        proof: As it was recorded.
        changed: What it depends on and is another now, in words; empty when it was not run again.
        now: The proof of now; None when the workflow is gone.
    """

    proof: Proof
    changed: Sequence[str]
    now: Proof | None

    @property
    def holds(self) -> bool:
        """Whether what was recorded is still so."""
        return self.now is not None and self.now.verdict == self.proof.verdict

    @property
    def state(self) -> str:
        """In a word or two."""
        if not self.holds:
            return "NO LONGER HOLDS"
        return "HOLDS, RUN AGAIN" if self.changed else "HOLDS"

    @property
    def is_same(self) -> bool:
        """Whether both sides are the same now."""
        return self.now is not None and self.now.verdict == Outcome.SAME.value


def outdated(
    certificate: Certificate, pairs: Sequence[Pair], installed: Mapping[str, str | None]
) -> dict[str, list[str]]:
    """What has to be run again: workflow → why, for each whose hashes or versions are others now."""
    other_versions = [
        f"{name} {certificate.versions.get(name)} → {version}"
        for name, version in installed.items()
        if certificate.versions.get(name) != version
    ]
    why: dict[str, list[str]] = {}
    for proof in certificate.proofs:
        source, conversion = hashes_of(pairs, proof.module)
        now = Proof(proof.workflow, proof.kind, proof.verdict, proof.code, proof.reason, source, conversion)
        if reasons := other_versions + proof.changed(now):
            why[proof.workflow] = reasons
    return why


def checked(certificate: Certificate, why: Mapping[str, list[str]], proofs: Iterable[Proof]) -> list[Checked]:
    """What a replay says.

    Args:
        certificate: What was recorded.
        why: What had to be run again, as `outdated` tells.
        proofs: What came of that.
    """
    again = {proof.workflow: proof for proof in proofs}
    return [
        Checked(proof, why[proof.workflow], again.get(proof.workflow))
        if proof.workflow in why
        else Checked(proof, (), proof)
        for proof in certificate.proofs
    ]
