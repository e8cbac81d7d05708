"""How long a conversion takes, as a multiple of LibCST's bare parse and emit of the same files in the same run.

`python benchmarks/convert.py [sizes…]` writes copies of the example project and of the hand-written cases to a temporary
directory, converts them with as many workers as there are cores, and prints one line per size. The last column counts processor
time instead of elapsed time, in one process: it says the same on a machine that does other things besides.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import libcst as cst

from flyte_bridge.convert.project import convert_files, find

ROOT = Path(__file__).parent.parent


def corpus() -> list[Path]:
    """Real Flyte 1 files: the example project, and every case that names flytekit."""
    files = [*ROOT.joinpath("examples").rglob("*.py"), *ROOT.joinpath("tests", "cases").rglob("*.py")]
    return sorted(path for path in files if b"flytekit" in path.read_bytes())


def measure(size: int, files: list[Path]) -> tuple[int, float, float, float, float]:
    """Lines, seconds for: parse and emit, convert with all cores, convert in one process; and the last as a multiple of the
    first in processor time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(size):
            source = files[number % len(files)]
            shutil.copy(source, folder / f"{source.stem}_{number}.py")
        texts = [path.read_bytes() for path in sorted(folder.iterdir())]
        start, used = time.perf_counter(), time.process_time()
        for text in texts:
            cst.parse_module(text).code  # noqa: B018 -- emitted to be timed
        bare, bare_used = time.perf_counter() - start, time.process_time() - used
        found = find([folder])
        start = time.perf_counter()
        convert_files(found)
        both = time.perf_counter() - start
        start, used = time.perf_counter(), time.process_time()
        convert_files(found, workers=1)
        single = time.perf_counter() - start
        ratio = (time.process_time() - used) / bare_used
        return sum(text.count(b"\n") for text in texts), bare, both, single, ratio


def main() -> None:
    """Print the table."""
    sizes = [int(argument) for argument in sys.argv[1:]] or [50, 200, 1000]
    files = corpus()
    print(f"{len(files)} different files, {os.cpu_count()} cores\n")
    print(
        "| files | lines | parse + emit (s) | convert (s) | ratio | in one process (s) | ratio | ms per file | CPU ratio |"
    )
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for size in sizes:
        lines, bare, both, single, used = measure(size, files)
        print(
            f"| {size} | {lines} | {bare:.2f} | {both:.2f} | {both / bare:.2f} | {single:.2f} | {single / bare:.2f} "
            f"| {both / size * 1000:.1f} | {used:.2f} |"
        )


if __name__ == "__main__":
    main()
