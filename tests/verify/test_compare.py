"""Canonical forms and their comparison."""

import copy
import dataclasses
import datetime as dt
import enum
import gzip
import io
import json
import math
import zipfile
from collections import OrderedDict, namedtuple
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from flyte_bridge.verify import canonical
from flyte_bridge.verify.compare import compare, compare_outputs, kind, shorten, split_unstable
from flyte_bridge.verify.rules import Tolerance


def plain(value: Any) -> Any:
    """A value's canonical form, as the other process reads it."""
    return json.loads(json.dumps(canonical.Canonical().of(value), allow_nan=False))


def paths(left: Any, right: Any, **options: Any) -> list[str]:
    return [one.path for one in compare(plain(left), plain(right), **options)]


def same(left: Any, right: Any) -> bool:
    return not paths(left, right)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class OtherColor(enum.Enum):
    ROT = "red"


@dataclasses.dataclass
class Point:
    x: float
    color: Color = Color.RED


@dataclasses.dataclass
class Pair:
    x: float
    color: OtherColor = OtherColor.ROT


class Model(BaseModel):
    x: float
    color: Color = Color.RED


class Plain:
    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


Named = namedtuple("Named", ["a", "b"])

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.timedeltas()
    | st.sampled_from(Color)
    | st.decimals(allow_nan=False),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.builds(Plain, a=inner)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_a_value_is_itself(value: Any) -> None:
    """Any value survives the wire and equals a copy of itself."""
    assert same(value, copy.deepcopy(value))


@given(VALUES, VALUES)
def test_comparison_has_no_sides(left: Any, right: Any) -> None:
    """Whether two values differ does not depend on which one comes first."""
    assert same(left, right) == same(right, left)


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_dicts_have_no_order(value: dict[str, int]) -> None:
    """Dictionaries are compared unordered."""
    assert same(value, dict(reversed(list(value.items()))))


@given(st.lists(st.integers(), min_size=1), st.data())
def test_a_changed_element_is_found(value: list[int], data: st.DataObject) -> None:
    """One changed element is one difference, at its index."""
    index = data.draw(st.integers(0, len(value) - 1))
    changed = [*value[:index], value[index] + 1, *value[index + 1 :]]
    assert paths(value, changed) == [f"[{index}]"]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1.0, 1.0 + 1e-10),
        (0.0, 1e-13),
        (math.nan, math.nan),
        (math.inf, math.inf),
        (1, 1.0),
        (10**400, 10**400),
        ((1, 2), [1, 2]),
        (Named(1, "b"), (1, "b")),
        ({"a": 1, "b": [2]}, OrderedDict(b=[2], a=1)),
        ({1: "a"}, {1.0: "a"}),
        ({1, 2, 3}, frozenset([3, 2, 1])),
        (Color.RED, OtherColor.ROT),
        (Point(1.0), Pair(1.0)),
        (Point(1.0), Model(x=1)),
        (dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 2, 1, tzinfo=dt.timezone(dt.timedelta(hours=1)))),
        (np.float64(0.5), 0.5),
        (np.arange(3), np.arange(3)),
        (np.array([1.0, math.nan]), np.array([1.0 + 1e-12, math.nan])),
        (Plain(a=1), Plain(a=1)),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 2]}, index=[0, 1])),
        (pd.DataFrame({"a": ["x", None]}), pd.DataFrame({"a": pd.array(["x", pd.NA], dtype="string")})),
        (
            pd.DataFrame({"t": pd.to_datetime(["2024-01-02"])}),
            pd.DataFrame({"t": np.array(["2024-01-02"], "datetime64[s]")}),
        ),
        (pd.Timestamp("2024-01-02"), dt.datetime(2024, 1, 2)),
    ],
)
def test_same(left: Any, right: Any) -> None:
    """What says the same is the same."""
    assert same(left, right)


@pytest.mark.parametrize(
    ("left", "right", "path"),
    [
        (1.0, 1.0 + 1e-8, ""),
        (2**60, 2**60 + 1, ""),
        (1, True, ""),
        (0, None, ""),
        (1, "1", ""),
        (math.nan, 1.0, ""),
        (math.inf, -math.inf, ""),
        (10**400, 1.0, ""),
        ([1, 2], [2, 1], "[0]"),
        ([1], [1, 1], ""),
        ({"a": 1}, {"a": 1, "b": 2}, '["b"]'),
        ({"a": {"b": [0, 1]}}, {"a": {"b": [0, 2]}}, '["a"]["b"][1]'),
        ({1, 2}, {1, 3}, ""),
        (Color.RED, Color.BLUE, ""),
        (Color.RED, "red", ""),
        (Point(1.0), Point(1.0, Color.BLUE), ".color"),
        (Point(1.0), {"x": 1.0, "color": "red"}, ""),
        (dt.timedelta(1), dt.timedelta(1, microseconds=1), ""),
        (Decimal("1.0"), Decimal("1.1"), ""),
        (b"a", b"b", ""),
        (np.arange(3), np.arange(3.0), ".dtype"),
        (np.zeros((2, 1)), np.zeros((1, 2)), ".shape"),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [2, 1]}), "['a'][0]"),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1.0]}), ".dtypes"),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), ".columns"),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}, index=["x"]), ".index"),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 2]}, index=[1, 0]), ".index"),
        (Plain(a=1), Plain(a=2), ".a"),
    ],
)
def test_different(left: Any, right: Any, path: str) -> None:
    """What says something else is different, and the path says where."""
    assert paths(left, right)[:1] == [path]


def test_tolerance_is_a_choice() -> None:
    """The tolerance can be given."""
    assert paths([1.0], [1.01], tolerance=Tolerance(relative=0.1)) == []


def test_cycles_end() -> None:
    """A value that holds itself has a form, and equals its like."""
    value: list[Any] = [1]
    value.append(value)
    assert same(value, copy.deepcopy(value))


def test_what_no_rule_covers() -> None:
    """Unknown objects are compared by attributes, else by pickle, else by repr without its address."""
    assert canonical.Canonical().of(Plain(a=1))["how"] == "attributes"
    assert canonical.Canonical().of(range)["kind"] == "symbol"
    assert canonical.Canonical().of(iter([1, 2]))["how"] == "pickle"
    opaque = (one for one in ())
    assert canonical.Canonical().of(opaque)["how"] == "repr"
    assert same(opaque, (one for one in ())) is True


def test_arrow_and_pandas() -> None:
    """A table of another library is compared by the same columns and values."""
    table = pa.table({"name": ["a", "b"], "size": [1, 2], "weight": [0.5, None]})
    assert same(table, table.to_pandas())


def test_large_frames_travel_as_digests() -> None:
    """Frames beyond the limit are compared by digest, with floats rounded."""
    frame = pd.DataFrame({"a": np.arange(canonical.CELLS) / 4, "b": range(canonical.CELLS)})
    assert "digests" in plain(frame)
    assert same(frame, frame.assign(a=frame["a"] * (1 + 1e-13)))
    assert paths(frame, frame.assign(b=0)) == ["['b']"]


def test_files(tmp_path: Path) -> None:
    """Files are compared by content; a text's difference is shown as a diff."""
    (tmp_path / "a").write_text("one\ntwo\n")
    (tmp_path / "b").write_text("one\ntwo\n")
    (tmp_path / "c").write_text("one\nthree\n")
    a, b, c = (canonical.file(tmp_path / name) for name in "abc")
    assert compare(a, b) == []
    (found,) = compare(a, c, path="o0")
    assert found.path == "o0"
    assert found.detail.splitlines()[-2:] == ["-two", "+three"]


def test_packed_files(tmp_path: Path) -> None:
    """Of a gzip or zip the content counts, and not the time of writing."""

    def packed(name: str, text: bytes, year: int) -> Any:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(zipfile.ZipInfo("x", (year, 1, 1, 0, 0, 0)), text)
        (tmp_path / name).write_bytes(buffer.getvalue())
        return canonical.file(tmp_path / name)

    assert compare(packed("a", b"1", 2000), packed("b", b"1", 2020)) == []
    assert [one.path for one in compare(packed("a", b"1", 2000), packed("b", b"2", 2000))] == ["['x']"]
    for name, mtime in (("c", 1), ("d", 2)):
        (tmp_path / name).write_bytes(gzip.compress(b"text", mtime=mtime))
    assert compare(canonical.file(tmp_path / "c"), canonical.file(tmp_path / "d")) == []
    (tmp_path / "e").write_bytes(b"\x1f\x8bno gzip")
    assert canonical.file(tmp_path / "e")["kind"] == "file"


def test_directories(tmp_path: Path) -> None:
    """Directories are compared by relative paths and contents."""
    for name, text in (("l/x/a", "1"), ("l/b", "2"), ("r/x/a", "1"), ("r/c", "2")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = compare(canonical.directory(tmp_path / "l"), canonical.directory(tmp_path / "r"))
    assert [(one.path, one.what) for one in found] == [("['b']", "missing"), ("['c']", "extra")]


def test_outputs_are_named() -> None:
    """The first side's output names begin the paths; another number of outputs is a difference."""
    assert [one.path for one in compare_outputs(["total", "mean"], [1, 2.0], [1, 3.0])] == ["mean"]
    assert [one.what for one in compare_outputs(["o0"], [1], [1, 2])] == ["length"]


def test_unstable_places_are_set_aside() -> None:
    """A place that differs between two runs of one side is excused, below it too, unless its kind changes."""
    first, again = [{"a": 1.5, "b": 1}, [1, 2]], [{"a": 2.5, "b": 1}, [1, 2, 3]]
    unstable = compare_outputs(["o0", "o1"], plain(first), plain(again))
    for other, expected in (
        ([{"a": 3.5, "b": 1}, [1, 9]], []),
        ([{"a": "text", "b": 1}, [1, 2]], ['o0["a"]']),
        ([{"a": 3.5, "b": 2}, [1, 2]], ['o0["b"]']),
    ):
        kept, names = split_unstable(compare_outputs(["o0", "o1"], plain(first), plain(other)), unstable)
        assert [one.path for one in kept] == expected
        assert names == ['o0["a"]', "o1"]


@given(VALUES)
def test_every_form_can_be_shown(value: Any) -> None:
    """Every form has a kind and a short line."""
    form = plain(value)
    assert kind(form)
    assert len(shorten(form)) <= 120
