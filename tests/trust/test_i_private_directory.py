"""A data directory is its owner's, also one that was there before (issue 12, I)."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from flyte_bridge.embedded_client import directory_lock, instance
from flyte_bridge.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_directory_that_is_there_is_made_private(tmp_path: Path) -> None:
    """One that others could read is nobody else's once a backend has started on it, with all that lies below."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    data_dir.chmod(0o755)
    (data_dir / "token").write_text("t" * 43)
    (data_dir / "token").chmod(0o644)
    try:
        instance.start(data_dir)
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE((data_dir / "token").stat().st_mode) == 0o600
    finally:
        instance.stop(data_dir)


def test_somebody_elses_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of another user's is no place for secrets."""
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(StoreError, match="belongs to another user"):
        directory_lock.make_directory(tmp_path)


def test_a_path_that_flytekit_would_cut_is_refused(tmp_path: Path) -> None:
    """flytekit splits the command that tells it the token at commas."""
    with pytest.raises(StoreError, match="comma"):
        directory_lock.make_directory(tmp_path / "a,b")
