"""Flyte 2's names: what the code that is written calls, imports and passes."""

from __future__ import annotations

from collections.abc import Mapping

VERSION = "2.12.1"
"""The release of Flyte 2 that is written for."""

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


def _same(*names: str) -> Mapping[str, str]:
    return {name: name for name in names}


_INDEX = ("index_url", "extra_index_urls", "extra_args")

PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "flyte.Cache": _same("version_override", "ignored_inputs", "salt", "serialize"),
    "flyte.Cron": _same(),
    "flyte.Device": _same("quantity", "device_class", "device"),
    "flyte.Documentation": _same("description"),
    "flyte.FixedRate": _same("interval_minutes"),
    "flyte.GPU": _same("quantity", "partition"),
    "flyte.Image.clone": _same("name", "registry", "python_version", "platform", "extendable"),
    "flyte.Image.from_base": _same(),
    "flyte.Image.from_debian_base": _same("name", "registry", "python_version", "platform"),
    "flyte.Image.from_ref_name": _same(),
    "flyte.Image.with_pip_packages": _same(*_INDEX),
    "flyte.Image.with_poetry_project": _same("extra_args"),
    "flyte.Image.with_requirements": _same(*_INDEX),
    "flyte.Image.with_source_file": _same("dst"),
    "flyte.Image.with_source_folder": _same("dst"),
    "flyte.Image.with_uv_project": _same(*_INDEX),
    "flyte.PodTemplate": _same("labels", "annotations", "primary_container_name", "pod_spec"),
    "flyte.Resources": _same("cpu", "memory", "gpu", "shm", "disk"),
    "flyte.ReusePolicy": _same("replicas", "concurrency", "idle_ttl"),
    "flyte.Secret": _same("key", "group", "mount", "as_env_var"),
    "flyte.TPU": _same("partition"),
    "flyte.TaskEnvironment": _same(
        "name", "image", "resources", "env_vars", "secrets", "plugin_config", "reusable", "depends_on"
    ),
    "flyte.TaskEnvironment.task": _same(
        "cache", "pod_template", "report", "retries", "docs", "triggers", "timeout", "interruptible"
    ),
    "flyte.Trigger": _same(
        "inputs", "notifications", "auto_activate", "labels", "annotations", "max_action_concurrency", "overwrite_cache"
    ),
    "flyte.notify.Email": _same("on_phase", "recipients"),
}
"""What is called in Flyte 2: our name of each parameter that is given by name → the SDK's. A parameter that the next SDK calls
otherwise is one entry here: `_same("cpu", …) | {"disk": "ephemeral_storage"}`."""

_METHODS: Mapping[str, Mapping[str, str]] = {
    name.rpartition(".")[2]: names for name, names in PARAMETERS.items() if name.count(".") > 1
}


def parameter(function: str, name: str) -> str:
    """What the SDK calls a parameter; `function` may be a method of anything (`env.task`, `.with_requirements`).

    Raises:
        KeyError: A function of the table has no such parameter.
    """
    names = PARAMETERS.get(function)
    if names is None and not function.startswith("flyte."):
        names = _METHODS.get(function.rpartition(".")[2])
    return names[name] if names is not None else name
