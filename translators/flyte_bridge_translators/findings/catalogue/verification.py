"""FB5xx: verification."""

from __future__ import annotations

from flyte_bridge_translators.findings import Code, Severity

CODES: tuple[Code, ...] = (
    Code(
        "FB501",
        "outputs differ",
        Severity.ERROR,
        "On the same inputs the conversion gave another result than Flyte 1's local execution: other outputs, another "
        "exception, or none where Flyte 1 raises one.",
        "Read the differences; if the workflow is deterministic this is a defect of the conversion: please report it.",
    ),
    Code(
        "FB502",
        "Flyte 1 failed",
        Severity.CHECK,
        "Flyte 1's local execution of the original failed, so there is nothing to compare the conversion with.",
        "Make the original run with flytekit locally, or give it inputs it can run on with `--inputs`.",
    ),
    Code(
        "FB503",
        "Flyte 2 failed",
        Severity.ERROR,
        "The original runs on Flyte 1, and its conversion fails in flyte's local mode.",
        "Read the traceback; do what the file's TODOs ask for, and report what remains.",
    ),
    Code(
        "FB504",
        "not run",
        Severity.CHECK,
        "Local execution cannot decide about this workflow: it waits for a person, needs a secret, a container, another "
        "package or inputs that cannot be made up, or its outputs are different each time.",
        "Give what the reason names (inputs with `--inputs`, secrets in the environment) and verify again.",
    ),
    Code(
        "FB505",
        "part of the outputs is nondeterministic",
        Severity.NOTE,
        "Two runs of Flyte 1 differ in these places, so they were compared by kind only.",
        "Seed the random numbers, or leave times out of the outputs, and verify again.",
    ),
    Code(
        "FB506",
        "inputs were made up",
        Severity.NOTE,
        "There were no inputs in the source, so values were generated from the types: equal results on them say less.",
        "Give real inputs with `--inputs`.",
    ),
    Code(
        "FB507",
        "critical path is longer",
        Severity.CHECK,
        "The longest chain of the conversion has more nodes than that of the original's graph: some work that ran side "
        "by side now waits.",
        "Look for an await that does not need to wait; please report it.",
    ),
    Code(
        "FB508",
        "left to do by hand first",
        Severity.CHECK,
        "The conversion does not run yet, and the workflow uses a place that is marked with a TODO.",
        "Do what the TODO asks for, and verify again.",
    ),
    Code(
        "FB509",
        "timed out",
        Severity.CHECK,
        "One side gave no answer in the time it may take, so there is nothing to compare. Time that a process waits for a "
        "processor does not count.",
        "Give smaller inputs with `--inputs`, or more time with `--timeout`.",
    ),
)
"""Verdicts of `--verify`; SAME is none."""
