"""Rules of a comparison as a YAML file; see docs/side-by-side.md.

```yaml
relative: 1.0e-6            # these hold for every output …
ignore: ["**.created_at"]
errors: code
outputs:
  report:                   # … and are replaced, one by one, for this one
    absolute: 0.01
  table:
    keys: [id]
    ignore_columns: [loaded_at]
```
"""

from __future__ import annotations

import difflib
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

import yaml

from ..errors import SourceError
from .rules import ComparisonRules, ErrorRule, OutputRule, Tolerance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


class BadRules(ValueError):
    """Raised when rules cannot be read; the message says where, and what is meant perhaps."""


def read(path: Path) -> ComparisonRules:
    """The rules of a file.

    Raises:
        SourceError: It cannot be read, or holds no rules.
    """
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(str(path), f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except BadRules as error:
        raise SourceError(str(path), str(error)) from None


def parse(text: str) -> ComparisonRules:
    """The rules of a text.

    Raises:
        BadRules: It is no YAML, or names a rule that there is not, or gives one a value that it cannot have.
    """
    try:
        told = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadRules(f"no YAML: {' '.join(str(error).split())}") from None
    if told is None:
        return ComparisonRules()
    told = _mapping("the rules", told)
    _known("the rules", told, {*_OF_OUTPUTS, "outputs", "errors", "cache", "retries"})
    every = _output("the rules", told, OutputRule())
    outputs = {
        str(name): _one_output(str(name), rule, every)
        for name, rule in _mapping("outputs", told.get("outputs") or {}).items()
    }
    errors = told.get("errors", "message")
    if errors not in get_args(ErrorRule):
        raise BadRules(
            f"errors: {errors!r} is none of {', '.join(get_args(ErrorRule))}{_meant(errors, get_args(ErrorRule))}"
        )
    return ComparisonRules(
        every,
        outputs,
        errors,
        cache=_boolean("cache", told.get("cache", False)),
        retries=_boolean("retries", told.get("retries", True)),
    )


def _one_output(name: str, told: Any, every: OutputRule) -> OutputRule:
    where = f"outputs.{name}"
    mapping = _mapping(where, told)
    _known(where, mapping, set(_OF_OUTPUTS))
    return _output(where, mapping, every)


def _output(where: str, told: Mapping[str, Any], base: OutputRule) -> OutputRule:
    given = {name: read(f"{where}: {name}", told[name]) for name, read in _OF_OUTPUTS.items() if name in told}
    tolerance = replace(base.tolerance, **{name: given.pop(name) for name in ("relative", "absolute") if name in given})
    return replace(base, tolerance=Tolerance(tolerance.relative, tolerance.absolute), **given)


def _number(where: str, value: Any) -> float:
    # YAML 1.1 reads 1e-6, which has no dot, as a text
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise BadRules(f"{where}: {value!r} is no number from 0 on")
    return number


def _share(where: str, value: Any) -> float:
    number = _number(where, value)
    if number > 1:
        raise BadRules(f"{where}: {value!r} is no share from 0 to 1")
    return number


def _boolean(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadRules(f"{where}: {value!r} is neither true nor false")
    return value


def _texts(where: str, value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in listed):
        raise BadRules(f"{where}: {value!r} is no list of texts")
    return tuple(listed)


_OF_OUTPUTS: dict[str, Callable[[str, Any], Any]] = {
    "absolute": _number,
    "columns": _texts,
    "dtypes": _boolean,
    "ignore": _texts,
    "ignore_columns": _texts,
    "keys": _texts,
    "relative": _number,
    "rows": _share,
    "unordered": _texts,
}
"""What can be said of an output, and of all."""


def _mapping(where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadRules(f"{where}: {value!r} is no mapping")
    return value


def _known(where: str, told: Mapping[str, Any], names: set[str]) -> None:
    for name in told:
        if name not in names:
            raise BadRules(
                f"{where}: {name!r} is no rule{_meant(name, names) or '; there are ' + ', '.join(sorted(names))}"
            )


def _meant(word: object, names: Any) -> str:
    near = difflib.get_close_matches(str(word), list(names), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
