"""Flyte 2's names: what the code that is written calls, imports and passes."""

from __future__ import annotations

from collections.abc import Mapping

PACKAGES: Mapping[str, str] = {
    f"flytekitplugins.{old}": f"flyteplugins-{new}"
    for old, new in {
        "bigquery": "bigquery",
        "dask": "dask",
        "databricks": "databricks",
        "dbt": "dbt",
        "huggingface": "huggingface",
        "kfpytorch": "pytorch",
        "mlflow": "mlflow",
        "omegaconf": "omegaconf",
        "openai": "openai",
        "pandera": "pandera",
        "papermill": "papermill",
        "polars": "polars",
        "ray": "ray",
        "slurm": "slurm",
        "snowflake": "snowflake",
        "spark": "spark",
        "wandb": "wandb",
    }.items()
}
"""Flyte 1 plugin module → Flyte 2 distribution; a plugin that is not here has none."""
