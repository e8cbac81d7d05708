"""FB2xx: workflows, dynamics, maps, conditionals, nodes, gates."""

from __future__ import annotations

from flyte_bridge_translators.findings import Code, Severity

CODES: tuple[Code, ...] = (
    Code(
        "FB204",
        "override left out",
        Severity.HAND,
        "`with_overrides` had a setting that `task.override(...)` of Flyte 2 does not have, or that cannot be merged here.",
        "Declare the task again in an environment with this setting, and call that one.",
    ),
    Code(
        "FB205",
        "launch plan of an unknown workflow",
        Severity.HAND,
        "A launch plan is called as a node, but its workflow is not among the converted files, so what to call is not known.",
        "Convert its workflow together with this file, or call the deployed task with `flyte.remote.Task.get(...)`.",
    ),
    Code(
        "FB206",
        "launch plan called as a task",
        Severity.CHECK,
        "In Flyte 1 a launch plan called in a workflow is an execution of its own. Its workflow is now called as a task of "
        "the same run, with the launch plan's inputs.",
        "Use `flyte.run` inside the task when a run of its own is wanted.",
    ),
    Code(
        "FB207",
        "call of something not converted here",
        Severity.CHECK,
        "A driver calls a name by keywords only, as tasks are called, that is imported from a module outside the converted "
        "files. Whether it is a task cannot be seen, so the call was left as it is.",
        "Convert the module together with this file; or, if it is a task, await it by hand.",
    ),
    Code(
        "FB211",
        "waits longer than Flyte 1",
        Severity.CHECK,
        "Flyte 1 starts each call when its own inputs are there, whatever it stands in. Here a loop, a comprehension or a block "
        "with calls is one step: its calls run one after the other because an iteration needs the one before it or may end "
        "the loop, or they wait for what only some of them need, or whoever uses one of the results waits for all. The "
        "results are the same; some of them may be there later.",
        "Check whether the wait matters; if so, start what is independent with `asyncio.create_task` and await it where it is "
        "used.",
    ),
    Code(
        "FB212",
        "map setting left out",
        Severity.HAND,
        "A setting of `map_task` or of its `metadata` has no counterpart in a gather of calls.",
        "Set it on the task, or leave it.",
    ),
    Code(
        "FB213",
        "map over something unknown",
        Severity.HAND,
        "What is mapped is not a task, workflow or partial of one that is known here.",
        "Write the calls as `await asyncio.gather(*(f.aio(x=x) for x in xs))`.",
    ),
    Code(
        "FB221",
        "value frozen at registration",
        Severity.CHECK,
        "Flyte 1 ran a workflow's plain Python once, when it was registered; Flyte 2 runs it in every run, and again when "
        "the driver restarts. Time, environment and chance then give other values.",
        "Keep it if a value per run is meant; else make it an input, or use `flyte.durable.now`.",
    ),
    Code(
        "FB222",
        "task called where nothing can be awaited",
        Severity.HAND,
        "A function or lambda inside a driver calls a task; it must be a coroutine to await it.",
        "Make it an `async def` that awaits the task, and await its callers.",
    ),
    Code(
        "FB223",
        "field of a result without a name",
        Severity.HAND,
        "The caller of a task in Flyte 2 sees a plain tuple. The fields of this result are read by name where it cannot be told "
        "which call gave it, and its NamedTuple is written in the annotation, so that it cannot be made again.",
        "Give the NamedTuple a name at module level, or read the fields by place.",
    ),
    Code(
        "FB231",
        "gate became a condition",
        Severity.CHECK,
        "`approve` and `wait_for_input` are conditions in Flyte 2; signals of Flyte 1 clients do not reach them.",
        "Signal with `flyte signal condition` or `flyte.remote.Condition.get(...).signal(...)`.",
    ),
    Code(
        "FB232",
        "gate type not supported",
        Severity.HAND,
        "A condition of Flyte 2 carries bool, int, float or str only.",
        "Wait for a str and parse it, for example with `json.loads`.",
    ),
    Code(
        "FB241",
        "workflow setting",
        Severity.CHECK,
        "A setting of `@workflow` is written as code of the body, or has no counterpart.",
        "Read the body; what it does is said in the message.",
    ),
    Code(
        "FB242",
        "conditional not understood",
        Severity.HAND,
        "This chain of calls on `conditional(...)` is not if_, elif_, else_, then and fail in order, or its arms give outputs of "
        "different names.",
        "Write it as `if/elif/else`.",
    ),
    Code(
        "FB243",
        "circular order",
        Severity.CHECK,
        "The order between these nodes is a circle; the order of the text was kept instead.",
        "Remove one of the `>>`.",
    ),
    Code(
        "FB244",
        "failure handler not known",
        Severity.HAND,
        "The workflow has an `on_failure` handler that is not a task or workflow known here, so how to call it is not known.",
        "Wrap the body in `try`, await the handler in `except`, and raise again.",
    ),
    Code(
        "FB245",
        "order not kept",
        Severity.HAND,
        "`>>` or `runs_before` puts nodes in order that are not known by name here (elements of a list, nodes of another block).",
        "Await the first before the second starts.",
    ),
    Code(
        "FB251",
        "task called inside a task",
        Severity.CHECK,
        "Flyte 1 runs a task that is called inside another task as a plain function, in the same process; in Flyte 2 the "
        "same text would be a child action. The plain function is called.",
        "Await the task instead when a child action is wanted.",
    ),
    Code(
        "FB252",
        "workflow called inside a task",
        Severity.HAND,
        "Flyte 1 ran a workflow that a task calls in the same process; it is an async driver now, which a plain task cannot "
        "await.",
        "Make the task async and await the driver, or call the driver's tasks directly.",
    ),
    Code(
        "FB253",
        "coroutine function called by plain Python",
        Severity.HAND,
        "Workflows call this function, and it calls tasks, so it is a coroutine function now; this caller cannot await it.",
        "Await it, or run it with `asyncio.run`; in a task, call the tasks' plain functions (`task.forward`) instead.",
    ),
    Code(
        "FB254",
        "task given to code that cannot await it",
        Severity.HAND,
        "Flyte 1 let `map(f, xs)`, a thread pool or a library call a task as a function; in Flyte 2 a driver has to await it, and "
        "such code does not.",
        "Write the loop: `await asyncio.gather(*(f.aio(x=x) for x in xs))`, or `flyte.map.aio(f, xs)`.",
    ),
    Code(
        "FB255",
        "name of a task or workflow",
        Severity.CHECK,
        "`task.name` was `module.function`. In Flyte 2 it is the name of the environment, a dot, and that of the function.",
        "Check what the name is used for; the table of names that `convert` prints has both.",
    ),
    Code(
        "FB256",
        "attribute of a task or workflow",
        Severity.HAND,
        "Flyte 2 has no such attribute, or it means something else there.",
        "Read the message: it says what is there instead.",
    ),
    Code(
        "FB257",
        "input with a name of Flyte 2's own",
        Severity.HAND,
        "Inputs go beside the parameters of Flyte 2's own functions, and one of those has this name (flyte 2.12).",
        "Rename the input, here and where it is given.",
    ),
    Code(
        "FB258",
        "module called flyte",
        Severity.HAND,
        "A module or package of the project is called `flyte`; where the project is on the path, the SDK cannot be imported.",
        "Rename the module.",
    ),
)
