"""What Flyte 1's engine calls things, and its limits: flytepropeller and flyteadmin 1.16."""

from __future__ import annotations

START, END = "start-node", "end-node"
"""The nodes that stand for a workflow's inputs and outputs; a promise to the first may leave the id empty."""

SENTINELS = frozenset((START, END))

BAD_SPECIFICATION = "BadSpecificationError"
"""Code of a closure that cannot be run as it is (`nodes/errors/codes.go`)."""

RUNTIME_EXECUTION = "RuntimeExecutionError"
"""Code of what the engine itself could not do."""

BAD_TASK = "BadTaskSpecification"
"""Code of a task that cannot be run as it is registered (`flyteplugins/go/tasks/errors`)."""

UNKNOWN = "UnknownError"
"""Code of a failure that says nothing of itself."""

TASK_NOT_FOUND = "TaskReferenceNotFound"
WORKFLOW_NOT_FOUND = "WorkflowReferenceNotFound"
"""Codes of what a node names and its closure lacks (`pkg/compiler/errors`)."""

MAX_PARALLELISM = 25
"""Task, array and launch plan nodes of an execution that run at once where nobody says how many (flyteadmin's
`pkg/runtime/application_config_provider.go`)."""
