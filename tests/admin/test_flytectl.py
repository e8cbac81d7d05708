"""The lists that flytectl asks for: its default filter, and the field selectors of its own help.

Sources: flytectl's `pkg/filters/{type,util,filters}.go`, `pkg/ext/*_fetcher.go`, and the texts of `flytectl get … --help`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flyteidl.admin import common_pb2, launch_plan_pb2, node_execution_pb2, project_pb2, task_execution_pb2
from flyteidl.core import identifier_pb2

from admin.control import DOMAIN, PROJECT

if TYPE_CHECKING:
    from admin.control import Control

PLACE = {"project": PROJECT, "domain": DOMAIN}
DEFAULT: dict[str, Any] = {"limit": 100, "sort_by": common_pb2.Sort(key="created_at")}
"""`DefaultFilter`: the newest 100."""

SELECTORS = {
    "ListExecutions": ["value_in(execution.phase,FAILED;SUCCEEDED)+lt(execution.duration,200)", "eq(execution.name,x)"],
    "ListTasks": ["eq(task.name,flows.plus)+eq(task.version,v1)", "gte(created_at,2021-05-24T21:43:12.325335Z)"],
    "ListWorkflows": [
        "eq(workflow.name,flows.child)",
        "eq(workflow.version,v1)+gte(created_at,2021-05-24T21:43:12Z)",
    ],
    "ListLaunchPlans": ["eq(name,flows.child)+eq(version,v1)", "ne(launch_plan.state,1)"],
}


@pytest.mark.parametrize("rpc", SELECTORS)
def test_entities_are_listed(admin: Any, rpc: str) -> None:
    """By default, of one name, the newest version, a page further, and by selectors."""
    call = getattr(admin, rpc)
    everything = common_pb2.NamedEntityIdentifier(**PLACE)
    call(common_pb2.ResourceListRequest(id=everything, **DEFAULT))
    call(common_pb2.ResourceListRequest(id=everything, **DEFAULT, token="100"))
    ascending = common_pb2.Sort(key="created_at", direction=common_pb2.Sort.ASCENDING)
    call(common_pb2.ResourceListRequest(id=everything, limit=1, sort_by=ascending))
    if rpc != "ListExecutions":
        named = common_pb2.NamedEntityIdentifier(name="flows.plus", **PLACE)
        call(common_pb2.ResourceListRequest(id=named, **{**DEFAULT, "limit": 1}))
    for selector in SELECTORS[rpc]:
        call(common_pb2.ResourceListRequest(id=everything, **DEFAULT, filters=selector))


@pytest.mark.parametrize("selector", ["", "eq(project.name,flytesnacks)", "ne(state,1)", "contains(name,snacks)"])
def test_projects_are_listed(admin: Any, selector: str) -> None:
    """A plain `get project` is sorted by time; `--filter.page 2` has a token."""
    found = admin.ListProjects(project_pb2.ProjectListRequest(**DEFAULT, filters=selector))
    assert PROJECT in [project.id for project in found.projects]
    assert not admin.ListProjects(project_pb2.ProjectListRequest(**DEFAULT, filters=selector, token="100")).projects


@pytest.mark.parametrize("kind", [identifier_pb2.TASK, identifier_pb2.WORKFLOW, identifier_pb2.LAUNCH_PLAN])
def test_names_are_listed(admin: Any, kind: int) -> None:
    """`get workflow` without a name asks for names; active launch plans have a list of their own."""
    by_name = {**DEFAULT, "sort_by": common_pb2.Sort(key="name")}
    admin.ListNamedEntities(common_pb2.NamedEntityListRequest(resource_type=kind, **PLACE, **by_name))
    admin.ListActiveLaunchPlans(launch_plan_pb2.ActiveLaunchPlanListRequest(**PLACE, **DEFAULT))


def test_the_details_of_an_execution(control: Control, flows: Any, admin: Any) -> None:
    """`get execution NAME --details`: nodes, those below each, data and attempts, in no order."""
    done = control.run(flows.child, {"a": 1})
    execution = done.id.to_flyte_idl()
    nodes = admin.ListNodeExecutions(
        node_execution_pb2.NodeExecutionListRequest(workflow_execution_id=execution, limit=100)
    ).node_executions
    assert len(nodes) > 2
    for node in nodes:
        admin.GetNodeExecutionData(node_execution_pb2.NodeExecutionGetDataRequest(id=node.id))
        below = node_execution_pb2.NodeExecutionListRequest(
            workflow_execution_id=execution, unique_parent_id=node.id.node_id, limit=100
        )
        assert not admin.ListNodeExecutions(below).node_executions
        attempts = admin.ListTaskExecutions(
            task_execution_pb2.TaskExecutionListRequest(node_execution_id=node.id, limit=100)
        )
        assert len(attempts.task_executions) == (node.id.node_id not in {"start-node", "end-node"})
