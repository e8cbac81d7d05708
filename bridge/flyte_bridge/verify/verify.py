"""Runs a Flyte 1 source tree and its conversion on the same inputs, and says per workflow what came of it.

Three processes per tree: Flyte 1, then Flyte 1 again (with another hash seed, and later) beside Flyte 2. What differs
between the two runs of Flyte 1 is nondeterministic and set aside, by name.
"""

from __future__ import annotations

import contextlib
import enum
import os
import pathlib
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from flyte_bridge.verify import inputs as inputs_of
from flyte_bridge.verify import process
from flyte_bridge.verify.compare import Difference, compare_outputs, split_unstable
from flyte_bridge.verify.paths import Paths, Unknown
from flyte_bridge.verify.rules import USUAL, ComparisonRules
from flyte_bridge.verify.staging import Change, Pair, staged
from flyte_bridge.verify.worker import Job, script_folders

__all__ = ["Change", "Outcome", "Pair", "Verdict", "staged", "verify"]

Plain = Any

Progress = Callable[[str], None]
"""Is told in one line what is going on."""


class Outcome(enum.Enum):
    """What verification came to."""

    SAME = "SAME"
    DIFFERENT = "DIFFERENT"
    V1_FAILED = "V1 FAILED"
    V2_FAILED = "V2 FAILED"
    NOT_RUN = "NOT RUN"


@dataclass(frozen=True)
class Verdict:
    """What verification came to for one workflow.

    Attributes:
        workflow: `module.name`; a module alone when it cannot be imported.
        kind: `workflow`, `launch plan`, `task` or `module`.
        outcome: The verdict.
        code: Its finding code: FB501 …
        reason: Why, in one line.
        differences: Where the outputs differ.
        unstable: Places that differ between two runs of Flyte 1, and were set aside.
        inputs: The plain inputs it ran with.
        sources: Per argument, where its value comes from: `given`, `__main__`, `launch plan`, `default` or `generated`.
        seconds: How long Flyte 1 and Flyte 2 took; zero when it did not run.
        log: What the failing side printed, and its traceback.
        critical_path: The longest chain on both sides and the number of nodes, when the graph is known.
    """

    workflow: str
    kind: str
    outcome: Outcome
    code: str | None = None
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    unstable: tuple[str, ...] = ()
    inputs: Mapping[str, Plain] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    seconds: tuple[float, float] = (0.0, 0.0)
    log: str = ""
    critical_path: tuple[int, int, int] | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """The codes of what is worth knowing beside the verdict."""
        longer = self.critical_path is not None and self.critical_path[1] > self.critical_path[0]
        said = {"FB505": self.unstable, "FB506": self.generated, "FB507": longer}
        return tuple(code for code, holds in said.items() if holds)

    @property
    def generated(self) -> tuple[str, ...]:
        """The arguments whose values were made up."""
        return tuple(sorted(name for name, source in self.sources.items() if source == inputs_of.GENERATED))


CODES = {
    Outcome.DIFFERENT: "FB501",
    Outcome.V1_FAILED: "FB502",
    Outcome.V2_FAILED: "FB503",
    Outcome.NOT_RUN: "FB504",
}
"""The finding each outcome but SAME is reported as."""


def verify(
    pairs: Sequence[Pair],
    *,
    inputs: Mapping[str, Mapping[str, Plain]] | None = None,
    timeout: float = 120.0,
    progress: Progress = lambda _: None,
    tasks: bool = False,
    rules: ComparisonRules = USUAL,
    python: str = process.PYTHON,
) -> list[Verdict]:
    """Run both sides of every pair and compare.

    Args:
        pairs: What to verify.
        inputs: The user's inputs: `{workflow: {argument: plain value}}`.
        timeout: Seconds for each workflow on each side; starting up has a minute at least.
        progress: Is told what is going on; called from other threads.
        tasks: Also run the tasks that no workflow uses.
        rules: What counts as the same.
        python: The interpreter that has the user's packages.

    Returns:
        One verdict per workflow, in the order of the pairs and of the sources, then one per name in `inputs` that no
        workflow has.
    """
    given = {name: dict(values) for name, values in (inputs or {}).items()}
    settings = _Settings(given, timeout, progress, tasks, rules, python)
    with ThreadPoolExecutor(max_workers=max(1, (os.cpu_count() or 2) // 2)) as pool:
        verified = pool.map(lambda pair: _Verification(pair, settings).run(), pairs)
        try:
            verdicts = [verdict for part in verified for verdict in part]
        except BaseException:  # an interrupt too: the pool would wait for the runners, however long they take
            settings.stop.set()
            raise
    known = {name for one in verdicts for name in _spellings(one.workflow)}
    return verdicts + [
        Verdict(
            workflow=name,
            kind="workflow",
            outcome=Outcome.NOT_RUN,
            code=CODES[Outcome.NOT_RUN],
            reason="the inputs name a workflow that is not there; there are "
            + (", ".join(sorted(one.workflow for one in verdicts)) or "none"),
        )
        for name in given
        if name not in known
    ]


def _spellings(workflow: str) -> tuple[str, ...]:
    module, _, name = workflow.rpartition(".")
    return inputs_of.spellings(module, name)


class _Maker(Protocol):
    """Makes one workflow's verdict; the rest is known."""

    def __call__(self, outcome: Outcome, reason: str = "", **more: Any) -> Verdict: ...


@dataclass(frozen=True)
class _Settings:
    """What `verify` was asked for, for all pairs."""

    given: dict[str, dict[str, Plain]]
    timeout: float
    progress: Progress
    tasks: bool
    rules: ComparisonRules
    python: str
    stop: threading.Event = field(default_factory=threading.Event)


class _Verification:
    """One pair."""

    def __init__(self, pair: Pair, settings: _Settings) -> None:
        self._pair = pair
        self._settings = settings
        self._paths: dict[str, tuple[int, int, int]] = {}

    def run(self) -> list[Verdict]:
        with tempfile.TemporaryDirectory(prefix="flyte-bridge-verify-", ignore_cleanup_errors=True) as place:
            scratch = pathlib.Path(place).resolve()
            label = self._pair.modules[0] if len(self._pair.modules) == 1 else f"{len(self._pair.modules)} modules"
            self._settings.progress(f"running {label} on Flyte 1")
            first = self._run("runner_v1", "v1", scratch, self._job(self._pair.v1, list(self._pair.modules)), 0)
            targets = {
                target: found["inputs"]
                for target, found in first.found.items()
                if found["skip"] is None and _ran(first.ended.get(target))
            }
            self._find_paths(first)
            if not targets:
                return [*self._modules(first), *(self._judge(target, first, first, first) for target in first.found)]
            modules = list(dict.fromkeys(target.partition(":")[0] for target in targets))
            self._settings.progress(f"running {label} on Flyte 2, and again on Flyte 1")
            with ThreadPoolExecutor(max_workers=2) as pool:
                again = pool.submit(
                    self._run, "runner_v1", "again", scratch, self._job(self._pair.v1, modules, targets), 1
                )
                other = pool.submit(
                    self._run, "runner_v2", "v2", scratch, self._job(self._pair.v2, modules, targets), 0
                )
                second, converted = again.result(), other.result()
            return [
                *self._modules(first),
                *(self._judge(target, first, second, converted) for target in first.found),
            ]

    def _run(self, runner: str, name: str, scratch: pathlib.Path, job: Job, seed: int) -> process.Ran:
        settings = self._settings
        return process.run(
            runner,
            job,
            scratch / name,
            timeout=settings.timeout,
            python=settings.python,
            seed=seed,
            stop=settings.stop,
        )

    def _job(self, root: pathlib.Path, modules: list[str], targets: dict[str, dict[str, Plain]] | None = None) -> Job:
        return Job(
            root=str(root.resolve()),
            modules=modules,
            events="",
            scratch="",
            base=str(pathlib.Path.cwd()),
            given=self._settings.given,
            calls={} if targets else {module: inputs_of.read_calls(self._source(module)) for module in modules},
            targets=targets,
            tasks=self._settings.tasks,
        )

    def _source(self, module: str) -> str:
        place = self._pair.v1.joinpath(*module.split("."))
        for path in (place.with_name(place.name + ".py"), place / "__init__.py"):
            if path.is_file():
                return path.read_text(encoding="utf-8", errors="replace")
        return ""

    def _modules(self, ran: process.Ran) -> Iterator[Verdict]:
        """Flyte 1's modules that cannot be imported: nothing can be said about what they hold."""
        for module, error in ran.imported.items():
            if error is not None:
                lacking = self._lacking(error, self._pair.v1)
                outcome = Outcome.NOT_RUN if lacking else Outcome.V1_FAILED
                yield Verdict(
                    workflow=module,
                    kind="module",
                    outcome=outcome,
                    code=CODES[outcome],
                    reason=lacking or f"it cannot be imported: {_placed(error)}",
                    log=error["trace"],
                )

    def _lacking(self, error: Mapping[str, Any], root: pathlib.Path) -> str | None:
        """The reason, when an error says that a package is not installed."""
        missing = error["missing"]
        if not missing:
            return None
        package = missing.partition(".")[0]
        folders = [root, *script_folders(root, self._pair.modules)]
        ours = any((folder / name).exists() for folder in folders for name in (package, f"{package}.py"))
        if ours or package in ("flyte", "flytekit"):
            return None
        return f"the package {missing} is not installed here"

    def _find_paths(self, first: process.Ran) -> None:
        """The critical paths of both sides, read before anything is run."""
        paths = Paths(self._pair.v2.resolve(), [one for one, found in first.found.items() if found["path"]])
        for target, found in first.found.items():
            if found["path"]:
                before, nodes = found["path"]
                with contextlib.suppress(Unknown, RecursionError):
                    self._paths[target] = (before, paths.length(target), nodes)

    def _judge(self, target: str, first: process.Ran, second: process.Ran, converted: process.Ran) -> Verdict:
        found, one = first.found[target], first.ended.get(target)
        module = target.partition(":")[0]

        def verdict(outcome: Outcome, reason: str = "", **more: Any) -> Verdict:
            return Verdict(
                workflow=target.replace(":", "."),
                kind=found["kind"],
                outcome=outcome,
                code=CODES.get(outcome),
                reason=reason,
                inputs=found["inputs"],
                sources=found["sources"],
                critical_path=self._paths.get(target),
                **more,
            )

        if found["skip"] is not None:
            return verdict(Outcome.NOT_RUN, found["skip"])
        if one is None:
            return verdict(Outcome.V1_FAILED, "Flyte 1's process ended before it was reached")
        log = _log(first, target)
        if one["event"] == "raised" and (why := one["needs"] or self._lacking(one, self._pair.v1)):
            return verdict(Outcome.NOT_RUN, why, log=log)
        if not _ran(one):
            return verdict(Outcome.V1_FAILED, _said(one), log=log)
        broken = converted.imported.get(module)
        if broken is not None:
            lacking = self._lacking(broken, self._pair.v2)
            outcome = Outcome.NOT_RUN if lacking else Outcome.V2_FAILED
            return verdict(
                outcome, lacking or f"the conversion cannot be imported: {_placed(broken)}", log=broken["trace"]
            )
        other = converted.ended.get(target)
        if other is None:
            return verdict(Outcome.V2_FAILED, "Flyte 2's process ended before it was reached")
        if one["event"] == "raised":
            return self._judge_errors(one, other, found, verdict, _log(converted, target))
        if other["event"] == "raised":
            lacking = self._lacking(other, self._pair.v2)
            outcome = Outcome.NOT_RUN if lacking else Outcome.V2_FAILED
            return verdict(outcome, lacking or _said(other), log=_log(converted, target))
        return self._judge_outputs(one, second.ended.get(target), other, found, verdict)

    def _judge_errors(
        self, one: Mapping[str, Any], other: Mapping[str, Any], found: Mapping[str, Any], verdict: _Maker, log: str
    ) -> Verdict:
        """Flyte 1's run raised an exception of the user's own."""
        if other["event"] == "raised" and not other["own"]:
            return verdict(Outcome.V2_FAILED, _said(other), log=log)
        same = other["event"] == "raised" and (one["type"], one["message"]) == (other["type"], other["message"])
        if not same:
            if one["retried"] and other["event"] == "done":
                reason = f"it raises {_said(one)} to be retried, and Flyte 1's local execution does not retry"
                return verdict(Outcome.NOT_RUN, reason)
            does = f"Flyte 2 {'raises ' + _said(other) if other['event'] == 'raised' else 'returns'}"
            return verdict(Outcome.DIFFERENT, f"Flyte 1 raises {_said(one)}, {does}", log=log)
        if inputs_of.GENERATED in found["sources"].values():
            reason = f"with made-up inputs both sides raise {_said(one)}; give real ones with --inputs"
            return verdict(Outcome.NOT_RUN, reason, log=log)
        return verdict(Outcome.SAME, f"both raise {_said(one)}")

    def _judge_outputs(
        self,
        one: Mapping[str, Any],
        again: Mapping[str, Any] | None,
        other: Mapping[str, Any],
        found: Mapping[str, Any],
        verdict: _Maker,
    ) -> Verdict:
        names = found["outputs"]
        differences = compare_outputs(names, one["outputs"], other["outputs"], rules=self._settings.rules)
        more: dict[str, Any] = {"seconds": (one["seconds"], other["seconds"])}
        if again is None or again["event"] == "raised":
            said = _said(again) if again else "it was not reached"
            return verdict(Outcome.NOT_RUN, f"nondeterministic: Flyte 1 ran once and failed the second time: {said}")
        unstable = compare_outputs(names, one["outputs"], again["outputs"], rules=self._settings.rules)
        kept, paths = split_unstable(differences, unstable)
        more["unstable"] = tuple(paths)
        if kept:
            return verdict(Outcome.DIFFERENT, _count(kept), differences=tuple(kept), **more)
        if paths and set(names) <= set(paths):
            return verdict(
                Outcome.NOT_RUN, "nondeterministic: all its outputs differ between two runs of Flyte 1", **more
            )
        return verdict(Outcome.SAME, f"except {', '.join(paths)}: nondeterministic in Flyte 1" if paths else "", **more)


def _ran(ended: Mapping[str, Any] | None) -> bool:
    """Whether Flyte 1's run says something: outputs, or an exception that the user's own code raises."""
    if ended is None:
        return False
    return ended["event"] == "done" or (ended["own"] and ended["needs"] is None and ended["missing"] is None)


def _said(error: Mapping[str, Any]) -> str:
    message = " ".join(str(error["message"]).split())
    short = message if len(message) <= 300 else message[:299] + "…"
    return short if error["type"] == process.CRASH else f"{error['type']}: {short}"


def _placed(error: Mapping[str, Any]) -> str:
    return f"{_said(error)} ({error['line']})" if error["line"] else _said(error)


def _count(differences: Sequence[Difference]) -> str:
    first = differences[0]
    rest = f", and {len(differences) - 1} more places" if len(differences) > 1 else ""
    return f"{first.path or 'the outputs'}: {first.left or 'nothing'} became {first.right or 'nothing'}{rest}"


def _log(ran: process.Ran, target: str) -> str:
    ended = ran.ended.get(target, {})
    return "\n".join(part for part in (ran.logs.get(target, "").rstrip(), ended.get("trace", "").rstrip()) if part)
