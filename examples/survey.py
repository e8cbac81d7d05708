"""A survey of Python's standard library: how long its modules are, and how well they are documented.

One file that needs nothing but flytekit.
"""

import ast
import importlib.util
import os
from dataclasses import dataclass
from functools import partial
from typing import List, NamedTuple, Tuple

from flytekit import CronSchedule, LaunchPlan, Resources, conditional, current_context, map_task, task, workflow
from flytekit.types.file import FlyteFile

DEFAULT_MODULES = ["argparse", "bisect", "csv", "dataclasses", "heapq", "json.decoder", "textwrap", "this"]


@dataclass
class Size:
    module: str
    lines: int
    functions: int
    documented: int


Summary = NamedTuple("Summary", lines=int, share=float)


@task(cache=True, cache_version="1.0", retries=1)
def measure(module: str, with_private: bool) -> Size:
    """Read a module's source without importing it."""
    with open(importlib.util.find_spec(module).origin) as source:
        text = source.read()
    functions = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (with_private or node.name[0] != "_")
    ]
    documented = [node for node in functions if ast.get_docstring(node)]
    return Size(module, len(text.splitlines()), len(functions), len(documented))


@task(requests=Resources(cpu="1", mem="200Mi"), limits=Resources(mem="400Mi"))
def summarize(sizes: List[Size]) -> Summary:
    functions = sum(size.functions for size in sizes)
    share = sum(size.documented for size in sizes) / functions if functions else 1.0
    return Summary(lines=sum(size.lines for size in sizes), share=share)


@task
def table(sizes: List[Size]) -> FlyteFile:
    path = os.path.join(current_context().working_directory, "sizes.csv")
    with open(path, "w") as lines:
        for size in sorted(sizes, key=lambda size: -size.lines):
            lines.write(f"{size.module},{size.lines},{size.functions},{size.documented}\n")
    return FlyteFile(path)


@task
def praise(share: float) -> str:
    return f"well documented: {share:.0%}"


@task
def complain(share: float, lines: int) -> str:
    return f"only {share:.0%} of {lines} lines' functions are documented"


@workflow
def survey(modules: List[str] = DEFAULT_MODULES, with_private: bool = False) -> Tuple[str, FlyteFile]:
    sizes = map_task(partial(measure, with_private=with_private))(module=modules)
    summary = summarize(sizes=sizes)
    verdict = (
        conditional("documented")
        .if_(summary.share >= 0.5)
        .then(praise(share=summary.share))
        .else_()
        .then(complain(share=summary.share, lines=summary.lines))
    )
    # the table does not wait for the verdict
    return verdict, table(sizes=sizes)


weekly = LaunchPlan.get_or_create(
    survey, name="weekly_survey", schedule=CronSchedule(schedule="0 6 * * 1"), fixed_inputs={"with_private": True}
)

if __name__ == "__main__":
    print(survey(modules=["csv", "heapq", "textwrap"]))
