"""The façade's fixtures, and the workflows of `code/`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from admin.conftest import admin, control, flows, fresh, make_project, refused, remote, settings  # noqa: F401 - fixtures

CODE = Path(__file__).with_name("code")
# tasks of the backend that `settings` starts import these modules, too
os.environ["PYTHONPATH"] = os.pathsep.join([str(CODE), *filter(None, [os.environ.get("PYTHONPATH")])])


@pytest.fixture(scope="session")
def limits() -> Any:
    """The workflows of `code/limits.py`, which tasks import too."""
    pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")
    if str(CODE) not in sys.path:
        sys.path.insert(0, str(CODE))
    import limits as module

    return module


@pytest.fixture(scope="session")
def ends(limits: Any) -> Any:
    """The workflows of `code/ends.py`."""
    import ends as module

    return module
