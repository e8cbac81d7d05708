"""Decks become tabs of the task's report; renderers become the call they stood for.

A deck is shown when its task has `report=True`, which `task` writes from `enable_deck`; without it a report is kept to itself,
as Flyte 1 kept it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import libcst as cst

from flyte_bridge_translators.source.data.flyte_io import atom, can_await, expression
from flyte_bridge_translators.source.data.values import loads
from flyte_bridge_translators.source.engine.edits import Plan, Rewrite
from flyte_bridge_translators.source.engine.entities import entity_decorator
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import renderer
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code
from flyte_bridge_translators.source.runtime.context import chains


@dataclass(frozen=True)
class DeckRenderer:
    """What a renderer's `to_html(value)` stands for.

    Attributes:
        template: The expression; `{x}` is the value, `{a}` and `{b}` the constructor's arguments.
        names: The constructor's parameters behind `{a}` and `{b}`, and their defaults.
        imports: What it needs.
    """

    template: str
    names: tuple[tuple[str, str], ...] = ()
    imports: tuple[str, ...] = ()


RENDERERS: Mapping[str, DeckRenderer] = {
    "flytekit.TopFrameRenderer": DeckRenderer(
        "{x}.to_html(max_rows={a}, max_cols={b})", (("max_rows", "10"), ("max_cols", "100"))
    ),
    "flytekit.MarkdownRenderer": DeckRenderer(
        "MarkdownIt().render({x})", imports=("from markdown_it import MarkdownIt",)
    ),
    "flytekitplugins.MarkdownRenderer": DeckRenderer("markdown.markdown({x})", imports=("import markdown",)),
    "flytekitplugins.BoxRenderer": DeckRenderer(
        "px.box({x}, y={a}).to_html()", (("column_name", ""),), ("import plotly.express as px",)
    ),
    "flytekitplugins.FrameProfilingRenderer": DeckRenderer(
        "ydata_profiling.ProfileReport({x}, title={a}).to_html()",
        (("title", '"Pandas Profiling Report"'),),
        ("import ydata_profiling",),
    ),
    "flytekitplugins.TableRenderer": DeckRenderer("{x}.to_html(index=False)"),
}
"""Distribution and class → what it does (facts: flytekit 1.16.31 and flytekitplugins-deck-standard)."""


def translate(module: Module, context: Context) -> Plan:
    """Replace decks and their renderers."""
    del context
    plan = Plan("deck")
    if module.is_flyte1:
        _Decks(module, plan).run()
    return plan


class _Decks:
    def __init__(self, module: Module, plan: Plan) -> None:
        self.module = module
        self.plan = plan

    def run(self) -> None:
        for call, qualified in self.module.calls:
            if qualified == "flytekit.Deck":
                self._deck(call)
            elif qualified == "flytekit.Deck.publish":
                self._publish(call)
            elif renderer(qualified) is not None:
                self._renderer(call, qualified)
        for chain in chains(self.module):
            if chain.names[:1] == ("default_deck",):
                self._default(chain.upto(1))
            elif chain.names[:1] == ("decks",):
                self._all_decks(chain.upto(1))
            elif chain.names[:1] == ("timeline_deck",):
                self.plan.report("FB420", chain.base, "the timeline deck has no counterpart")

    # -- decks -------------------------------------------------------------------------------------------------------

    def _tab(self, name: str) -> cst.BaseExpression:
        self.plan.want("import flyte.report")
        return expression(f"flyte.report.get_tab({name})")

    def _deck(self, call: cst.Call) -> None:
        name, html = _argument(call, 0, "name"), _argument(call, 1, "html")
        if name is None:
            return
        self._enabled(call)
        self.plan.want("import flyte.report")

        def tab(rewrite: Rewrite) -> cst.BaseExpression:
            return expression("flyte.report.get_tab({name})", name=rewrite(name))

        empty = html is None or code(html) in {'""', "''"}
        variable = _variable(self.module, call)
        uses = list(loads(self.module, variable)) if variable is not None else []
        line = self.module.statement(call)
        if variable is not None and uses and isinstance(line, cst.SimpleStatementLine):
            self.plan.replace(call, tab, "a deck is a tab of the report")
            if not empty:
                self._log_after(line, variable.value, html)
            for use in uses:
                self._deck_use(use)
            return
        if empty:
            self.plan.replace(call, tab, "a deck is a tab of the report")
            above = self.module.parents.get(call)
            if isinstance(above, cst.Attribute):
                self._append(above, call)
            return
        assert html is not None

        def logged(rewrite: Rewrite) -> cst.CSTNode:
            return expression("{tab}.log({html})", tab=tab(rewrite), html=rewrite(html))

        if variable is not None and isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1:
            small = line.body[0]
            self.plan.replace(small, lambda rewrite: cst.Expr(logged(rewrite)), "a deck is a tab of the report")  # type: ignore[arg-type]
        else:
            self.plan.replace(call, logged, "a deck is a tab of the report")

    def _log_after(self, line: cst.SimpleStatementLine, name: str, html: cst.BaseExpression | None) -> None:
        assert html is not None

        def edit(rewrite: Rewrite) -> cst.FlattenSentinel[cst.BaseStatement]:
            log = cst.SimpleStatementLine(
                [cst.Expr(expression("{d}.log({html})", d=cst.Name(name), html=rewrite(html)))]
            )
            return cst.FlattenSentinel([rewrite.inside(line), log])

        self.plan.replace(line, edit)

    def _deck_use(self, use: cst.BaseExpression) -> None:
        above = self.module.parents.get(use)
        if isinstance(above, cst.Attribute) and above.value is use:
            self._append(above, use)

    def _append(self, attribute: cst.Attribute, deck: cst.BaseExpression) -> None:
        """`deck.append(html)` → `tab.log(html)`; `deck.html` → `tab.get_html()`."""
        name = attribute.attr.value
        if name == "append":
            self.plan.replace(attribute, lambda rewrite: rewrite.inside(attribute).with_changes(attr=cst.Name("log")))
        elif name == "html":
            self.plan.replace(attribute, lambda rewrite: expression("{d}.get_html()", d=rewrite(deck)))

    def _publish(self, call: cst.Call) -> None:
        statement = self.module.parents.get(call)
        if self._enabled(call) is False and isinstance(statement, cst.Expr):
            self.plan.remove(statement, "Flyte 1 publishes no deck of a task that does not enable decks")
            return
        self.plan.want("import flyte.report")
        new = (
            cst.Await(expression("flyte.report.flush.aio()"))
            if can_await(self.module, call)
            else expression("flyte.report.flush()")
        )
        self.plan.replace(call, new, "publish() is flush()")

    def _default(self, node: cst.BaseExpression) -> None:
        self._enabled(node)
        attribute = self.module.parents.get(node)
        call = self.module.parents.get(attribute) if isinstance(attribute, cst.Attribute) else None
        if (
            isinstance(attribute, cst.Attribute)
            and isinstance(call, cst.Call)
            and attribute.attr.value == "append"
            and call.args
        ):
            html = call.args[0].value
            in_task = self._task(node) is not None
            self.plan.want("import flyte.report")
            if in_task and can_await(self.module, node):
                self.plan.replace(
                    call, lambda rewrite: cst.Await(expression("flyte.report.log.aio({h})", h=rewrite(html)))
                )
            elif in_task:
                self.plan.replace(
                    call, lambda rewrite: expression("flyte.report.log({h})", h=rewrite(html)), "the main tab"
                )
            else:
                # A helper may be called from async code, where the blocking `log` is refused; a tab's is not blocking.
                self.plan.replace(
                    call, lambda rewrite: expression('flyte.report.get_tab("main").log({h})', h=rewrite(html))
                )
            return
        self.plan.replace(node, self._tab('"main"'), "the default deck is the main tab")
        variable = _variable(self.module, node)
        for use in loads(self.module, variable) if variable is not None else ():
            self._deck_use(use)

    def _all_decks(self, node: cst.BaseExpression) -> None:
        """`current_context().decks`, used at once or by way of a variable."""
        variable = _variable(self.module, node)
        line = self.module.statement(node)
        if variable is None or not isinstance(line, cst.SimpleStatementLine):
            self._decks(node)
            return
        for use in loads(self.module, variable):
            self._decks(use)
        self.plan.remove(line, "the report has all tabs")

    def _decks(self, node: cst.BaseExpression) -> None:
        """`current_context().decks.insert(0, deck)`: a tab is in the report from the start."""
        attribute = self.module.parents.get(node)
        call = self.module.parents.get(attribute) if isinstance(attribute, cst.Attribute) else None
        statement = self.module.parents.get(call) if isinstance(call, cst.Call) else None
        if not (isinstance(call, cst.Call) and isinstance(statement, cst.Expr) and call.args):
            self.plan.report("FB420", node, "the list of decks has no counterpart")
            return
        deck = call.args[-1].value
        if isinstance(deck, cst.Call):
            self.plan.replace(call, lambda rewrite: rewrite(deck), "a tab is in the report from the start")
        else:
            self.plan.remove(statement, "a tab is in the report from the start")

    def _task(self, node: cst.CSTNode) -> tuple[cst.FunctionDef, cst.Decorator] | None:
        function = self.module.function(node)
        while function is not None:
            found = entity_decorator(self.module, function)
            if found is not None:
                return function, found[0]
            function = self.module.function(function)
        return None

    def _enabled(self, node: cst.CSTNode) -> bool | None:
        """Whether the task around a node shows its decks; None outside a task. Said once per task when it does not."""
        found = self._task(node)
        if found is None:
            return None
        function, decorator = found
        call = decorator.decorator
        for argument in call.args if isinstance(call, cst.Call) else ():
            if argument.keyword is None:
                if argument.star == "**":
                    return None
            elif argument.keyword.value == "enable_deck":
                return code(argument.value) != "False"
            elif argument.keyword.value == "disable_deck":
                return code(argument.value) != "True"
        if not any(report.code == "FB421" and report.node is function.name for report in self.plan.reports):
            self.plan.report(
                "FB421", function.name, f"{function.name.value} does not enable decks: what it reports is shown nowhere"
            )
        return False

    # -- renderers ---------------------------------------------------------------------------------------------------

    def _renderer(self, call: cst.Call, qualified: str) -> None:
        key = renderer(qualified)
        known = RENDERERS.get(key or "")
        if any(isinstance(above, cst.SubscriptElement) for above in self.module.ancestors(call)):
            return  # in `Annotated[…]`: `types` drops it
        variable = held_by_any(self.module, call)
        uses = [call] if variable is None else list(loads(self.module, variable))
        rendered = [self._to_html(use) for use in uses]
        if known is None or not rendered or None in rendered:
            self.plan.report(
                "FB420", call, f"{qualified.rpartition('.')[2]} has no counterpart: write its HTML yourself"
            )
            return
        for html in filter(None, rendered):
            self._render(call, html, known)
        line = self.module.statement(call)
        if variable is not None and isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1:
            self.plan.remove(line, "a renderer that nobody needs any more")

    def _to_html(self, use: cst.BaseExpression) -> cst.Call | None:
        attribute = self.module.parents.get(use)
        call = self.module.parents.get(attribute) if isinstance(attribute, cst.Attribute) else None
        if (
            isinstance(attribute, cst.Attribute)
            and attribute.attr.value == "to_html"
            and isinstance(call, cst.Call)
            and call.args
        ):
            return call
        return None

    def _render(self, made: cst.Call, html: cst.Call, known: DeckRenderer) -> None:
        self.plan.want(*known.imports)
        value = html.args[0].value
        arguments: dict[str, cst.BaseExpression] = {}
        for index, (letter, (name, default)) in enumerate(zip("ab", known.names, strict=False)):
            given = _argument(made, index, name)
            if given is None and not default:
                self.plan.report("FB420", made, f"{code(made)} lacks its {name}")
                return
            arguments[letter] = given if given is not None else expression(default)

        def edit(rewrite: Rewrite) -> cst.CSTNode:
            x = rewrite(value)
            parts = {letter: rewrite(argument) for letter, argument in arguments.items()}
            return expression(known.template, x=atom(x) if known.template.startswith("{x}.") else x, **parts)

        self.plan.replace(html, edit, "what the renderer did")


def held_by_any(module: Module, call: cst.Call) -> cst.Name | None:
    """The variable a value is assigned to and nothing else is."""
    name = _variable(module, call)
    return name if name is not None and len(module.names.bindings(name)) == 1 else None


def _variable(module: Module, value: cst.BaseExpression) -> cst.Name | None:
    assign = module.parents.get(value)
    if isinstance(assign, cst.Assign) and len(assign.targets) == 1 and isinstance(assign.targets[0].target, cst.Name):
        return assign.targets[0].target
    if isinstance(assign, cst.AnnAssign) and isinstance(assign.target, cst.Name):
        return assign.target
    return None


def _argument(call: cst.Call, index: int, name: str) -> cst.BaseExpression | None:
    keyword = next((each.value for each in call.args if each.keyword is not None and each.keyword.value == name), None)
    if keyword is not None:
        return keyword
    positional = [each.value for each in call.args if each.keyword is None and not each.star]
    return positional[index] if index < len(positional) else None
