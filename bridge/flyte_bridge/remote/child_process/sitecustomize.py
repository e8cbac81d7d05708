"""Python runs this when it starts, in the processes that a hosted program starts: they are hosted as it is.

`hook.install` puts this directory at the head of PYTHONPATH. Whatever `sitecustomize` the environment has of its own runs
first.
"""

import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib costs every process 5 ms


def _run_the_environments_own() -> None:
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]  # noqa: PTH100 - as above
    del sys.modules["sitecustomize"]
    spec = importlib.util.find_spec("sitecustomize")
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


_run_the_environments_own()

if os.environ.get("FLYTE_BRIDGE_HOSTED") and importlib.util.find_spec("flyte_bridge") is not None:
    from flyte_bridge.remote import hook

    hook.install_in_child()
