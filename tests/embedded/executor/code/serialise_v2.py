"""Writes the templates of `v2_tasks`, as the flyte SDK deploys them: `serialise_v2.py OUT`."""

import sys
from pathlib import Path

import v2_tasks
from flyte._internal.runtime.task_serde import translate_task_to_wire
from flyte._task import TaskTemplate
from flyte.models import SerializationContext

out = Path(sys.argv[1])
context = SerializationContext(
    version="v1", project="p", domain="development", org="local", root_dir=Path(__file__).parent, image_cache=None
)
for name, task in vars(v2_tasks).items():
    if isinstance(task, TaskTemplate):
        spec = translate_task_to_wire(task, context)
        (out / f"v2.{name}.pb").write_bytes(spec.task_template.SerializeToString())
