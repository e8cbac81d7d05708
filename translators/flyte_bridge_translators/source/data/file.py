"""`FlyteFile` and `FlyteDirectory` values in bodies become `flyte.io.File` and `Dir`.

Flyte 1's types are paths (`os.PathLike`, downloaded on first use); Flyte 2's are references. So a use as a path becomes
`f.download_sync()` (`await f.download()` in async code), and a file that is only made to be written and returned stays a
plain path until it is returned.
"""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from flyte_bridge_translators.source.data import directory
from flyte_bridge_translators.source.data.datatypes import DIRECTORY, FILE, IO, DataShape
from flyte_bridge_translators.source.data.directory import argument_of
from flyte_bridge_translators.source.data.flyte_io import atom, call, expression, io_class
from flyte_bridge_translators.source.data.unflushed import flush
from flyte_bridge_translators.source.data.uses import data_uses, in_loop, is_path_use, origin, wants_path
from flyte_bridge_translators.source.data.values import FLYTE1_MAKERS, Values, loads
from flyte_bridge_translators.source.engine.edits import Plan, Rewrite
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import code

_REMOTE_ARGUMENT = {FILE: "remote_path", DIRECTORY: "remote_directory"}
_NAME_ONLY = {"os.path.basename", "os.path.splitext", "os.path.split"}


class Files:
    """The rewriting of one file's `FlyteFile`s and `FlyteDirectory`s."""

    def __init__(self, module: Module, values: Values, plan: Plan) -> None:
        self.module = module
        self.values = values
        self.plan = plan
        self.paths: dict[cst.CSTNode, list[cst.Name]] = {}

    def run(self) -> None:
        self.values.late |= self._late()
        self.values.forget()
        for made in self.module.all_calls:
            self._constructor(made)
            if self.module.names.qualified(made.func) == "flytekit.FlyteDirectory.listdir" and made.args:
                directory.listdir(self.module, self.plan, made, made.args[0].value)
        for node, shape in data_uses(self.module, self.values):
            if shape.late:
                self._late_use(node, shape)
            else:
                self._use(node, shape)
        self._download_once()

    # -- which constructors only name a path that is written later ---------------------------------------------------

    def _late(self) -> set[cst.CSTNode]:
        found: set[cst.CSTNode] = set()
        for made in self.module.all_calls:
            kind = self._made_kind(made)
            if kind is None or self.module.function(made) is None:
                continue
            maker = (
                made.func.attr.value
                if self.values.made(made) is None and isinstance(made.func, cst.Attribute)
                else None
            )
            if (
                maker == "new"
                or (maker == "new_remote" and kind == DIRECTORY)
                or (maker is None and self._is_path_only(made))
            ):
                found.add(made)
        return found

    def _is_path_only(self, made: cst.Call) -> bool:
        where = origin(self.module, self.values, _path(made))
        return (where != "remote" and self._is_written_late(made)) or (where == "local" and self._is_argument(made))

    def _is_argument(self, made: cst.Call) -> bool:
        """`f(FlyteFile(path))` where `f` wants a path."""
        argument = self.module.parents.get(made)
        taker = self.module.parents.get(argument) if isinstance(argument, cst.Arg) else None
        return (
            isinstance(taker, cst.Call)
            and isinstance(argument, cst.Arg)
            and wants_path(self.module, self.values, taker, argument)
        )

    def _made_kind(self, made: cst.Call) -> str | None:
        shape = self.values.shape(made)
        is_maker = self.values.made(made) is not None or (
            isinstance(made.func, cst.Attribute)
            and made.func.attr.value in FLYTE1_MAKERS
            and self.values.shape(made.func.value) is None
        )
        return shape.kind if is_maker and shape is not None and shape.kind in {FILE, DIRECTORY} else None

    def _is_written_late(self, made: cst.Call) -> bool:
        target = _target(self.module, made)
        if target is None or argument_of(made, 2, "remote_path", "remote_directory") is not None:
            return False
        for use in loads(self.module, target):
            parent = self.module.parents.get(use)
            if isinstance(parent, cst.Attribute) and parent.value is use:
                return True
            if is_path_use(self.module, self.values, use) or isinstance(parent, cst.FormattedStringExpression):
                return True
        return False

    # -- making them -------------------------------------------------------------------------------------------------

    def _constructor(self, made: cst.Call) -> None:
        if made in self.values.late:
            self._path_only(made)
            return
        kind = self._made_kind(made)
        if kind is None:
            return
        metadata = argument_of(made, 3 if kind == FILE else 4, "metadata")
        if metadata is not None and code(metadata) != "None":
            self.plan.report("FB416", made, f"metadata={code(metadata)} was left out: a {IO[kind]} has none")
        io = io_class(self.module, self.plan, IO[kind])
        if self.values.made(made) is None:
            self._maker(made, io)
            return
        path = _path(made)
        if path is None:
            return
        remote = argument_of(made, 2, _REMOTE_ARGUMENT[kind])
        where = origin(self.module, self.values, path)
        if remote is not None and code(remote) == "False":
            where = "remote"
        self._construct(made, kind, io, path, remote, where)

    def _construct(
        self,
        made: cst.Call,
        kind: str,
        io: cst.BaseExpression,
        path: cst.BaseExpression,
        remote: cst.BaseExpression | None,
        where: str,
    ) -> None:
        in_body = self.module.function(made) is not None or self._in_main(made)
        if where == "local" and not in_body:
            self.plan.report(
                "FB405", made, f"{code(path)} is a local path: nobody uploads it when the code is deployed"
            )
        if where == "unknown":
            self.plan.report("FB401", made, f"{code(path)} comes from outside: it is taken for a local path")
        name = IO[kind]
        if where != "remote" and kind == FILE:
            flush(self.module, self.plan, made, path)
        if where == "remote" or not in_body:
            self.plan.replace(
                made,
                lambda rewrite: expression("{io}.from_existing_remote({path})", io=io, path=rewrite(path)),
                f"a reference to what is there already: {name}.from_existing_remote",
            )
        elif remote is not None:
            self.plan.replace(
                made,
                lambda rewrite: call(
                    self.module, made, "{io}.from_local_sync({path}, remote_destination={to})",
                    io=io, path=rewrite(path), to=rewrite(remote),
                ),
                f"a local path does not become a {name} by itself",
            )  # fmt: skip
        else:
            self.plan.replace(
                made,
                lambda rewrite: call(self.module, made, "{io}.from_local_sync({path})", io=io, path=rewrite(path)),
                f"a local path does not become a {name} by itself",
            )

    def _in_main(self, node: cst.CSTNode) -> bool:
        return any(
            isinstance(above, cst.If) and "__main__" in code(above.test) for above in self.module.ancestors(node)
        )

    def _maker(self, made: cst.Call, io: cst.BaseExpression) -> None:
        """`FlyteFile.new_remote_file("x")`, `FlyteFile.from_source(uri)`."""
        assert isinstance(made.func, cst.Attribute)
        name = argument_of(made, 0, "name", "source", "stem")
        if argument_of(made, 1, "alt") is not None:
            self.plan.report("FB406", made, "alt= is dropped: Flyte 2 always writes below the run's raw data path")
        if made.func.attr.value == "from_source" and name is not None:
            self.plan.replace(
                made, lambda rewrite: expression("{io}.from_existing_remote({path})", io=io, path=rewrite(name))
            )
        elif name is not None:
            self.plan.replace(
                made, lambda rewrite: expression("{io}.new_remote(file_name={name})", io=io, name=rewrite(name))
            )
        else:
            self.plan.replace(made, expression("{io}.new_remote()", io=io), "a new remote file")

    def _path_only(self, made: cst.Call) -> None:
        """A file that is written first and returned later: its path is enough until then."""
        if self.values.made(made) is not None:
            path = _path(made)
            if path is not None:
                self.plan.replace(made, lambda rewrite: rewrite(path), "a path until it is returned")
            return
        name = argument_of(made, 0, "filename", "dirname", "stem")
        self.plan.want("import tempfile")
        if name is None:
            self.plan.replace(made, expression("tempfile.mkdtemp()"), "a new directory, uploaded when it is returned")
            return
        self.plan.want("import os")
        self.plan.replace(
            made,
            lambda rewrite: expression("os.path.join(tempfile.mkdtemp(), {name})", name=rewrite(name)),
            "a path until it is returned",
        )

    # -- using them --------------------------------------------------------------------------------------------------

    def _late_use(self, node: cst.BaseExpression, shape: DataShape) -> None:
        parent = self.module.parents.get(node)
        if not (isinstance(parent, cst.Attribute) and parent.value is node):
            return
        made = self.module.parents.get(parent)
        attribute = parent.attr.value
        if attribute in {"path", "remote_source", "remote_path", "remote_directory"}:
            self.plan.replace(parent, lambda rewrite: rewrite(node), "it is the path")
        elif not (isinstance(made, cst.Call) and made.func is parent):
            return
        elif attribute in {"download", "__fspath__"}:
            self.plan.replace(made, lambda rewrite: rewrite(node), "it is the path")
        elif attribute == "open" and shape.name == FILE:
            kept = [argument for argument in made.args if argument.keyword is None or argument.keyword.value == "mode"]
            self.plan.replace(
                made,
                lambda rewrite: cst.Call(
                    cst.Name("open"),
                    [
                        cst.Arg(rewrite(node), comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))),
                        *map(rewrite, kept),
                    ]
                    if kept
                    else [cst.Arg(rewrite(node))],
                ),
                "it is a path here",
            )
        elif attribute in {"new_file", "new_dir"}:
            directory.new_below(self.plan, made, node, attribute)

    def _use(self, node: cst.BaseExpression, shape: DataShape) -> None:
        parent = self.module.parents.get(node)
        if isinstance(parent, cst.Attribute) and parent.value is node:
            self._method(node, shape, parent)
        elif isinstance(parent, cst.FormattedStringExpression):
            self._replace(
                node, lambda rewrite: expression("{f}.path", f=atom(rewrite.inside(node))), "a file as text is its path"
            )
        elif isinstance(parent, cst.Arg):
            made = self.module.parents.get(parent)
            if not isinstance(made, cst.Call) or made.func is node:
                return
            name = code(made.func)
            if name in {"os.fspath", "str"} and len(made.args) == 1:
                self._path(node, made)
            elif name == "print":
                self._replace(
                    node,
                    lambda rewrite: expression("{f}.path", f=atom(rewrite.inside(node))),
                    "a file prints as its path",
                )
            elif wants_path(self.module, self.values, made, parent):
                self._path(node, node)

    def _method(self, node: cst.BaseExpression, shape: DataShape, attribute: cst.Attribute) -> None:
        name = attribute.attr.value
        made = self.module.parents.get(attribute)
        called = made if isinstance(made, cst.Call) and made.func is attribute else None
        if name in {"remote_source", "remote_path", "remote_directory"}:
            self.plan.replace(attribute, lambda rewrite: expression("{f}.path", f=rewrite(node)), "the remote path")
        elif name == "path":
            if self._needs_name_only(attribute):
                return
            self._path(node, attribute)
        elif name == "metadata":
            self.plan.report("FB416", attribute, f"{code(attribute)}: a {IO[shape.kind]} has no metadata")
        elif called is None:
            return
        elif name in {"download", "__fspath__"}:
            self._path(node, called)
        elif name == "open" and shape.kind == FILE:
            self.plan.replace(
                attribute,
                lambda rewrite: rewrite.inside(attribute).with_changes(attr=cst.Name("open_sync")),
                "open() is for async code in Flyte 2",
            )
        elif shape.kind == DIRECTORY:
            directory.method(self.plan, node, called, name)

    def _needs_name_only(self, attribute: cst.Attribute) -> bool:
        """`os.path.basename(f.path)`, `Path(f.path).suffix`: true of the remote path too."""
        parent = self.module.parents.get(attribute)
        if isinstance(parent, cst.Attribute):
            return parent.attr.value in {"endswith", "rsplit"}
        made = self.module.parents.get(parent) if isinstance(parent, cst.Arg) else None
        if not isinstance(made, cst.Call):
            return False
        outer = self.module.parents.get(made)
        if code(made.func) in {"Path", "pathlib.Path"}:
            return isinstance(outer, cst.Attribute) and outer.attr.value in {"name", "stem", "suffix", "suffixes"}
        return self.module.names.qualified(made.func) in _NAME_ONLY or code(made.func) in _NAME_ONLY

    # -- as a path ---------------------------------------------------------------------------------------------------

    def _path(self, node: cst.BaseExpression, replaced: cst.BaseExpression) -> None:
        """Replace an expression by the local path of the file `node`."""
        holder = self.module.parents.get(node)
        if replaced is node and isinstance(node, (cst.Call, cst.Await)) and isinstance(holder, cst.Arg):
            # Others may edit the call itself (a workflow that is run): the argument is ours.
            def argument(rewrite: Rewrite) -> cst.CSTNode:
                inner = rewrite.inside(holder)
                return inner.with_changes(value=call(self.module, node, "{f}.download_sync()", f=atom(inner.value)))

            self.plan.replace(holder, argument, "Flyte 2's File and Dir are no paths")
            return
        self._replace(
            replaced,
            lambda rewrite: call(
                self.module,
                replaced,
                "{f}.download_sync()",
                f=atom(rewrite.inside(node) if replaced is node else rewrite(node)),
            ),
            "Flyte 2's File and Dir are no paths",
        )
        if isinstance(node, cst.Name):
            bindings = self.module.names.bindings(node)
            if len(bindings) == 1 and isinstance(bindings[0].node, cst.Param):
                self.paths.setdefault(bindings[0].node, []).append(node)

    def _replace(self, node: cst.BaseExpression, edit: object, why: str) -> None:
        assert callable(edit)
        self.plan.replace(node, edit, why)

    def _download_once(self) -> None:
        """A parameter that is used as a path several times is downloaded once, at the top, as Flyte 1 did on first use."""
        for parameter, uses in self.paths.items():
            assert isinstance(parameter, cst.Param)
            function = next(above for above in self.module.ancestors(parameter) if isinstance(above, cst.FunctionDef))
            shape = self.values.parameter(parameter)
            if shape is None or shape.optional or (parameter.default is not None and code(parameter.default) == "None"):
                continue
            if len(uses) == 1 and not in_loop(self.module, uses[0], function):
                continue
            if not isinstance(function.body, cst.IndentedBlock):
                continue
            self._hoist(function, parameter, uses)

    def _hoist(self, function: cst.FunctionDef, parameter: cst.Param, uses: Sequence[cst.Name]) -> None:
        name = parameter.name.value
        local = f"{name}_path"
        while local in self.module.taken():
            local = f"local_{local}"
        for use in uses:
            replaced: cst.CSTNode = use
            while replaced not in self.plan.replacements:
                replaced = self.module.parents[replaced]
            self.plan.replacements[replaced] = lambda _: cst.Name(local)
        body = function.body.body
        first = next((line for line in body if not _is_docstring(line)), body[-1])
        value = call(self.module, first, "{f}.download_sync()", f=cst.Name(name))
        line = cst.SimpleStatementLine([cst.Assign([cst.AssignTarget(cst.Name(local))], value)])
        self.plan.insert_before(first, [line])


def _is_docstring(line: cst.CSTNode) -> bool:
    return (
        isinstance(line, cst.SimpleStatementLine)
        and isinstance(line.body[0], cst.Expr)
        and isinstance(line.body[0].value, (cst.SimpleString, cst.ConcatenatedString))
    )


def _target(module: Module, made: cst.Call) -> cst.Name | None:
    """The variable a constructor's result is assigned to."""
    parent = module.parents.get(made)
    if isinstance(parent, cst.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0].target, cst.Name):
        return parent.targets[0].target
    if isinstance(parent, cst.AnnAssign) and isinstance(parent.target, cst.Name):
        return parent.target
    return None


def _path(made: cst.Call) -> cst.BaseExpression | None:
    return argument_of(made, 0, "path")
