"""Which name in a file means which symbol: scopes, imports, aliases, star imports, shadowing.

Built in the one walk over the tree (see `tree` for why this is not LibCST's `ScopeProvider`). Python's rules: a class body is
not visible from the functions inside it; decorators, defaults and annotations belong to the scope around a function; the
first iterable of a comprehension belongs to the scope around it; `global` and `nonlocal` are honoured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import libcst as cst

from flyte_bridge_translators.source.engine.tree import dotted

TOP_LEVEL = frozenset(
    {
        "Annotations", "Artifact", "AuthRole", "BatchSize", "Blob", "BlobMetadata", "BlobType", "Cache", "CachePolicy",
        "Checkpoint", "ConcurrencyLimitBehavior", "ConcurrencyPolicy", "Config", "ContainerTask", "CronSchedule", "Deck",
        "Description", "Documentation", "Email", "Environment", "ExecutionParameters", "FixedRate", "FlyteContext",
        "FlyteContextManager", "FlyteDirectory", "FlyteFile", "FlyteRemote", "HashMethod", "ImageSpec", "Labels",
        "LaunchPlan", "LaunchPlanReference", "Literal", "LiteralType", "Options", "PagerDuty", "PodTemplate",
        "PythonFunctionTask", "PythonInstanceTask", "Resources", "SQLTask", "Scalar", "Secret", "SecurityContext",
        "SensorEngine", "Slack", "SourceCode", "StructuredDataset", "StructuredDatasetFormat",
        "StructuredDatasetTransformerEngine", "StructuredDatasetType", "TaskMetadata", "TaskReference",
        "VersionParameters", "Workflow", "WorkflowExecutionPhase", "WorkflowFailurePolicy", "WorkflowReference", "approve",
        "conditional", "current_context", "dynamic", "eager", "get_reference_entity", "kwtypes", "load_implicit_plugins",
        "logger", "map_task", "new_context", "reference_launch_plan", "reference_task", "reference_workflow", "sleep",
        "task", "wait_for_input", "workflow",
    }
)  # fmt: skip
"""The public names of flytekit 1.16 (`dir(flytekit)`, modules left out): each is `flytekit.<name>` wherever it is imported from."""

DEEPER = {
    name: f"{module}.{name}"
    for module, names in {
        "flytekit.core.node_creation": ("create_node",),
        "flytekit.core.resources": ("pod_spec_from_resources",),
        "flytekit.core.workflow": ("ImperativeWorkflow", "WorkflowBase", "PythonFunctionWorkflow"),
        "flytekit.exceptions.user": ("FlyteRecoverableException", "FlyteUserException", "FlyteAssertion"),
        "flytekit.extras.tasks.shell": ("OutputLocation", "ShellTask", "RawShellTask", "subproc_execute"),
        "flytekit.types.directory": ("TensorboardLogs", "TFRecordsDirectory"),
        "flytekit.types.error": ("FlyteError",),
        "flytekit.types.file": (
            "CSVFile", "FileExt", "HDF5EncodedFile", "HTMLPage", "JoblibSerializedFile", "JPEGImageFile", "ONNXFile", "PDFFile",
            "PNGImageFile", "PythonPickledFile", "PythonNotebook", "SVGImageFile", "TFRecordFile",
        ),
        "flytekit.types.pickle": ("FlytePickle", "BatchSize"),
        "flytekit.types.schema": ("FlyteSchema", "SchemaFormat", "SchemaOpenMode"),
    }.items()
    for name in names
    if name not in TOP_LEVEL
}  # fmt: skip
"""Names that live deeper: whatever path they are imported by, this is the one we know them by."""

ALIASES = {
    "array_node_map_task": "flytekit.map_task",
    "ImperativeWorkflow": "flytekit.Workflow",
    "Cron": "union.Cron",
}
"""Other spellings of the same thing, by last part."""

NOTHING_KNOWN: Mapping[str, str] = MappingProxyType({})

_ROOTS = ("flytekit", "union")

PACKAGES = frozenset({*_ROOTS, "flytekitplugins"})
"""The packages of Flyte 1: flytekit, its plugins, and the union SDK that re-exports it."""


def is_v1(qualified: str | None) -> bool:
    """Whether a qualified name belongs to Flyte 1: flytekit, its plugins, or the union SDK that re-exports it."""
    return qualified is not None and qualified.split(".", 1)[0] in PACKAGES


def canonical(qualified: str) -> str:
    """The one name we know a Flyte 1 symbol by, whatever path it was imported from.

    `flytekit.core.task.task` and `union.task` are both `flytekit.task`; methods stay behind the class
    (`flytekit.core.launch_plan.LaunchPlan.get_or_create` is `flytekit.LaunchPlan.get_or_create`).
    """
    parts = qualified.split(".")
    if parts[0] not in _ROOTS:
        return qualified
    # From the left: the first part that is a known symbol and follows only modules (lower-case parts) decides;
    # `flytekit.task` must win over `flytekit.core.task` the module, so a known name counts only when it is last
    # or is a class (capital letter) that something hangs on.
    for index, part in enumerate(parts[1:], start=1):
        last = index == len(parts) - 1
        if not last and not part[:1].isupper() and part not in {"current_context", "logger"}:
            continue
        rest = parts[index + 1 :]
        if part in ALIASES and parts[0] == "flytekit":
            return ".".join([ALIASES[part], *rest])
        if part in TOP_LEVEL:
            return ".".join(["flytekit", part, *rest])
        if part in DEEPER:
            return ".".join([DEEPER[part], *rest])
        break
    return qualified


Search = tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True)
class NameBinding:
    """One way a name is bound in a scope.

    Attributes:
        kind: `import`, `function`, `class`, `assignment`, `parameter` or `other` (loops, `with`, `except`, walrus…).
        node: The node that binds it.
        qualified: For an import: the dotted name it stands for.
        value: For a plain `name = value`: the value.
    """

    kind: str
    node: cst.CSTNode
    qualified: str | None = None
    value: cst.BaseExpression | None = None


@dataclass
class Scope:
    """A module, class, function or comprehension and the names bound in it."""

    kind: str
    node: cst.CSTNode
    parent: Scope | None
    bindings: dict[str, list[NameBinding]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    elsewhere: set[str] = field(default_factory=set)

    def bind(self, name: str, binding: NameBinding) -> None:
        """Record one binding."""
        self.bindings.setdefault(name, []).append(binding)

    def lookup(self, name: str) -> tuple[Scope, list[NameBinding]] | None:
        """The innermost scope that binds a name, seen from here, and how."""
        scope: Scope | None = self
        first = True
        while scope is not None:
            if (first or scope.kind != "class") and name not in scope.elsewhere:
                found = scope.bindings.get(name)
                if found:
                    return scope, found
            first = False
            scope = scope.parent
        return None

    def names(self) -> set[str]:
        """Every name visible from here."""
        visible = set(self.bindings)
        return visible | self.parent.names() if self.parent else visible


class Names:
    """Resolves expressions of one module to qualified names.

    Args:
        module: The dotted name of the module (`pkg.tasks`); what is defined in it is `pkg.tasks.<name>`.
        package: The dotted name that relative imports start from.
        star: Says whether another module (not flytekit) exports a name, for star imports; the project knows.
        search: Where absolute imports are looked up, in order: the dotted name of a directory of the project ("" for its root)
            and the names of what is in it.
        known: Names of other modules of the project that stand for Flyte 1's: `common.step` → `flytekit.task`.
    """

    def __init__(
        self,
        module: str,
        package: str,
        star: Callable[[str, str], bool] | None = None,
        search: Search = (),
        known: Mapping[str, str] = NOTHING_KNOWN,
    ) -> None:
        self.known = known
        self.module = module
        self.search = search
        self.package = package
        self.star = star
        self.scopes: dict[cst.CSTNode, Scope] = {}
        self._memo: dict[cst.CSTNode, str | None] = {}

    def learn(self, star: Callable[[str, str], bool]) -> None:
        """Take in what other modules export; names that were asked for before are looked up again."""
        self.star = star
        self._memo.clear()

    def scope(self, name: cst.Name) -> Scope | None:
        """The scope a name is used in."""
        return self.scopes.get(name)

    def bindings(self, name: cst.Name) -> list[NameBinding]:
        """How a name is bound in the scope that binds it; empty for builtins and unknown names."""
        scope = self.scopes.get(name)
        found = scope.lookup(name.value) if scope else None
        return found[1] if found else []

    def qualified(self, expression: cst.CSTNode | None) -> str | None:
        """The canonical dotted name an expression stands for: `flytekit.task`, `pkg.mod.name`, or None when it is no name,
        is local to a function, or is bound in more than one way."""
        if not isinstance(expression, (cst.Name, cst.Attribute)):
            return None
        if expression not in self._memo:
            found = self._qualified(expression)
            self._memo[expression] = self.known.get(found, found) if found is not None else None
        return self._memo[expression]

    def _qualified(self, expression: cst.Name | cst.Attribute) -> str | None:
        if isinstance(expression, cst.Attribute):
            base = self.qualified(expression.value)
            return canonical(f"{base}.{expression.attr.value}") if base is not None else None
        scope = self.scopes.get(expression)
        if scope is None:
            return None
        found = scope.lookup(expression.value)
        if found is None:
            return self._from_star(scope, expression.value)
        where, bindings = found
        imports = [binding for binding in bindings if binding.kind == "import"]
        if imports:
            # `try: import a / except ImportError: a = None` keeps the import; a parameter, function or class of the same
            # name in the same scope does not (`ambiguous` reports it).
            if any(binding.kind in {"function", "class", "parameter"} for binding in bindings):
                return None
            return canonical(imports[-1].qualified or "")
        if where.kind == "module":
            return f"{self.module}.{expression.value}"
        return None

    def _from_star(self, scope: Scope, name: str) -> str | None:
        here: Scope | None = scope
        while here is not None:
            for star in reversed(here.stars):
                guess = canonical(f"{star}.{name}")
                if guess in self.known:
                    return guess
                if guess.split(".")[0] in _ROOTS and (name in TOP_LEVEL or name in DEEPER):
                    return guess
                if self.star is not None and self.star(star, name):
                    return guess
            here = here.parent
        return None

    def located(self, name: str) -> str:
        """The module of the project that an absolute import names: a script finds what lies beside it, a project what is in
        `src`."""
        folder = self._folder(name)
        return f"{folder}.{name}" if folder else name

    def _folder(self, name: str) -> str | None:
        """The directory of the project where an absolute import finds a module; None when it is not of the project."""
        first = name.split(".", maxsplit=1)[0]
        return next((folder for folder, names in self.search if first in names), None)

    def spelled(self, module: str) -> str:
        """How this file must import a module of the project: by the roots and dots of its own imports, as only these are known
        to work where it runs."""
        nodes = self._imports()
        absolute = [self._folder(name) for node in nodes for name in _absolute_names(node)]
        for folder in filter(None, absolute):
            inner = module.removeprefix(f"{folder}.")
            if inner != module and self.located(inner) == module:
                return inner
        if not any(folder is not None for folder in absolute) and any(
            isinstance(node, cst.ImportFrom) and node.relative for node in nodes
        ):
            return self.relative(module)
        return module

    def relative(self, module: str) -> str:
        """A module of the same package as a relative import names it; as it is when it is of another package."""
        package, parts = self.package.split("."), module.split(".")
        shared = next((at for at, (one, other) in enumerate(zip(package, parts, strict=False)) if one != other), None)
        if shared is None:
            shared = min(len(package), len(parts))
        if shared == 0:
            return module
        return "." * (len(package) - shared + 1) + ".".join(parts[shared:])

    def _imports(self) -> list[cst.CSTNode]:
        """The imports of the file, in the order of its scopes."""
        scopes = {id(scope): scope for scope in self.scopes.values()}.values()
        found = (binding for scope in scopes for each in scope.bindings.values() for binding in each)
        return list(dict.fromkeys(binding.node for binding in found if binding.kind == "import"))

    def absolute(self, node: cst.ImportFrom) -> str:
        """The absolute module an import-from names, relative dots resolved."""
        base = dotted(node.module) if node.module is not None else ""
        if not node.relative:
            return self.located(base or "")
        package = self.package.split(".") if self.package else []
        kept = package[: len(package) - (len(node.relative) - 1)]
        return ".".join([*kept, base] if base else kept)


def _absolute_names(node: cst.CSTNode) -> list[str]:
    """The modules that an import names from a root."""
    if isinstance(node, cst.Import):
        return [dotted(alias.name) or "" for alias in node.names]
    if isinstance(node, cst.ImportFrom) and not node.relative and node.module is not None:
        return [dotted(node.module) or ""]
    return []


def renderer(qualified: str | None) -> str | None:
    """What a renderer of decks is known by, whatever module it comes from: `flytekit.TopFrameRenderer`."""
    if qualified is None or not is_v1(qualified):
        return None
    root, last = qualified.split(".")[0], qualified.rpartition(".")[2]
    return f"{root}.{last}" if last.endswith("Renderer") and last[:1].isupper() else None
