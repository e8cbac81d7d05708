"""The background process of `flyte-bridge up`: `python -m flyte_bridge.remote.embedded_process --data-dir D --ready-fd N`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from flyte_bridge.embedded import foreground
from flyte_bridge.embedded_client import instance
from flyte_bridge.errors import BackendError, ConfigError
from flyte_bridge.side_by_side.console_comparison import compare_runs

_LOG_LIMIT = 16 * 1024 * 1024
"""Bytes after which `server.log` is moved aside, and the one before it removed."""


class _ServerLog(RotatingFileHandler):
    """`server.log`: never more than two files of `_LOG_LIMIT`, whatever happens."""

    def doRollover(self) -> None:  # noqa: N802 - its name in the standard library
        """Begins a new file, for what libraries write to standard error, too."""
        super().doRollover()
        if self.stream is not None:
            os.dup2(self.stream.fileno(), sys.__stderr__.fileno() if sys.__stderr__ else 2)


def main() -> int:
    """Serve until told to stop; what keeps it from starting goes to the pipe that `instance.start` reads."""
    parser = argparse.ArgumentParser(prog="python -m flyte_bridge.remote.embedded_process", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port", type=int)
    parser.add_argument("--require-token", action=argparse.BooleanOptionalAction)
    parser.add_argument("--ready-fd", type=int, required=True)
    options = parser.parse_args()
    log = _ServerLog(instance.log_of(options.data_dir), maxBytes=_LOG_LIMIT, backupCount=1)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", handlers=[log])
    try:
        foreground.run(
            options.data_dir,
            options.port,
            lambda ready: instance.report_ready(options.ready_fd, ready),
            require_token=options.require_token,
            comparer=compare_runs,
        )
    except (BackendError, ConfigError) as error:
        logging.getLogger(__name__).error("%s", error)
        instance.report_failure(options.ready_fd, error)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
