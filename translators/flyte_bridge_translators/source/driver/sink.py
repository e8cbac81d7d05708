"""Where the value of a block goes."""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from flyte_bridge_translators.source.engine.syntax import assign


@dataclass(frozen=True)
class Sink:
    """Where the value of a block goes: returned, assigned, or dropped."""

    kind: str
    target: cst.BaseExpression | None = None

    @classmethod
    def returning(cls) -> Sink:
        """`return value`."""
        return cls("return")

    def line(self, value: cst.BaseExpression) -> cst.SimpleStatementLine | None:
        """The statement that takes the value."""
        if self.kind == "return":
            return cst.SimpleStatementLine([cst.Return(value)])
        if self.kind == "assign" and self.target is not None:
            return assign(self.target, value)
        return cst.SimpleStatementLine([cst.Expr(value)]) if isinstance(value, cst.Await) else None
