"""Runs a Flyte 1 source tree and its conversion on the same inputs, and says per workflow what came of it.

Three processes per tree: Flyte 1, then Flyte 1 again (with another hash seed, and later) beside Flyte 2. What differs
between the two runs of Flyte 1 is nondeterministic and set aside, by name.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from flyte_bridge.verify import inputs as inputs_of
from flyte_bridge.verify import process
from flyte_bridge.verify.judge import Judge, Sides, says_something
from flyte_bridge.verify.paths import Paths, Unknown
from flyte_bridge.verify.rules import USUAL, ComparisonRules
from flyte_bridge.verify.staging import NewText, Pair, staged
from flyte_bridge.verify.verdict import CODES, Outcome, Verdict, merged
from flyte_bridge.verify.worker import Job

__all__ = ["NewText", "Outcome", "Pair", "Verdict", "staged", "verify"]

Plain = Any

Progress = Callable[[str], None]
"""Is told in one line what is going on."""


def verify(
    pairs: Sequence[Pair],
    *,
    inputs: inputs_of.Rows | None = None,
    timeout: float = 120.0,
    progress: Progress = lambda _: None,
    tasks: bool = False,
    rules: ComparisonRules = USUAL,
    python: str = process.PYTHON,
    samples: int = 0,
    only: Sequence[str] | None = None,
    backend: Mapping[str, str] | None = None,
) -> list[Verdict]:
    """Run both sides of every pair and compare.

    Args:
        pairs: What to verify.
        inputs: The user's inputs: `{workflow: [{argument: plain value}]}`, each on one or more rows.
        timeout: Seconds for each workflow on each side; starting up has a minute at least.
        progress: Is told what is going on; called from other threads.
        tasks: Also run the tasks that no workflow uses.
        rules: What counts as the same.
        python: The interpreter that has the user's packages.
        samples: How many more rows of inputs are drawn from the types of each workflow.
        only: The workflows to look at, as `module:name`; by default all.
        backend: The environment variables that lead to the Flyte 2 that runs the conversions; by default local mode does.

    Returns:
        One verdict per workflow, in the order of the pairs and of the sources, then one per name in `inputs` that no
        workflow has.
    """
    given = inputs or {}
    settings = _Settings(
        given,
        timeout,
        progress,
        tasks,
        rules,
        python,
        samples,
        None if only is None else list(only),
        dict(backend or {}),
    )
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


@dataclass(frozen=True)
class _Settings:
    """What `verify` was asked for, for all pairs."""

    given: inputs_of.Rows
    timeout: float
    progress: Progress
    tasks: bool
    rules: ComparisonRules
    python: str
    samples: int
    only: list[str] | None
    backend: dict[str, str]
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
                if found["skip"] is None and says_something(first.ended.get(target))
            }
            self._find_paths(first)
            if not targets:
                return self._judge(Sides(first, first, first))
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
            return self._judge(Sides(first, second, converted))

    def _judge(self, sides: Sides) -> list[Verdict]:
        judge = Judge(self._pair, sides, self._settings.rules)
        rows: dict[str, list[Verdict]] = {}
        for row in sides.first.found:
            rows.setdefault(inputs_of.entity_id(row), []).append(judge.workflow(row, self._paths.get(row)))
        return [*judge.modules(), *map(merged, rows.values())]

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
            samples=self._settings.samples,
            only=self._settings.only,
            backend=self._settings.backend,
        )

    def _source(self, module: str) -> str:
        place = self._pair.v1.joinpath(*module.split("."))
        for path in (place.with_name(place.name + ".py"), place / "__init__.py"):
            if path.is_file():
                return path.read_text(encoding="utf-8", errors="replace")
        return ""

    def _find_paths(self, first: process.Ran) -> None:
        """The critical paths of both sides, read before anything is run."""
        paths = Paths(self._pair.v2.resolve(), [one for one, found in first.found.items() if found["path"]])
        for target, found in first.found.items():
            if found["path"]:
                before, nodes = found["path"]
                with contextlib.suppress(Unknown, RecursionError):
                    self._paths[target] = (before, paths.length(target), nodes)
