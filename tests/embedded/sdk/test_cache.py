"""Caching by the real SDK: hit, version, ignored inputs, overwrite, for roots and children."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..conftest import Client

MODULE = """
    import time
    import flyte

    env = flyte.TaskEnvironment(name="cached_{name}")

    @env.task(cache=flyte.Cache(behavior="override", version_override="{version}", ignored_inputs=("noise",)))
    async def stamp(x: int, noise: int = 0) -> float:
        return time.time()

    @env.task
    async def parent(x: int, noise: int = 0) -> float:
        return await stamp(x, noise)
"""

ASK = """
import cached
flyte.init_from_config()

def run(task, **inputs):
    overwrite = inputs.pop("overwrite_cache", False)
    run = flyte.with_runcontext(overwrite_cache=overwrite).run(getattr(cached, task), **inputs)
    run.wait(quiet=True)
    status = [flyte.remote.ActionDetails.get(run_name=run.name, name=one.name).pb2.status.cache_status
              for one in flyte.remote.Action.listall(for_run_name=run.name) if one.task_name.endswith(".stamp")]
    return run.outputs()[0], status[0]

CACHE_MISS, CACHE_HIT, CACHE_POPULATED = 1, 2, 3
"""


@pytest.mark.parametrize("task", ["stamp", "parent"])
def test_a_cached_result_is_used_again(client: Client, task: str) -> None:
    """The same inputs hit, ignored inputs do not matter, others miss, and `overwrite_cache` runs anew and replaces."""
    client.write("cached.py", MODULE.format(name=task, version="1"))
    told: dict[str, Any] = client.python(
        ASK
        + f"""
tell(first=run("{task}", x=1), again=run("{task}", x=1), noisy=run("{task}", x=1, noise=5), other=run("{task}", x=2),
     overwritten=run("{task}", x=1, overwrite_cache=True), after=run("{task}", x=1))
"""
    )
    assert told["again"] == [told["first"][0], 2]
    assert told["noisy"] == [told["first"][0], 2]
    assert told["other"][0] != told["first"][0]
    assert told["other"][1] != 2
    assert told["overwritten"][0] != told["first"][0]
    assert told["overwritten"][1] != 2
    assert told["after"] == [told["overwritten"][0], 2]


def test_another_cache_version_misses(client: Client) -> None:
    """A new `version_override` does not find the old version's results."""
    client.write("cached.py", MODULE.format(name="versions", version="1"))
    first = client.python(ASK + 'tell(got=run("stamp", x=1))')["got"]
    client.write("cached.py", MODULE.format(name="versions", version="2"))
    second = client.python(ASK + 'tell(got=run("stamp", x=1))')["got"]
    assert second[0] != first[0]
    assert second[1] != 2
