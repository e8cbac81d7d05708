"""A Flyte 1 user's script: registers and runs `eagers.plan` where the environment says Flyte is."""

import json

import eagers
from flytekit.configuration import Config, Image, ImageConfig, SerializationSettings
from flytekit.remote import FlyteRemote

remote = FlyteRemote(Config.auto(), default_project="flytesnacks", default_domain="development")
image = ImageConfig(default_image=Image(name="default", fqn="example.org/any", tag="1"))
settings = SerializationSettings(image_config=image, project="flytesnacks", domain="development", version="v1")
for task in (eagers.inc, eagers.add):
    remote.register_task(task, settings, version="v1")
remote.register_workflow(eagers.twice, settings, version="v1")
plan = remote.register_task(eagers.plan, settings, version="v1")
execution = remote.wait(remote.execute(plan, inputs={"x": 1}, wait=False))
told = [] if execution.error else [execution.outputs.get("o0", as_type=int), execution.outputs.get("o1", as_type=bool)]
print("TOLD", json.dumps([execution.closure.phase, str(execution.error), told]))
