"""The background process of `flyte-bridge up`: `python -m flyte_bridge.embedded --data-dir D --ready-fd N`."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from flyte_bridge.embedded import foreground
from flyte_bridge.embedded_client import instance
from flyte_bridge.errors import BackendError, ConfigError


def main() -> int:
    """Serve until told to stop; what keeps it from starting goes to the pipe that `instance.start` reads."""
    parser = argparse.ArgumentParser(prog="python -m flyte_bridge.embedded", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port", type=int)
    parser.add_argument("--require-token", action=argparse.BooleanOptionalAction)
    parser.add_argument("--ready-fd", type=int, required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        foreground.run(
            options.data_dir,
            options.port,
            lambda ready: instance.report_ready(options.ready_fd, ready),
            require_token=options.require_token,
        )
    except (BackendError, ConfigError) as error:
        logging.getLogger(__name__).error("%s", error)
        instance.report_failure(options.ready_fd, error)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
