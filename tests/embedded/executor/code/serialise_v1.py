"""Writes the templates of `v1_tasks`, as flytekit registers them: `serialise_v1.py OUT [URI of a code distribution]`."""

import sys
from pathlib import Path

import v1_tasks
from flytekit.configuration import FastSerializationSettings, Image, ImageConfig, SerializationSettings
from flytekit.core.base_task import PythonTask
from flytekit.tools.translator import get_serializable

out = Path(sys.argv[1])
fast = (
    FastSerializationSettings(enabled=True, destination_dir="/root", distribution_location=sys.argv[2])
    if len(sys.argv) > 2
    else None
)
image = Image(name="default", fqn="example.org/flytekit", tag="1")
settings = SerializationSettings(
    image_config=ImageConfig(default_image=image), project="p", domain="development", version="v1",
    fast_serialization_settings=fast,
)  # fmt: skip
tasks = {name: thing for name, thing in vars(v1_tasks).items() if isinstance(thing, PythonTask)}
for name, task in tasks.items():
    spec = get_serializable({}, settings, task)
    (out / f"{name}.pb").write_bytes(spec.to_flyte_idl().template.SerializeToString())
from collections import OrderedDict

found = OrderedDict()
get_serializable(found, settings, v1_tasks.mapped)
for entity, spec in found.items():
    if type(entity).__name__ == "ArrayNodeMapTask":
        (out / "mapped.pb").write_bytes(spec.to_flyte_idl().template.SerializeToString())
