"""What an execution's settings come to: the request before the launch plan, before attributes, before the platform.

Source: `flyteadmin/pkg/manager/impl/execution_manager.go` (`getExecutionConfig`) and `util/shared.go`
(`MergeIntoExecConfig`), v1.16.8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from flyteidl.admin import common_pb2, execution_pb2, launch_plan_pb2

from flyte_bridge.launch.platform_settings import Config
from flyte_bridge_translators.flyte1.names import MAX_PARALLELISM
from flyte_bridge_translators.wire.execution import Effect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flyteidl.core import security_pb2

    from flyte_bridge.launch.platform_settings import PlatformSettings

SettingsHolder: TypeAlias = "execution_pb2.ExecutionSpec | launch_plan_pb2.LaunchPlanSpec | Config"
"""Whoever has a say, the field names of all three being the same."""


def resolve(
    spec: execution_pb2.ExecutionSpec,
    plan: launch_plan_pb2.LaunchPlanSpec | None,
    attributes: Iterable[Config],
) -> Config:
    """What counts of all who have a say.

    Args:
        spec: Of the request.
        plan: The launch plan's; None for a single task.
        attributes: What is set for the workflow, its domain and its project, the most specific first.
    """
    config = Config()
    sources: list[SettingsHolder] = [spec, *([plan] if plan is not None else []), *attributes]
    for source in sources:
        _merge(config, source)
    if not _names_somebody(config.security_context):
        role = _role(spec, plan)
        if role.assumable_iam_role or role.kubernetes_service_account:
            config.security_context.run_as.iam_role = role.assumable_iam_role
            config.security_context.run_as.k8s_service_account = role.kubernetes_service_account
    config.max_parallelism = config.max_parallelism or MAX_PARALLELISM
    return config


def _merge(config: Config, source: SettingsHolder) -> None:
    """Takes over what the configuration has not yet."""
    if not config.max_parallelism and source.max_parallelism > 0:
        config.max_parallelism = source.max_parallelism
    if not config.HasField("security_context") and _names_somebody(source.security_context):
        config.security_context.CopyFrom(source.security_context)
    if not config.raw_output_data_config.output_location_prefix:
        config.raw_output_data_config.output_location_prefix = source.raw_output_data_config.output_location_prefix
    for field in ("labels", "annotations", "envs"):
        if not getattr(config, field).values and getattr(source, field).values:
            getattr(config, field).CopyFrom(getattr(source, field))
    if not config.HasField("interruptible") and source.HasField("interruptible"):
        config.interruptible.CopyFrom(source.interruptible)
    config.overwrite_cache = config.overwrite_cache or source.overwrite_cache


def _names_somebody(context: security_pb2.SecurityContext) -> bool:
    run_as = context.run_as
    return bool(run_as.k8s_service_account or run_as.iam_role or run_as.execution_identity)


def _role(spec: execution_pb2.ExecutionSpec, plan: launch_plan_pb2.LaunchPlanSpec | None) -> common_pb2.AuthRole:
    """The role that the deprecated fields name."""
    if spec.HasField("auth_role"):
        return spec.auth_role
    if plan is None:
        return common_pb2.AuthRole()
    if plan.HasField("auth_role"):
        return plan.auth_role
    if plan.HasField("auth"):
        return common_pb2.AuthRole(
            assumable_iam_role=plan.auth.assumable_iam_role,
            kubernetes_service_account=plan.auth.kubernetes_service_account,
        )
    return common_pb2.AuthRole(assumable_iam_role=plan.role)


def notifications(
    spec: execution_pb2.ExecutionSpec, plan: launch_plan_pb2.LaunchPlanSpec | None
) -> tuple[common_pb2.Notification, ...]:
    """Whom to tell of the end: the request's, else the launch plan's unless the request wants none."""
    if spec.notifications.notifications:
        return tuple(spec.notifications.notifications)
    if spec.disable_all or plan is None:
        return ()
    return tuple(plan.entity_metadata.notifications)


def effective(
    spec: execution_pb2.ExecutionSpec,
    plan: launch_plan_pb2.LaunchPlanSpec | None,
    platform: PlatformSettings,
    parent: Mapping[str, str] | None = None,
) -> tuple[execution_pb2.ExecutionSpec, Effect]:
    """What an execution's settings come to.

    Args:
        spec: Of the request; left as it is.
        plan: The launch plan's; None for a single task.
        platform: What holds beside the two.
        parent: Labels that tell of whom it is a child.

    Returns:
        The spec that `GetExecution` shall answer, and what the run is told.

    Raises:
        InvalidRequest: The execution asks for another cluster pool than it must have.
    """
    config = resolve(spec, plan, platform.configs)
    told = execution_pb2.ExecutionSpec()
    told.CopyFrom(spec)
    told.max_parallelism = config.max_parallelism
    if spec.labels.values or parent:
        told.labels.values.update({**platform.labels, **spec.labels.values, **(parent or {})})
    if config.HasField("security_context"):
        told.security_context.CopyFrom(config.security_context)
    return told, Effect(
        labels={**platform.labels, **config.labels.values, **(parent or {})},
        annotations=dict(config.annotations.values),
        envs={**platform.environment, **{pair.key: pair.value for pair in config.envs.values}},
        interruptible=config.interruptible.value if config.HasField("interruptible") else None,
        overwrite_cache=config.overwrite_cache,
        raw_output_prefix=config.raw_output_data_config.output_location_prefix,
        security_context=config.security_context if config.HasField("security_context") else None,
        cluster_pool=platform.pool(spec.cluster_assignment.cluster_pool_name),
        queue=platform.queue,
        task_resources=platform.task_resources,
        notifications=notifications(spec, plan),
    )
