"""Forked tasks are as separate as processes of their own, and one that cannot be forked says so (issue 12, K)."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flyte_bridge.embedded.executor import forkserver
from flyte_bridge.embedded.executor.interpreters import Interpreters
from flyte_bridge.embedded.executor.launcher import Command, ProcessLauncher

from .conftest import CODE

if TYPE_CHECKING:
    from flyte_bridge.embedded_client import instance


def test_forked_tasks_draw_numbers_of_their_own(backend: instance.Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Siblings that are forked from one process share no random state of flytekit's."""
    pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")
    from driver.bed import Bed

    monkeypatch.syspath_prepend(str(CODE))
    import draws

    assert Bed(backend.endpoint, Path(backend.data_dir)).run(draws.draws, n=5).value == 5


def test_a_task_without_a_forkserver_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the imports leave a thread running, as polars does, each task's log begins with why it takes longer."""
    busy = tmp_path / "busy"
    busy.mkdir()
    zygote = Path(forkserver.__file__).with_name("zygote.py").read_text()
    (busy / "zygote.py").write_text(zygote)
    (busy / "zygote_flytekit.py").write_text(
        "import threading\n\ndef prepare():\n    threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    )
    monkeypatch.setattr(forkserver, "_SCRIPT", busy / "zygote.py")
    program = tmp_path / "pyflyte-execute"
    program.write_text("#!/bin/sh\necho ran\n")
    program.chmod(0o755)

    async def main() -> None:
        launcher = ProcessLauncher({}, tmp_path / "logs", ephemeral=True)
        env = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
        try:
            for name in ("first", "second"):
                control = tmp_path / name
                control.mkdir()
                command = Command(
                    argv=["pyflyte-execute"], env=env, changes={}, interpreter=Interpreters({}).default, cwd=control,
                    log=control / "log", control=control,
                )  # fmt: skip
                _, ended = await launcher.launch(command)
                assert await ended == 0
        finally:
            await launcher.stop()

    asyncio.run(main())
    for name in ("first", "second"):
        told, ran = (tmp_path / name / "log").read_text().splitlines()
        assert "fresh interpreter" in told
        assert "2 threads run after the imports" in told
        assert ran == "ran"
