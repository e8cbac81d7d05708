"""`StructuredDataset` and `FlyteSchema` values in bodies become `flyte.io.DataFrame`.

A parameter that is only opened as a pandas frame becomes that frame itself: Flyte 2 hands over a `pd.DataFrame` wherever one is
declared, whatever the producer returned, while a task that declares a `DataFrame` does not take a `pd.DataFrame`.
"""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source.data.datatypes import FRAME, IO, NAMED, SCHEMA
from flyte_bridge_translators.source.data.flyte_io import atom, can_await, expression, io_class
from flyte_bridge_translators.source.data.values import Values, loads
from flyte_bridge_translators.source.engine.edits import Plan, Rewrite
from flyte_bridge_translators.source.engine.entities import Kind, entity_decorator
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import code, walk


class Frames:
    """The rewriting of one file's structured datasets and schemas."""

    def __init__(self, module: Module, values: Values, plan: Plan) -> None:
        self.module = module
        self.values = values
        self.plan = plan
        self.native: set[cst.CSTNode] = set()

    def run(self) -> None:
        for function in self.module.functions:
            found = entity_decorator(self.module, function)
            if found is not None and found[1] is Kind.TASK:
                for parameter in function.params.params:
                    self._native_parameter(parameter)
        for made in self.module.all_calls:
            self._constructor(made)
        for node in self.module.every(cst.Name, cst.Attribute, cst.Subscript, cst.Call):
            shape = self.values.shape(node)
            if shape is not None and shape.kind in {FRAME, SCHEMA}:
                self._use(node)

    # -- a parameter that is a pandas frame from the start -----------------------------------------------------------

    def _native_parameter(self, parameter: cst.Param) -> None:
        """`d: StructuredDataset` with nothing but `d.open(pd.DataFrame).all()` becomes `d: pd.DataFrame` with `d`."""
        shape = self.values.parameter(parameter)
        if shape is None or shape.kind != FRAME or shape.optional or parameter.annotation is None:
            return
        uses = list(loads(self.module, parameter.name))
        again = self._opened_into_itself(parameter)
        if again is not None:
            uses = [use for use in uses if any(above is again for above in self.module.ancestors(use))]
        opened = [self._opened(use) for use in uses]
        frames = {frame for frame, _ in filter(None, opened)}
        if len(frames) != 1 or None in opened:
            return
        frame = frames.pop()
        if frame.rpartition(".")[2] != "DataFrame" or not self._is_module_level(frame):
            return
        names = [
            node
            for node in walk(parameter.annotation)
            if isinstance(node, (cst.Name, cst.Attribute))
            and NAMED.get(self.module.names.qualified(node) or "") == FRAME
        ]
        if len(names) != 1:
            return
        self.plan.replace(names[0], expression(frame), "opened as this frame and nothing else")
        for _, whole in filter(None, opened):
            self.plan.replace(whole, cst.Name(parameter.name.value), "the parameter is the frame")
        if again is not None:
            self.plan.remove(again, "the parameter is the frame")
        self.native.update(uses)
        self.values.native.add(parameter)

    def _opened_into_itself(self, parameter: cst.Param) -> cst.SimpleStatementLine | None:
        """`d = d.open(pd.DataFrame).all()`, the one and first thing done with `d`."""
        bindings = self.module.names.bindings(parameter.name)
        assign = bindings[1].node if len(bindings) > 1 else None
        line = self.module.statement(assign) if isinstance(assign, cst.Assign) else None
        function = self.module.function(line) if line is not None else None
        if not isinstance(line, cst.SimpleStatementLine) or function is None or len(line.body) != 1:
            return None
        for statement in function.body.body:
            if statement is line:
                return line
            if any(isinstance(node, cst.Name) and node.value == parameter.name.value for node in walk(statement)):
                return None
        return None

    def _opened(self, use: cst.Name) -> tuple[str, cst.Call] | None:
        """The frame type and the whole `use.open(T).all()`."""
        chain: list[cst.CSTNode] = []
        node: cst.CSTNode = use
        for _ in range(4):
            above = self.module.parents.get(node)
            if above is None:
                return None
            chain.append(above)
            node = above
        first, opened, second, whole = chain
        if not (
            isinstance(first, cst.Attribute)
            and first.attr.value == "open"
            and isinstance(opened, cst.Call)
            and opened.func is first
            and len(opened.args) == 1
            and isinstance(second, cst.Attribute)
            and second.attr.value == "all"
            and isinstance(whole, cst.Call)
            and whole.func is second
        ):
            return None
        return code(opened.args[0].value), whole

    def _is_module_level(self, dotted: str) -> bool:
        """Whether an expression like `pd.DataFrame` is known where the function is defined."""
        return dotted.split(".", 1)[0] in self.module.scope.bindings

    # -- making them -------------------------------------------------------------------------------------------------

    def _constructor(self, made: cst.Call) -> None:
        shape = self.values.made(made)
        if shape is None or shape.kind not in {FRAME, SCHEMA}:
            return
        io = io_class(self.module, self.plan, IO[shape.kind])
        keywords = {argument.keyword.value: argument.value for argument in made.args if argument.keyword is not None}
        positional = [argument.value for argument in made.args if argument.keyword is None]
        frame = keywords.get("dataframe") or (positional[0] if positional and shape.kind == FRAME else None)
        uri = keywords.get("uri") or keywords.get("remote_path")
        if "metadata" in keywords:
            self.plan.report(
                "FB490", made, "metadata= is dropped: annotate the output with its columns and format instead"
            )
        form = keywords.get("file_format")
        if frame is not None:
            if form is not None:
                self.plan.report(
                    "FB491", made, f"file_format={code(form)} is dropped: Flyte 2 takes the format from the annotation"
                )
            self.plan.replace(
                made,
                lambda rewrite: (
                    expression("{io}.wrap_df({x}, uri={uri})", io=io, x=rewrite(frame), uri=rewrite(uri))
                    if uri is not None
                    else expression("{io}.wrap_df({x})", io=io, x=rewrite(frame))
                ),
                "a frame on its way out",
            )
        elif uri is not None:

            def reference(rewrite: Rewrite) -> cst.CSTNode:
                if form is None:
                    return expression("{io}.from_existing_remote({uri})", io=io, uri=rewrite(uri))
                return expression(
                    "{io}.from_existing_remote({uri}, format={f})", io=io, uri=rewrite(uri), f=rewrite(form)
                )

            self.plan.replace(made, reference, "a reference to what is there already")
        else:
            self.plan.report("FB492", made, f"{code(made)} is filled later: build the frame first and wrap it")

    # -- using them --------------------------------------------------------------------------------------------------

    def _use(self, node: cst.BaseExpression) -> None:
        if node in self.native:
            return
        attribute = self.module.parents.get(node)
        if not (isinstance(attribute, cst.Attribute) and attribute.value is node):
            return
        name = attribute.attr.value
        made = self.module.parents.get(attribute)
        called = made if isinstance(made, cst.Call) and made.func is attribute else None
        if name == "dataframe":
            self.plan.replace(attribute, lambda rewrite: rewrite.inside(attribute).with_changes(attr=cst.Name("val")))
        elif name == "file_format":
            self.plan.replace(
                attribute, lambda rewrite: rewrite.inside(attribute).with_changes(attr=cst.Name("format"))
            )
        elif name == "remote_path":
            self.plan.replace(attribute, lambda rewrite: rewrite.inside(attribute).with_changes(attr=cst.Name("uri")))
        elif name == "open" and called is not None:
            self._open(called)
        elif name in {"all", "iter"} and called is not None:
            self._read(called, attribute)

    def _open(self, called: cst.Call) -> None:
        """`d.open(pd.DataFrame).all()`; `d.open()` of a schema is pandas."""
        shape = self.values.shape(called.func.value) if isinstance(called.func, cst.Attribute) else None
        if not called.args and shape is not None and shape.kind == SCHEMA:
            self.plan.want("import pandas as pd")
            self.plan.replace(
                called,
                lambda rewrite: expression("{f}(pd.DataFrame)", f=rewrite(called.func)),
                "a schema opens as pandas by default",
            )
        attribute = self.module.parents.get(called)
        if not (isinstance(attribute, cst.Attribute) and attribute.value is called):
            return
        read = self.module.parents.get(attribute)
        if isinstance(read, cst.Call) and read.func is attribute:
            self._read(read, attribute)

    def _read(self, called: cst.Call, attribute: cst.Attribute) -> None:
        name = attribute.attr.value
        if name == "all":
            if can_await(self.module, called):
                parent = self.module.parents.get(called)
                self.plan.replace(
                    called,
                    lambda rewrite: (
                        atom(cst.Await(rewrite.inside(called)))
                        if isinstance(parent, (cst.Attribute, cst.Subscript, cst.Call))
                        else cst.Await(rewrite.inside(called))
                    ),
                    "all() is for async code in Flyte 2",
                )
            else:
                self.plan.replace(
                    attribute,
                    lambda rewrite: rewrite.inside(attribute).with_changes(attr=cst.Name("all_sync")),
                    "all() is for async code in Flyte 2",
                )
        elif name == "iter":
            self.plan.report(
                "FB493", called, "iter() is asynchronous in Flyte 2: `async for` over it, in an async task"
            )
        elif name == "write":
            self.plan.report("FB492", called, "write() has no counterpart: return DataFrame.wrap_df(frame)")
