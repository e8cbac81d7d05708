"""One workflow's runs, and the verdict that they give.

What stands in a converted file as `TODO(flyte-bridge FBnnn)` is left to do by hand: a workflow that reaches such a place and fails
is BY HAND. What gives other outputs is DIFFERENT all the same, so that a TODO hides nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from flyte_bridge.verify import inputs as inputs_of
from flyte_bridge.verify import process
from flyte_bridge.verify.by_hand import LeftByHand
from flyte_bridge.verify.compare import Difference, compare_outputs, split_unstable
from flyte_bridge.verify.rules import ComparisonRules
from flyte_bridge.verify.staging import Pair
from flyte_bridge.verify.verdict import CODES, Outcome, Row, Verdict
from flyte_bridge.verify.worker import script_folders
from flyte_bridge_translators.source.runtime.errors import EXCEPTIONS
from flyte_bridge_translators.source.settings import retries

Event = Mapping[str, Any]
"""An event of a runner; `worker` has the fields."""

STANDS_FOR: Mapping[str, frozenset[str]] = {
    name: frozenset({new.rpartition(".")[2]}) | ({retries.ERROR} if name == retries.RECOVERABLE else frozenset())
    for name, new in EXCEPTIONS.items()
}
"""An exception of Flyte 1 → what the converter writes for it, by their classes' names."""


@dataclass(frozen=True)
class Sides:
    """What was run: Flyte 1, Flyte 1 again, and Flyte 2."""

    first: process.Ran
    second: process.Ran
    converted: process.Ran


class _Maker(Protocol):
    """Makes one workflow's verdict; the rest is known."""

    def __call__(self, outcome: Outcome, reason: str = "", **more: Any) -> Verdict: ...


class Judge:
    """Gives the verdicts on one pair of source trees."""

    def __init__(self, pair: Pair, sides: Sides, rules: ComparisonRules) -> None:
        self._pair = pair
        self._sides = sides
        self._rules = rules
        self._left = LeftByHand(pair.v2)

    def modules(self) -> Iterator[Verdict]:
        """Flyte 1's modules that cannot be imported: nothing can be said about what they hold."""
        for module, error in self._sides.first.imported.items():
            if error is not None:
                lacking = self._lacking(error)
                outcome = Outcome.NOT_RUN if lacking else _failed(error, Outcome.V1_FAILED)
                yield Verdict(
                    workflow=module,
                    kind="module",
                    outcome=outcome,
                    code=CODES[outcome],
                    reason=lacking or f"it cannot be imported: {_placed(error)}",
                    log=error["trace"],
                )

    def workflow(self, target: str, path: tuple[int, int, int] | None) -> Verdict:
        """The verdict on one of Flyte 1's entities.

        Args:
            target: `module:name`, or one of its rows.
            path: The critical paths of both sides and the number of nodes.
        """
        found = self._sides.first.found[target]
        entity = inputs_of.entity_id(target)

        def verdict(outcome: Outcome, reason: str = "", **more: Any) -> Verdict:
            return Verdict(
                workflow=entity.replace(":", "."),
                kind=found["kind"],
                outcome=outcome,
                code=CODES.get(outcome),
                reason=reason,
                inputs=found["inputs"],
                sources=found["sources"],
                critical_path=path,
                **more,
            )

        if found["skip"] is not None:
            judged = verdict(Outcome.NOT_RUN, found["skip"])
        else:
            judged = self._of_original(target, verdict) or self._of_conversion(target, found, verdict)
        results = (_digest(self._sides.first.ended.get(target)), _digest(self._sides.converted.ended.get(target)))
        row = Row(found["inputs"], found["sources"], found["sample"], judged.outcome, judged.reason, results)
        return replace(judged, rows=(row,))

    def _of_original(self, target: str, verdict: _Maker) -> Verdict | None:
        """The verdict where Flyte 1's run says nothing."""
        event = self._sides.first.ended.get(target)
        if event is None:
            return verdict(Outcome.V1_FAILED, "Flyte 1's process ended before it was reached")
        if says_something(event):
            return None
        log = _log(self._sides.first, target)
        if event["event"] == "raised" and (why := event["needs"] or self._lacking(event)):
            return verdict(Outcome.NOT_RUN, why, log=log)
        reason = _said(event)
        if event["in_workflow"]:
            reason += (
                f" ({event['line']}): raised in a workflow's body, which Flyte 1's local execution runs on plain values, "
                "and a cluster never runs"
            )
        return verdict(_failed(event, Outcome.V1_FAILED), reason, log=log)

    def _of_conversion(self, target: str, found: Event, verdict: _Maker) -> Verdict:
        one = self._sides.first.ended[target]
        broken = self._sides.converted.imported.get(target.partition(":")[0])
        if broken is not None:
            return self._of_failure(target, broken, f"the conversion cannot be imported: {_placed(broken)}", verdict)
        other = self._sides.converted.ended.get(target)
        if other is None:
            return verdict(Outcome.V2_FAILED, "Flyte 2's process ended before it was reached")
        if one["event"] == "raised":
            return self._of_errors(target, found, verdict)
        if other["event"] == "raised":
            return self._of_failure(target, other, _said(other), verdict)
        return self._of_outputs(target, found, verdict)

    def _of_failure(self, target: str, error: Event, reason: str, verdict: _Maker) -> Verdict:
        """Flyte 2's side failed where Flyte 1's did not."""
        log = _log(self._sides.converted, target) or error["trace"]
        if lacking := self._lacking(error):
            return verdict(Outcome.NOT_RUN, lacking, log=log)
        outcome = _failed(error, Outcome.V2_FAILED)
        if outcome is Outcome.V2_FAILED and (places := self._left.reached_by(inputs_of.entity_id(target))):
            return verdict(Outcome.BY_HAND, f"{places[0]} is left to do by hand; until then: {reason}", log=log)
        return verdict(outcome, reason, log=log)

    def _of_errors(self, target: str, found: Event, verdict: _Maker) -> Verdict:
        """Flyte 1's run raised an exception of the user's own."""
        one, other = self._sides.first.ended[target], self._sides.converted.ended[target]
        log = _log(self._sides.converted, target)
        if other["event"] == "raised" and not other["own"]:
            return self._of_failure(target, other, _said(other), verdict)
        if not (other["event"] == "raised" and _same_exception(one, other)):
            if one["retried"] and other["event"] == "done":
                reason = f"it raises {_said(one)} to be retried, and Flyte 1's local execution does not retry"
                return verdict(Outcome.NOT_RUN, reason)
            does = f"Flyte 2 {'raises ' + _said(other) if other['event'] == 'raised' else 'returns'}"
            return verdict(Outcome.DIFFERENT, f"Flyte 1 raises {_said(one)}, {does}", log=log)
        if inputs_of.GENERATED in found["sources"].values() and not found["sample"]:
            reason = f"with made-up inputs both sides raise {_said(one)}; give real ones with --inputs"
            return verdict(Outcome.NOT_RUN, reason, log=log)
        return verdict(Outcome.SAME, f"both raise {_said(one)}{_renamed(one, other)}")

    def _of_outputs(self, target: str, found: Event, verdict: _Maker) -> Verdict:
        one, other = self._sides.first.ended[target], self._sides.converted.ended[target]
        again = self._sides.second.ended.get(target)
        names = found["outputs"]
        differences = compare_outputs(names, one["outputs"], other["outputs"], rules=self._rules)
        more: dict[str, Any] = {"seconds": (one["seconds"], other["seconds"])}
        if again is None or again["event"] == "raised":
            said = _said(again) if again else "it was not reached"
            return verdict(Outcome.NOT_RUN, f"nondeterministic: Flyte 1 ran once and failed the second time: {said}")
        unstable = compare_outputs(names, one["outputs"], again["outputs"], rules=self._rules)
        kept, paths = split_unstable(differences, unstable)
        more["unstable"] = tuple(paths)
        if kept:
            return verdict(Outcome.DIFFERENT, _count(kept), differences=tuple(kept), **more)
        if paths and set(names) <= set(paths):
            return verdict(
                Outcome.NOT_RUN, "nondeterministic: all its outputs differ between two runs of Flyte 1", **more
            )
        return verdict(Outcome.SAME, f"except {', '.join(paths)}: nondeterministic in Flyte 1" if paths else "", **more)

    def _lacking(self, error: Event) -> str | None:
        """The reason, when an error says that a package is not installed."""
        missing = error["missing"]
        if not missing:
            return None
        package = missing.partition(".")[0]
        roots = (self._pair.v1, self._pair.v2)
        folders = [folder for root in roots for folder in (root, *script_folders(root, self._pair.modules))]
        ours = any((folder / name).exists() for folder in folders for name in (package, f"{package}.py"))
        if ours or package in ("flyte", "flytekit"):
            return None
        return f"the package {missing} is not installed here"


def says_something(ended: Event | None) -> bool:
    """Whether Flyte 1's run says something: outputs, or an exception that the user's tasks raise."""
    if ended is None:
        return False
    if ended["event"] == "done":
        return True
    return ended["own"] and not ended["in_workflow"] and ended["needs"] is None and ended["missing"] is None


def _digest(ended: Event | None) -> str:
    """What a run gave, in 64 characters; empty where there is none."""
    if ended is None:
        return ""
    result = ended["outputs"] if ended["event"] == "done" else [ended["type"], ended["message"]]
    return hashlib.sha256(json.dumps(result, sort_keys=True).encode()).hexdigest()


def _failed(error: Event, otherwise: Outcome) -> Outcome:
    return Outcome.TIMED_OUT if error["type"] == process.LATE else otherwise


def _same_exception(one: Event, other: Event) -> bool:
    same = one["type"] == other["type"] or other["type"] in STANDS_FOR.get(one["type"], ())
    return same and one["message"] == other["message"]


def _renamed(one: Event, other: Event) -> str:
    return "" if one["type"] == other["type"] else f", which is {other['type']} in Flyte 2"


def _said(error: Mapping[str, Any]) -> str:
    message = " ".join(str(error["message"]).split())
    short = message if len(message) <= 300 else message[:299] + "…"
    return short if error["type"] in process.FATAL else f"{error['type']}: {short}"


def _placed(error: Mapping[str, Any]) -> str:
    return f"{_said(error)} ({error['line']})" if error["line"] else _said(error)


def _count(differences: Sequence[Difference]) -> str:
    first = differences[0]
    rest = f", and {len(differences) - 1} more places" if len(differences) > 1 else ""
    return f"{first.path or 'the outputs'}: {first.left or 'nothing'} became {first.right or 'nothing'}{rest}"


def _log(ran: process.Ran, target: str) -> str:
    ended = ran.ended.get(target, {})
    return "\n".join(part for part in (ran.logs.get(target, "").rstrip(), ended.get("trace", "").rstrip()) if part)
