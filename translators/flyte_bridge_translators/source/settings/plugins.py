"""flytekit plugins and their Flyte 2 packages (facts: the packages published for flyte 2.12)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flyte_bridge_translators.source.vocabulary import PACKAGES

CONFIGS: Mapping[str, tuple[str, str]] = {
    "flytekitplugins.dask.Dask": ("flyteplugins.dask", "Dask"),
    "flytekitplugins.dask.Scheduler": ("flyteplugins.dask", "Scheduler"),
    "flytekitplugins.dask.WorkerGroup": ("flyteplugins.dask", "WorkerGroup"),
    "flytekitplugins.kfpytorch.Elastic": ("flyteplugins.pytorch", "Elastic"),
    "flytekitplugins.ray.HeadNodeConfig": ("flyteplugins.ray", "HeadNodeConfig"),
    "flytekitplugins.ray.RayJobConfig": ("flyteplugins.ray", "RayJobConfig"),
    "flytekitplugins.ray.WorkerNodeConfig": ("flyteplugins.ray", "WorkerNodeConfig"),
    "flytekitplugins.spark.Databricks": ("flyteplugins.databricks", "Databricks"),
    "flytekitplugins.spark.DatabricksV2": ("flyteplugins.databricks", "Databricks"),
    "flytekitplugins.spark.Spark": ("flyteplugins.spark", "Spark"),
}
"""Flyte 1 task configuration → the module and class of its Flyte 2 one."""

FIELDS: Mapping[str, frozenset[str]] = {
    "Dask": frozenset({"scheduler", "workers"}),
    "Databricks": frozenset(
        {
            "spark_conf", "hadoop_conf", "executor_path", "applications_path", "driver_pod", "executor_pod",
            "databricks_conf", "databricks_instance",
        }
    ),
    "Elastic": frozenset(
        {
            "nnodes", "nproc_per_node", "rdzv_backend", "run_policy", "monitor_interval", "max_restarts", "rdzv_configs",
        }
    ),
    "HeadNodeConfig": frozenset({"ray_start_params", "pod_template", "requests", "limits"}),
    "RayJobConfig": frozenset(
        {
            "worker_node_config", "head_node_config", "enable_autoscaling", "runtime_env", "address",
            "shutdown_after_job_finishes", "ttl_seconds_after_finished",
        }
    ),
    "Scheduler": frozenset({"image", "resources"}),
    "Spark": frozenset({"spark_conf", "hadoop_conf", "executor_path", "applications_path", "driver_pod", "executor_pod"}),
    "WorkerGroup": frozenset({"number_of_workers", "image", "resources"}),
    "WorkerNodeConfig": frozenset(
        {
            "group_name", "replicas", "min_replicas", "max_replicas", "ray_start_params", "pod_template", "requests",
            "limits",
        }
    ),
}  # fmt: skip
"""Class → the fields the Flyte 2 class has (read from the plugins' sources for flyte 2.12)."""

DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "Elastic": {"nnodes": "1", "nproc_per_node": "1", "max_restarts": "0", "monitor_interval": "5"},
}
"""Class → Flyte 1's defaults, for fields whose default is another one, or missing, in Flyte 2."""

_REQUIREMENT = re.compile(r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)")


def package(requirement: str) -> str | None:
    """What takes the place of a pip requirement: another one, `""` when it is no longer needed, None when it stays."""
    found = _REQUIREMENT.match(requirement)
    name = found["name"].lower().replace("_", "-") if found else ""
    if name in {"flytekit", "union"}:
        return ""
    if not name.startswith("flytekitplugins-"):
        return None
    return PACKAGES.get(f"flytekitplugins.{name.removeprefix('flytekitplugins-')}", "")
