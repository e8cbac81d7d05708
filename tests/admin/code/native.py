"""A run of Flyte 2's own SDK, which the façade's tests look at with Flyte 1's client."""

from __future__ import annotations

import asyncio
import atexit
import os
import pathlib
import sys

import flyte

env = flyte.TaskEnvironment(name="native")


@env.task
async def leaf(x: int) -> int:
    if x > 1000:
        raise ValueError("too large")
    return x + 1


@env.task
async def main(x: int) -> int:
    one, other = await asyncio.gather(leaf(x), leaf(x * 10))
    return one + other


if __name__ == "__main__":
    here = pathlib.Path(__file__).parent.absolute()
    flyte.init(endpoint=sys.argv[1], insecure=True, project="flytesnacks", domain="development", root_dir=here)
    run = flyte.run(main, x=int(sys.argv[2]))
    run.wait(quiet=True)
    print("RUN", run.name, flush=True)
    atexit._run_exitfuncs()
    os._exit(0)  # pyqwest may abort the interpreter at its end (tests/embedded/conftest.py)
