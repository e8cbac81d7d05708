"""flyte-bridge: the way from Flyte 1 (flytekit) to Flyte 2 for teams that cannot stop."""

__version__ = "0.1.0"

__all__ = ["__version__"]
