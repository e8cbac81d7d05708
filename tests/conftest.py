"""What the whole suite shares."""

from typing import Any

import hypothesis

from modes import leave_out

# the suite shares its cores with real servers and SDK processes: how long one example takes says nothing
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leaves out what a short run does not repeat the Go backend's way."""
    left = leave_out(items)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
