"""Projects, tasks and triggers: what any Flyte 2 keeps for others to find."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from connectrpc.code import Code
from flyteidl2.common import identifier_pb2, list_pb2
from flyteidl2.project import project_service_pb2
from flyteidl2.task import common_pb2, task_definition_pb2, task_service_pb2
from flyteidl2.trigger import trigger_definition_pb2, trigger_service_pb2

from .contract import DOMAIN, refused

if TYPE_CHECKING:
    from .contract import Flyte2


def test_a_project_is_found_by_its_id_and_is_made_once(flyte2: Flyte2) -> None:
    """GetProject finds it with its domains; a second CreateProject is ALREADY_EXISTS; an unknown one NOT_FOUND."""
    project = flyte2.projects.get_project(project_service_pb2.GetProjectRequest(id=flyte2.project)).project
    assert project.id == flyte2.project
    assert {"development", "staging", "production"} <= {domain.id for domain in project.domains}
    with refused(Code.ALREADY_EXISTS):
        flyte2.create_project()
    with refused(Code.NOT_FOUND):
        flyte2.projects.get_project(project_service_pb2.GetProjectRequest(id="never-made"))


def test_a_deployed_task_is_read_back(flyte2: Flyte2) -> None:
    """GetTaskDetails gives the spec that was deployed; an unknown version is NOT_FOUND."""
    task_id = flyte2.deploy("contract.read")
    details = flyte2.tasks.get_task_details(task_service_pb2.GetTaskDetailsRequest(task_id=task_id)).details
    assert details.task_id.name == "contract.read"
    assert details.spec.task_template.type == "core-sleep"
    with refused(Code.NOT_FOUND):
        missing = flyte2.task_id("contract.read", "v999")
        flyte2.tasks.get_task_details(task_service_pb2.GetTaskDetailsRequest(task_id=missing))


def test_deploying_a_version_again_replaces_it(flyte2: Flyte2) -> None:
    """Versions are mutable: the second deployment is what is read back."""
    task_id = flyte2.deploy("contract.again")
    details = flyte2.tasks.get_task_details(task_service_pb2.GetTaskDetailsRequest(task_id=task_id)).details
    details.spec.short_name = "other"
    flyte2.tasks.deploy_task(task_service_pb2.DeployTaskRequest(task_id=task_id, spec=details.spec))
    again = flyte2.tasks.get_task_details(task_service_pb2.GetTaskDetailsRequest(task_id=task_id)).details
    assert again.spec.short_name == "other"


def test_tasks_are_listed_once_by_their_latest_version(flyte2: Flyte2) -> None:
    """ListTasks gives a name once, with its latest version; ListVersions gives all."""
    name = f"contract.listed{uuid.uuid4().hex[:6]}"
    for version in ("v1", "v2", "v3"):
        flyte2.deploy(name, version)
    request = list_pb2.ListRequest(
        limit=10, filters=[list_pb2.Filter(function=list_pb2.Filter.EQUAL, field="name", values=[name])]
    )
    project = identifier_pb2.ProjectIdentifier(organization="local", name=flyte2.project, domain=DOMAIN)
    listed = flyte2.tasks.list_tasks(task_service_pb2.ListTasksRequest(request=request, project_id=project)).tasks
    assert [(task.task_id.name, task.task_id.version) for task in listed] == [(name, "v3")]
    task_name = task_definition_pb2.TaskName(org="local", project=flyte2.project, domain=DOMAIN, name=name)
    versions = flyte2.tasks.list_versions(
        task_service_pb2.ListVersionsRequest(request=list_pb2.ListRequest(limit=10), task_name=task_name)
    ).versions
    assert {version.version for version in versions} == {"v1", "v2", "v3"}


def test_the_latest_version_is_that_of_those_a_filter_leaves(flyte2: Flyte2) -> None:
    """ListTasks with a version gives each name that has it, also where it is not the latest; also over all projects."""
    name = f"contract.filtered{uuid.uuid4().hex[:6]}"
    for version in ("v1", "v2"):
        flyte2.deploy(name, version)
    project = identifier_pb2.ProjectIdentifier(organization="local", name=flyte2.project, domain=DOMAIN)
    for version, scope in (("v1", project), ("v2", project), ("v1", None)):
        wanted = [
            list_pb2.Filter(function=list_pb2.Filter.EQUAL, field=field, values=[value])
            for field, value in (("name", name), ("version", version))
        ]
        request = task_service_pb2.ListTasksRequest(
            request=list_pb2.ListRequest(limit=10, filters=wanted), project_id=scope
        )
        answer = flyte2.tasks.list_tasks(request)
        assert [task.task_id.version for task in answer.tasks] == [version]
        assert answer.metadata.filtered_total == 1


def test_a_task_of_an_unknown_project_is_not_deployed(flyte2: Flyte2) -> None:
    """DeployTask into a project that is not there is NOT_FOUND."""
    task_id = flyte2.task_id("contract.homeless")
    task_id.project = "never-made"
    spec = task_definition_pb2.TaskSpec()
    with refused(Code.NOT_FOUND):
        flyte2.tasks.deploy_task(task_service_pb2.DeployTaskRequest(task_id=task_id, spec=spec))


# -- triggers ---------------------------------------------------------------------------------------------------------


def cron(expression: str, zone: str = "") -> common_pb2.TriggerAutomationSpec:
    """A schedule."""
    schedule = common_pb2.Schedule(cron=common_pb2.Cron(expression=expression, timezone=zone))
    return common_pb2.TriggerAutomationSpec(type=common_pb2.TYPE_SCHEDULE, schedule=schedule)


def deploy_trigger(
    flyte2: Flyte2, name: str, automation: common_pb2.TriggerAutomationSpec, revision: int = 0
) -> identifier_pb2.TriggerName:
    """Deploys a trigger, inactive so that a real backend does not start runs."""
    flyte2.deploy("contract.triggered")
    trigger = identifier_pb2.TriggerName(
        org="local", project=flyte2.project, domain=DOMAIN, task_name="contract.triggered", name=name
    )
    flyte2.triggers.deploy_trigger(
        trigger_service_pb2.DeployTriggerRequest(
            name=trigger,
            revision=revision,
            spec=trigger_definition_pb2.TriggerSpec(active=False, task_version="v1"),
            automation_spec=automation,
        )
    )
    return trigger


def details(flyte2: Flyte2, trigger: identifier_pb2.TriggerName) -> trigger_definition_pb2.TriggerDetails:
    """A trigger as it stands."""
    return flyte2.triggers.get_trigger_details(trigger_service_pb2.GetTriggerDetailsRequest(name=trigger)).trigger


def test_a_trigger_lives_through_its_revisions(flyte2: Flyte2) -> None:
    """Deploy, activate, deactivate and delete are each a revision; a deleted trigger is NOT_FOUND."""
    trigger = deploy_trigger(flyte2, "living", cron("0 0 1 1 *", "Europe/London"))
    assert details(flyte2, trigger).automation_spec.schedule.cron.timezone == "Europe/London"
    for active in (True, False):
        flyte2.triggers.update_triggers(trigger_service_pb2.UpdateTriggersRequest(names=[trigger], active=active))
        assert details(flyte2, trigger).spec.active is active
    listed = flyte2.triggers.list_triggers(
        trigger_service_pb2.ListTriggersRequest(
            request=list_pb2.ListRequest(limit=50),
            project_id=identifier_pb2.ProjectIdentifier(organization="local", name=flyte2.project, domain=DOMAIN),
        )
    ).triggers
    assert "living" in {one.id.name.name for one in listed}
    flyte2.triggers.delete_triggers(trigger_service_pb2.DeleteTriggersRequest(names=[trigger]))
    with refused(Code.NOT_FOUND):
        details(flyte2, trigger)
    history = flyte2.triggers.get_trigger_revision_history(
        trigger_service_pb2.GetTriggerRevisionHistoryRequest(request=list_pb2.ListRequest(limit=50), name=trigger)
    ).triggers
    kinds = [trigger_definition_pb2.TriggerRevisionAction.Name(one.action).rpartition("_")[2] for one in history]
    assert kinds == ["DELETE", "DEACTIVATE", "ACTIVATE", "DEPLOY"]


def test_triggers_are_listed_by_filter_and_page(flyte2: Flyte2) -> None:
    """Filters on name and `active` hold, and pages follow one another without repeating a trigger."""
    names = {f"page{number}" for number in range(5)}
    for name in names:
        deploy_trigger(flyte2, name, cron("@yearly"))
    task = task_definition_pb2.TaskName(org="local", project=flyte2.project, domain=DOMAIN, name="contract.triggered")

    def listed(token: str = "", **filters: str) -> trigger_service_pb2.ListTriggersResponse:
        asked = [
            list_pb2.Filter(function=list_pb2.Filter.EQUAL, field=field, values=[value])
            for field, value in filters.items()
        ]
        by_name = list_pb2.Sort(key="name", direction=list_pb2.Sort.ASCENDING)
        request = list_pb2.ListRequest(limit=2, token=token, filters=asked, sort_by_fields=[by_name])
        return flyte2.triggers.list_triggers(trigger_service_pb2.ListTriggersRequest(request=request, task_name=task))

    found: list[str] = []
    page = listed(active="false")
    while True:
        found += [one.id.name.name for one in page.triggers]
        if not page.token:
            break
        page = listed(page.token, active="false")
    assert found == sorted(set(found))
    assert names <= set(found)
    assert [one.id.name.name for one in listed(name="page3").triggers] == ["page3"]
    assert not listed(active="true", name="page3").triggers
    with refused(Code.INVALID_ARGUMENT):
        listed(colour="red")


@pytest.mark.parametrize("expression", ["61 * * * *", "* * * *", "0 0 * * 7", "0 9 * * ? *", "@sometimes"])
def test_a_bad_cron_expression_is_refused(flyte2: Flyte2, expression: str) -> None:
    """DeployTrigger with a cron expression that robfig/cron does not read is INVALID_ARGUMENT."""
    with refused(Code.INVALID_ARGUMENT):
        deploy_trigger(flyte2, "bad", cron(expression))


def test_a_stale_revision_is_refused(flyte2: Flyte2) -> None:
    """DeployTrigger at a revision the trigger does not stand at changes nothing."""
    trigger = deploy_trigger(flyte2, "guarded", cron("@yearly"))
    deploy_trigger(flyte2, "guarded", cron("@monthly"), revision=1)
    with refused(Code.FAILED_PRECONDITION if flyte2.embedded else Code.INTERNAL):
        deploy_trigger(flyte2, "guarded", cron("@daily"), revision=1)
    assert details(flyte2, trigger).automation_spec.schedule.cron.expression == "@monthly"


@pytest.mark.notyet("the Go backend stores it, and its scheduler fires without end", there_alone=True)
def test_a_rate_of_zero_is_refused(flyte2: Flyte2) -> None:
    """A fixed rate of zero minutes is INVALID_ARGUMENT."""
    rate = common_pb2.FixedRate(value=0, unit=common_pb2.FIXED_RATE_UNIT_MINUTE)
    with refused(Code.INVALID_ARGUMENT, "at least 1"):
        deploy_trigger(flyte2, "zero", common_pb2.TriggerAutomationSpec(schedule=common_pb2.Schedule(rate=rate)))
