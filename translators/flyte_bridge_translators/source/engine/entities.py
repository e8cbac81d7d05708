"""The tasks, workflows and launch plans of a file, as the rest of a project needs to know them.

`read(module)` looks at definitions only, so it can be done for a whole project before anything is converted; what comes out
holds no syntax nodes and can cross a process boundary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

import libcst as cst

from flyte_bridge_translators.source.engine.constants import classes, constants
from flyte_bridge_translators.source.engine.holdings import Holdings
from flyte_bridge_translators.source.engine.house_decorators import applied_in_place, house_maker
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.syntax import parsed
from flyte_bridge_translators.source.engine.tree import code, dotted, string_value


class Kind(str, Enum):
    """What an entity is in Flyte 1."""

    TASK = "task"
    WORKFLOW = "workflow"
    DYNAMIC = "dynamic"
    EAGER = "eager"
    LAUNCH_PLAN = "launch plan"
    REFERENCE = "reference"
    INSTANCE = "task instance"
    """A task made by a constructor: `ShellTask(…)`, `ContainerTask(…)`, `SQLTask(…)`, a plugin's."""
    IMPERATIVE = "imperative workflow"

    @property
    def is_driver(self) -> bool:
        """Whether it calls other entities, so that it becomes an async task in the driver environment."""
        return self in {Kind.WORKFLOW, Kind.DYNAMIC, Kind.EAGER}


DECORATORS: Mapping[str, Kind] = {
    "flytekit.task": Kind.TASK,
    "flytekit.workflow": Kind.WORKFLOW,
    "flytekit.dynamic": Kind.DYNAMIC,
    "flytekit.eager": Kind.EAGER,
    "flytekit.reference_task": Kind.REFERENCE,
    "flytekit.reference_workflow": Kind.REFERENCE,
    "flytekit.reference_launch_plan": Kind.REFERENCE,
}
"""Decorators that make an entity of a function. `flytekit.Environment(...)` objects are told apart by their assignment."""

ENVIRONMENTS = frozenset({"flytekit.Environment", "union.ActorEnvironment", "union.actor.ActorEnvironment"})
"""What makes an object whose `.task` is a decorator."""

CONSTRUCTORS: Mapping[str, Kind] = {
    "flytekit.LaunchPlan": Kind.LAUNCH_PLAN,
    "flytekit.LaunchPlan.create": Kind.LAUNCH_PLAN,
    "flytekit.LaunchPlan.get_or_create": Kind.LAUNCH_PLAN,
    "flytekit.LaunchPlan.get_default_launch_plan": Kind.LAUNCH_PLAN,
    "flytekit.Workflow": Kind.IMPERATIVE,
    "flytekit.ContainerTask": Kind.INSTANCE,
    "flytekit.SQLTask": Kind.INSTANCE,
    "flytekit.extras.tasks.shell.ShellTask": Kind.INSTANCE,
    "flytekit.extras.tasks.shell.RawShellTask": Kind.INSTANCE,
    "flytekit.get_reference_entity": Kind.REFERENCE,
}
"""Calls whose result, assigned to a module-level name, is an entity."""


HOUSE = "a decorator of the house"
"""What `entity_decorator` says of a function whose decorator is defined in the file."""


@dataclass(frozen=True)
class Parameter:
    """One parameter, as text."""

    name: str
    annotation: str | None = None
    default: str | None = None


@dataclass(frozen=True)
class Outputs:
    """What an entity returns.

    Attributes:
        kind: `none`, `single`, `tuple`, `named` (a NamedTuple) or `unknown` (no annotation).
        names: Flyte 1's output names: `o0`, `o1`… or the fields of the NamedTuple.
        annotations: The type of each, as text.
        named_tuple: For an annotation that may be a NamedTuple: its qualified name; `Context.outputs` looks it up.
    """

    kind: str
    names: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    named_tuple: str | None = None


@dataclass(frozen=True)
class Entity:
    """One task, workflow or launch plan.

    Attributes:
        kind: What it is.
        name: Its name in its module.
        module: The dotted module that defines it.
        parameters: In order, without `*` and `**`.
        outputs: See `Outputs`.
        is_async: Whether the Flyte 1 function is `async def`.
        nested: Whether it is defined inside a function or class.
        environment: The variable that holds its task environment after conversion, in its own module.
        target: For a launch plan: the qualified name of its workflow.
        bound: For a launch plan: its fixed and default inputs, name → text.
        image: The image its decorator names, as text.
    """

    kind: Kind
    name: str
    module: str
    parameters: tuple[Parameter, ...] = ()
    outputs: Outputs = Outputs("unknown")
    is_async: bool = False
    nested: bool = False
    environment: str | None = None
    target: str | None = None
    bound: tuple[tuple[str, str], ...] = ()
    image: str | None = None

    @property
    def qualified(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True)
class Facts:
    """What one file tells the rest of a project.

    Attributes:
        module: Its dotted name.
        entities: Qualified name → entity.
        named_tuples: Qualified name → ((field, annotation), …).
        exports: Every module-level name (for star imports).
        reexports: Module-level names that are imports: name → qualified.
        resources: Qualified name of a module-level `Resources(…)` → its ((field, text), …).
        strings: Qualified name of a module-level string constant → its value.
        images: Qualified names of module-level `ImageSpec`s.
        classes: Qualified name of a class with annotated fields (dataclass, model, NamedTuple) → ((field, annotation), …).
        enums: Qualified names of enums.
        holdings: What its names may hold, as far as calls go.
        imports: What it imports, as dotted names: of `from a import b` both `a` and `a.b`.
        inner_imports: Those of them that only functions import.
        stars: The modules that it imports everything from.
        values: Module-level names that are another name for something of flytekit's: `step = flytekit.task`.
        place: Its path below its project's root, with dots; its environments are called after it.
        kept_environments: Variable of an environment → the name that it keeps from an earlier conversion.
    """

    module: str
    entities: Mapping[str, Entity] = field(default_factory=dict)
    named_tuples: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    exports: frozenset[str] = frozenset()
    reexports: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    strings: Mapping[str, str] = field(default_factory=dict)
    images: frozenset[str] = frozenset()
    classes: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    enums: frozenset[str] = frozenset()
    holdings: Holdings = field(default_factory=Holdings)
    imports: frozenset[str] = frozenset()
    inner_imports: frozenset[str] = frozenset()
    stars: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    place: str = ""
    kept_environments: Mapping[str, str] = field(default_factory=dict)


def entity_decorator(module: Module, function: cst.FunctionDef) -> tuple[cst.Decorator, Kind, str] | None:
    """The decorator that makes an entity of a function, what it makes, and the Flyte 1 name it goes by.

    None for a function with two of them, which flytekit refuses.
    """
    made = [one for decorator in function.decorators if (one := _entity_made_by(module, decorator)) is not None]
    return made[0] if len(made) == 1 else None


def _entity_made_by(module: Module, decorator: cst.Decorator) -> tuple[cst.Decorator, Kind, str] | None:
    expression = decorator.decorator
    target = expression.func if isinstance(expression, cst.Call) else expression
    name = module.names.qualified(target)
    if name is not None and name in DECORATORS:
        return decorator, DECORATORS[name], name
    maker = house_maker(module, target)
    if maker is not None:
        return decorator, DECORATORS[maker], HOUSE
    base = _environment_base(module, target)
    if base is not None:
        return decorator, base, "flytekit.Environment"
    return None


def _environment_base(module: Module, target: cst.BaseExpression) -> Kind | None:
    """`@env.task` / `@env.dynamic` where `env = flytekit.Environment(...)` (or `env` itself called as a decorator)."""
    if isinstance(target, cst.Attribute) and isinstance(target.value, cst.Name):
        value = module.definition(target.value.value)
        if isinstance(value, cst.Call):
            func = value.func
            while isinstance(func, cst.Attribute) and func.attr.value == "extend" and isinstance(func.value, cst.Name):
                inner = module.definition(func.value.value)
                if not isinstance(inner, cst.Call):
                    return None
                func = inner.func
            if module.names.qualified(func) in ENVIRONMENTS:
                return {"task": Kind.TASK, "dynamic": Kind.DYNAMIC}.get(target.attr.value)
    return None


def read(module: Module) -> Facts:
    """The entities and NamedTuples a file defines."""
    entities: dict[str, Entity] = {}
    for function in module.functions:
        found = entity_decorator(module, function)
        if found is None:
            continue
        decorator, kind, _ = found
        entity = Entity(
            kind,
            function.name.value,
            module.name,
            parameters(function),
            outputs(module, function.returns),
            is_async=function.asynchronous is not None,
            nested=not module.is_top_level(function),
            image=_image(decorator),
        )
        entities.setdefault(entity.qualified, entity)
    for name, applied in applied_in_place(module).items():
        bindings = module.scope.bindings.get(applied.applied or "", [])
        node = bindings[0].node if bindings else None
        if isinstance(node, cst.FunctionDef):
            kind = DECORATORS[applied.maker]
            made_of = Entity(kind, name, module.name, parameters(node), outputs(module, node.returns))
            entities.setdefault(made_of.qualified, made_of)
    for name, value, _ in module.assignments:
        made = _constructed(module, name, value)
        if made is not None:
            entities.setdefault(made.qualified, made)
    reexports = {
        name: bindings[-1].qualified
        for name, bindings in module.scope.bindings.items()
        if bindings[-1].kind == "import" and bindings[-1].qualified
    }
    return Facts(
        module.name,
        entities,
        dict(_named_tuples(module)),
        frozenset(module.scope.bindings),
        reexports,
        *constants(module),
        *classes(module),
        imports=frozenset(_imports(module)),
        inner_imports=frozenset(_imports(module)) - frozenset(_imports(module, at_top=True)),
        stars=tuple(module.scope.stars),
        values={
            name: qualified
            for name, value, _ in module.assignments
            if isinstance(value, (cst.Name, cst.Attribute)) and is_v1(qualified := module.names.qualified(value) or "")
        },
    )


def _imports(module: Module, *, at_top: bool = False) -> Iterator[str]:
    """What a file imports when it runs, or when it is imported: nothing that only the type checker sees."""
    for node in module.imports:
        if at_top and module.function(node) is not None:
            continue
        if any(isinstance(above, cst.If) and "TYPE_CHECKING" in code(above.test) for above in module.ancestors(node)):
            continue
        source = module.names.absolute(node) if isinstance(node, cst.ImportFrom) else ""
        if source:
            yield source
        for alias in () if isinstance(node.names, cst.ImportStar) else node.names:
            yield ".".join(part for part in (source, dotted(alias.name) or "") if part)


def _image(decorator: cst.Decorator) -> str | None:
    if isinstance(decorator.decorator, cst.Call):
        for argument in decorator.decorator.args:
            if argument.keyword is not None and argument.keyword.value == "container_image":
                return code(argument.value)
    return None


def parameters(function: cst.FunctionDef) -> tuple[Parameter, ...]:
    """The parameters of a function, in order, without `*args` and `**kwargs`."""
    every = (*function.params.posonly_params, *function.params.params, *function.params.kwonly_params)
    return tuple(
        Parameter(
            parameter.name.value,
            code(parameter.annotation.annotation) if parameter.annotation else None,
            code(parameter.default) if parameter.default is not None else None,
        )
        for parameter in every
    )


def outputs(module: Module, returns: cst.Annotation | None) -> Outputs:
    """The outputs a return annotation declares, named as Flyte 1 names them."""
    if returns is None:
        return Outputs("unknown")
    annotation: cst.BaseExpression = returns.annotation
    quoted = string_value(annotation)
    if quoted is not None:
        try:
            annotation = parsed(quoted)
        except cst.ParserSyntaxError:
            return Outputs("unknown")
    text = code(annotation)
    if text == "None":
        return Outputs("none")
    if isinstance(annotation, cst.Subscript) and text.split("[")[0].rpartition(".")[2] in {"tuple", "Tuple"}:
        items = [code(element.slice.value) for element in annotation.slice if isinstance(element.slice, cst.Index)]
        if not (len(items) == 2 and items[1] == "..."):
            return Outputs("tuple", tuple(f"o{index}" for index in range(len(items))), tuple(items))
    call = _named_tuple_call(annotation)
    if call is not None:
        return Outputs("named", tuple(name for name, _ in call), tuple(kind for _, kind in call))
    return Outputs("single", ("o0",), (text,), module.names.qualified(annotation))


def _constructed(module: Module, name: str, value: cst.BaseExpression) -> Entity | None:
    if not isinstance(value, cst.Call):
        return None
    maker = module.names.qualified(value.func)
    kind = CONSTRUCTORS.get(maker or "")
    if kind is None or maker is None:
        return None
    if kind is Kind.LAUNCH_PLAN:
        target, bound = launch_plan_target(module, value)
        return Entity(kind, name, module.name, target=target, bound=bound)
    return Entity(kind, name, module.name)


def launch_plan_target(module: Module, call: cst.Call) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """The workflow of a launch plan's constructor, and its default and fixed inputs (fixed ones win) as text."""
    positional = [argument.value for argument in call.args if argument.keyword is None and not argument.star]
    keywords = {argument.keyword.value: argument.value for argument in call.args if argument.keyword is not None}
    workflow = keywords.get("workflow")
    if workflow is None:
        # `get_or_create(workflow, name)`; `create(name, workflow)`; `get_default_launch_plan(ctx, workflow)`
        entities = [value for value in positional if module.names.qualified(value) is not None]
        workflow = entities[-1] if entities else None
    bound: dict[str, str] = {}
    for key in ("default_inputs", "fixed_inputs"):
        mapping = keywords.get(key)
        if isinstance(mapping, cst.Dict):
            for element in mapping.elements:
                if isinstance(element, cst.DictElement):
                    argument = string_value(element.key)
                    if argument is not None:
                        bound[argument] = code(element.value)
    return module.names.qualified(workflow), tuple(bound.items())


def _named_tuples(module: Module) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    for statement in module.tree.body:
        if isinstance(statement, cst.ClassDef) and any(
            (module.names.qualified(base.value) or "").rpartition(".")[2] == "NamedTuple" for base in statement.bases
        ):
            fields = tuple(
                (small.target.value, code(small.annotation.annotation))
                for line in statement.body.body
                if isinstance(line, cst.SimpleStatementLine)
                for small in line.body
                if isinstance(small, cst.AnnAssign) and isinstance(small.target, cst.Name)
            )
            yield f"{module.name}.{statement.name.value}", fields
    for name, value, _ in module.assignments:
        made = _named_tuple_call(value)
        if made is not None:
            yield f"{module.name}.{name}", made


def _named_tuple_call(value: cst.CSTNode) -> tuple[tuple[str, str], ...] | None:
    """The fields of `NamedTuple("Out", a=int)` or `NamedTuple("Out", [("a", int)])`."""
    if not isinstance(value, cst.Call) or code(value.func).rpartition(".")[2] != "NamedTuple":
        return None
    fields = [(argument.keyword.value, code(argument.value)) for argument in value.args if argument.keyword is not None]
    for argument in value.args:
        if isinstance(argument.value, (cst.List, cst.Tuple)):
            for element in argument.value.elements:
                if isinstance(element.value, (cst.Tuple, cst.List)) and len(element.value.elements) == 2:
                    name = string_value(element.value.elements[0].value)
                    if name is not None:
                        fields.append((name, code(element.value.elements[1].value)))
    return tuple(fields)


def with_environments(facts: Facts, environments: Mapping[str, str]) -> Facts:
    """The facts with each entity's environment variable filled in; `environments` maps entity names to variables."""
    return replace(
        facts,
        entities={
            qualified: replace(entity, environment=environments.get(entity.name, entity.environment))
            for qualified, entity in facts.entities.items()
        },
    )
