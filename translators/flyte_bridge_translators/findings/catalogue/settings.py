"""FB3xx: task settings, environments, images, resources, cache, secrets, launch plans, schedules."""

from __future__ import annotations

from flyte_bridge_translators.findings import Code, Severity

_TASK = (
    Code(
        "FB301",
        "task setting without a counterpart",
        Severity.CHECK,
        "Flyte 2 has no such setting for a task, so it was left out.",
        "Read the message: it says what the setting did; do that another way if you relied on it.",
    ),
    Code(
        "FB302",
        "settings cannot be read",
        Severity.HAND,
        "The settings are computed (`**kwargs`, a call, an imported value), so what belongs to the environment and what to "
        "the task cannot be told.",
        "Write the settings out, or put them into the task environment and the decorator by hand.",
    ),
    Code(
        "FB303",
        "retries count every exception",
        Severity.CHECK,
        "Flyte 1 retried only `FlyteRecoverableException` and system failures; Flyte 2 retries every exception unless it is a "
        "`flyte.errors.NonRecoverableError`.",
        "Convert with `--retries=faithful` to keep Flyte 1's rule, or raise `flyte.errors.NonRecoverableError` where a retry "
        "is useless.",
    ),
    Code(
        "FB304",
        "setting had no effect",
        Severity.NOTE,
        "Flyte 1 ignored this setting because another one it depends on is missing.",
        "Nothing to do, unless you meant it to work.",
    ),
    Code(
        "FB305",
        "pod template cannot be merged",
        Severity.HAND,
        "Flyte 1 combined several settings into one pod; Flyte 2 takes one pod template.",
        "Write one `flyte.PodTemplate` that holds all of it.",
    ),
    Code(
        "FB306",
        "plugin configuration",
        Severity.CHECK,
        "The plugin has a package for Flyte 2, but some fields changed their names or defaults.",
        "Install the package the message names and compare the fields.",
    ),
    Code(
        "FB307",
        "deck fields are not shown",
        Severity.NOTE,
        "A Flyte 2 report holds what the task writes; Flyte 1's automatic tabs (source, dependencies, timeline, inputs, "
        "outputs) are in the console instead.",
        "Nothing to do, unless someone reads those tabs outside the console.",
    ),
)

_IMAGE = (
    Code(
        "FB311",
        "image must hold flyte",
        Severity.CHECK,
        "A ready-made image of Flyte 1 holds flytekit; a task of Flyte 2 needs the package `flyte` in its image.",
        "Add `flyte` to the image, or build it from `flyte.Image.from_debian_base()`.",
    ),
    Code(
        "FB312",
        "image setting without a counterpart",
        Severity.CHECK,
        "`flyte.Image` has no such setting, so it was left out.",
        "Read the message: it says where the setting lives now.",
    ),
    Code(
        "FB313",
        "image needs a hand",
        Severity.HAND,
        "Part of this image cannot be written with `flyte.Image` as it was.",
        "Read the message and complete the image.",
    ),
    Code(
        "FB314",
        "imports guarded by an image",
        Severity.CHECK,
        "`is_container()` asked whether the code runs in that image; Flyte 2 has no such question, so the guarded modules are "
        "imported wherever they are installed.",
        "Prefer importing them inside the tasks that use them.",
    ),
    Code(
        "FB315",
        "image of a driver",
        Severity.CHECK,
        "A workflow runs in its own pod in Flyte 2 and imports the modules of everything it calls, so its image needs their "
        "import-time packages.",
        "Make sure that the image named in the message can import all of them.",
    ),
    Code(
        "FB316",
        "package that came with flytekit",
        Severity.CHECK,
        "The file, or a module of the project that it imports, imports a package that flytekit requires and flyte does not. It was "
        "in every image of Flyte 1; this image is ready-made, so it could not be added.",
        "Add the package to the image, beside `flyte`.",
    ),
    Code(
        "FB317",
        "environments in a circle",
        Severity.CHECK,
        "Workflows with different settings call each other. Flyte 2 cannot deploy environments that depend on each other in a "
        "circle, so one dependency was left out.",
        "Deploy the whole module, not the one environment, or move one of the workflows to an environment of its own.",
    ),
    Code(
        "FB318",
        "name that could not stay",
        Severity.CHECK,
        "The table of names (`--renames`) has another name from an earlier conversion. It cannot stay: what shared an environment "
        "differs in its settings now, or the other way round.",
        "Change the callers that use the old name; the table has the new one.",
    ),
    Code(
        "FB319",
        "two environments of one name",
        Severity.CHECK,
        "Environments are called after the path of their file, and two paths give the same name (`a-b.py` and `a/b.py`, files of "
        "two projects). Flyte 2 wants each name once, so the later one got a mark, which it has not when it is converted alone.",
        "Keep the names with `--renames FILE`, or choose others in that file.",
    ),
)

_RESOURCES = (
    Code(
        "FB321",
        "resources cannot be merged",
        Severity.HAND,
        "Requests and limits are one `flyte.Resources` in Flyte 2; one of the two could not be read.",
        "Write one `flyte.Resources(cpu=(request, limit), memory=(request, limit), …)`.",
    ),
    Code(
        "FB322",
        "one value where there were two",
        Severity.CHECK,
        "Flyte 2 takes one value for gpu, disk and shared memory; the limit was kept.",
        "Make sure that the limit is what the task should request.",
    ),
    Code(
        "FB323",
        "accelerator",
        Severity.CHECK,
        "The accelerator is written differently in Flyte 2, or selects nodes by another label.",
        "Compare the label with those of your nodes.",
    ),
)

_SECRET = (
    Code(
        "FB331",
        "secret must be created again",
        Severity.NOTE,
        "Flyte 2 keeps secrets in its own store and hands them to the task as environment variables.",
        "Create it with `flyte create secret`.",
    ),
    Code(
        "FB332",
        "secret is not requested here",
        Severity.CHECK,
        "The secret is read in a task that does not request it, so nothing would set its environment variable.",
        "Add the secret to the environment of the task that reads it.",
    ),
    Code(
        "FB333",
        "secret needs a hand",
        Severity.HAND,
        "Flyte 2 has no secrets without a key and no secret versions, and mounts files only under /etc/flyte/secrets.",
        "Name the secret by key (and group), and read it from its environment variable.",
    ),
)

_LAUNCH_PLAN = (
    Code(
        "FB341",
        "launch plan became a task",
        Severity.NOTE,
        "A trigger belongs to a task and stands in its file; this launch plan is of a workflow in another file, or has inputs "
        "that a trigger cannot carry (beside the time it fires at it carries none), so it became a small task with the trigger "
        "on it.",
        "Nothing to do; move the trigger to the workflow itself when its inputs allow it.",
    ),
    Code(
        "FB342",
        "launch plan setting without a counterpart",
        Severity.CHECK,
        "A trigger has no such setting, so it was left out.",
        "Read the message: it says where the setting lives now.",
    ),
    Code(
        "FB343",
        "launch plan cannot be read",
        Severity.HAND,
        "The launch plan is made in a loop or a function, or its workflow is not a name, so its trigger could not be written.",
        "Write one `flyte.Trigger` per launch plan and list them in the workflow's decorator.",
    ),
    Code(
        "FB344",
        "fixed inputs can be overridden",
        Severity.NOTE,
        "A trigger's inputs are defaults: whoever starts it by hand may give others.",
        "Nothing to do for scheduled runs.",
    ),
    Code(
        "FB345",
        "schedule changes",
        Severity.CHECK,
        "Part of the schedule is said differently in Flyte 2.",
        "Compare the next fire times.",
    ),
    Code(
        "FB346",
        "schedule needs a hand",
        Severity.HAND,
        "The schedule uses something cron with five fields cannot say.",
        "Write the schedule as `flyte.Cron` or `flyte.FixedRate`.",
    ),
    Code(
        "FB347",
        "notification by e-mail",
        Severity.NOTE,
        "Slack and PagerDuty notifications of Flyte 1 are e-mails to their addresses, and stay so.",
        "Use `flyte.notify.Slack` with a webhook for a real Slack message.",
    ),
    Code(
        "FB348",
        "parallelism counts the driver",
        Severity.CHECK,
        "In Flyte 2 the driver of a workflow takes one of the slots while it waits, so the limit is one higher; sub-workflows "
        "take one each.",
        "Raise it by the number of sub-workflows that run at the same time.",
    ),
    Code(
        "FB349",
        "default launch plan",
        Severity.NOTE,
        "A launch plan without a name is the workflow itself.",
        "Start the workflow's task.",
    ),
)

_REFERENCE = (
    Code(
        "FB351",
        "reference to a registered entity",
        Severity.HAND,
        "A reference names something registered on Flyte 1, with its name and version there. It became a `flyte.remote.Task.get`; "
        "the name in Flyte 2 is known where the table of names (`--renames`) has it, or it is converted together with this file.",
        'Name the deployed task and its version, or `auto_version="latest"`, once the target is converted and deployed.',
    ),
)

CODES = (*_TASK, *_IMAGE, *_RESOURCES, *_SECRET, *_LAUNCH_PLAN, *_REFERENCE)
