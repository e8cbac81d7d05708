"""Flyte 1 Python text to Flyte 2 Python text: one module per Flyte 1 concept, in the order of `CONCEPTS`."""

from __future__ import annotations

from collections.abc import Mapping

from flyte_bridge_translators.source.check import captured, reserved_names
from flyte_bridge_translators.source.data import bodies, enum, named_types, optional
from flyte_bridge_translators.source.driver import echo, imperative, instance_tasks, workflow
from flyte_bridge_translators.source.engine import imports
from flyte_bridge_translators.source.engine.entities import Facts
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Concept, Context, Options
from flyte_bridge_translators.source.engine.unfolding import unfolded
from flyte_bridge_translators.source.runtime import (
    checkpoint,
    deck,
    entity_attributes,
    errors,
    leftovers,
    logger,
    main_block,
)
from flyte_bridge_translators.source.runtime import context as current_context
from flyte_bridge_translators.source.settings import (
    cache,
    container_task,
    documentation,
    environment,
    image_spec,
    launch_plan,
    launch_plan_loops,
    pickle_untyped,
    pod_template,
    resources,
    secret,
    setting,
    task,
    task_config,
)

CONCEPTS: tuple[Concept, ...] = (
    Concept("echo", "Its input.", unfold=echo.unfold),
    Concept("imperative workflow", "A task like any workflow's.", imperative.translate, unfold=imperative.unfold),
    Concept(
        "instance tasks",
        "A task that runs the script, or looks for the file.",
        instance_tasks.translate,
        unfold=instance_tasks.unfold,
    ),
    Concept(
        "pickle untyped", "`Any`, where nothing is annotated.", pickle_untyped.translate, unfold=pickle_untyped.unfold
    ),
    Concept(
        "environment",
        "A `flyte.TaskEnvironment` for tasks that share what only an environment can hold.",
        environment.translate,
    ),
    Concept(
        "task",
        "`@task` is `@env.task`; each setting moves along or is reported.",
        task.translate,
        cases=("task", "retries"),
    ),
    Concept(
        "launch plan",
        "A `flyte.Trigger` of the workflow's task, or a small task that calls it.",
        launch_plan.translate,
        unfold=launch_plan_loops.unfold,
        cases=("launch_plan", "schedule", "notification"),
    ),
    Concept("cache", "A `flyte.Cache` with Flyte 1's version.", write=cache.convert, claims=(cache.NAME,)),
    Concept(
        "documentation",
        "A `flyte.Documentation` with one description.",
        write=documentation.convert,
        claims=(documentation.NAME,),
    ),
    Concept(
        "labels",
        "A plain dictionary.",
        write=documentation.mapping,
        claims=tuple(documentation.LABELS),
        cases=("launch_plan",),
    ),
    Concept("image spec", "A `flyte.Image`, layer by layer.", write=image_spec.convert, claims=(image_spec.NAME,)),
    Concept(
        "pod template",
        "A `flyte.PodTemplate`.",
        write=pod_template.convert,
        claims=(pod_template.NAME, task_config.POD, "flytekitplugins.pod.task.Pod"),
    ),
    Concept(
        "resources",
        "One `flyte.Resources` for requests, limits, accelerator and shared memory.",
        write=resources.convert,
        claims=(resources.NAME,),
    ),
    Concept("secret", "A `flyte.Secret`, read from the environment.", write=secret.convert, claims=(secret.NAME,)),
    Concept("image methods", "A layer of the `flyte.Image`.", write=image_spec.method, cases=("image_spec",)),
    Concept(
        "container task",
        "A `flyte.extras.ContainerTask` in an environment of its own.",
        write=container_task.convert,
        claims=(container_task.NAME,),
    ),
    Concept("task config", "The plugin's configuration for Flyte 2.", write=task_config.convert),
    Concept(
        "setting",
        "The same Flyte 2 settings, where they stand outside decorators.",
        setting.translate,
        cases=("resources", "secret", "image_spec"),
    ),
    Concept(
        "workflow",
        "An async task whose calls start when their own inputs are there.",
        workflow.translate,
        cases=("conditional", "dynamic", "eager", "gate", "map_task", "node", "reference", "workflow"),
    ),
    Concept("entity attributes", "The same, where Flyte 2 has it under another name.", entity_attributes.translate),
    Concept("reserved names", "Names that Flyte 2 keeps for itself are reported.", reserved_names.translate),
    Concept("main block", "`flyte.run` of the workflow.", main_block.translate),
    Concept("context", "`flyte.ctx()` and the environment.", current_context.translate),
    Concept("deck", "A tab of the task's report.", deck.translate),
    Concept("checkpoint", "`load` and `save` of `flyte.ctx().checkpoint`.", checkpoint.translate),
    Concept("logger", "`flyte.logger`.", logger.translate),
    Concept("errors", "The errors of `flyte.errors`.", errors.translate),
    Concept(
        "values of data types",
        "`flyte.io` files, directories and frames in bodies.",
        bodies.translate,
        cases=("file", "directory", "structured_dataset", "schema", "outputs", "numbers"),
    ),
    Concept("types", "The types of `flyte.io` in annotations.", named_types.translate),
    Concept("optional", "A default of `None` with a type that allows it.", optional.translate),
    Concept("enum", "The same enum; a member travels by its name, not by its value.", enum.translate),
    Concept("leftovers", "What has no counterpart goes, or is reported.", leftovers.translate),
    Concept(
        "captured names",
        "Modules under another name where the user's names hide theirs.",
        finish=captured.translate,
        cases=("names",),
    ),
    Concept("imports", "What nobody uses goes, what the new code needs comes.", finish=imports.translate),
)
"""Everything that is converted, in order: where two claim the same node, the earlier wins."""


def written_out(module: Module) -> Module:
    """A file with the forms of Flyte 1 that only build something written out in its plain words."""
    return unfolded(module, (concept.unfold for concept in CONCEPTS if concept.unfold is not None))


def context(facts: Mapping[str, Facts], options: Options | None = None) -> Context:
    """What translators may know of a project of these facts: what is converted with it is in `CONCEPTS`."""
    return Context(facts, options or Options(), CONCEPTS)
