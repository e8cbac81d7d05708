"""Where things lie in the data directory.

```
<data_dir>/flyte.db                                              the store
           lock, server.json, server.log                         the instance's (see `instance`)
           objects/<bucket>/…                                    the objects
           work/<project>/<domain>/<run>/<action>/<attempt>/     an attempt's working directory
           logs/<project>/<domain>/<run>/<action>/<attempt>.log  its standard output and error
           secrets/                                              the secrets
```

Every name below was checked when it came in (`names`), so none leads out of the directory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from flyte_bridge.backend.keys import ActionKey


@dataclass(frozen=True)
class Layout:
    """The paths of one data directory."""

    data_dir: Path

    @property
    def database(self) -> Path:
        """The store's file."""
        return self.data_dir / "flyte.db"

    @property
    def objects(self) -> Path:
        """The directory of the buckets."""
        return self.data_dir / "objects"

    @property
    def work(self) -> Path:
        """The directory of all working directories."""
        return self.data_dir / "work"

    @property
    def secrets(self) -> Path:
        """The directory of the secrets."""
        return self.data_dir / "secrets"

    def work_dir(self, key: ActionKey, attempt: int) -> Path:
        """An attempt's working directory."""
        return self.work / key.project / key.domain / key.run / key.name / str(attempt)

    def log(self, key: ActionKey, attempt: int) -> Path:
        """An attempt's log file."""
        return self.data_dir / "logs" / key.project / key.domain / key.run / key.name / f"{attempt}.log"


def output_prefix(run_output_base: str, key: ActionKey, attempt: int) -> str:
    """Where an attempt writes its results: `<base>/<action>/<attempt>`.

    The real backend puts a shard after the bucket. Without it the path the SDK guesses for a child's error
    (`<base>/<action>/1/error.pb`) is right, too.
    """
    return f"{run_output_base.rstrip('/')}/{key.name}/{attempt}"
