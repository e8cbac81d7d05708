"""Where inputs come from: files, `__main__` blocks, types."""

import dataclasses
import datetime as dt
import enum
import random
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, Union

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from flyte_bridge.errors import UsageError
from flyte_bridge.verify.inputs import for_target, read_calls, read_file
from flyte_bridge.verify.samples import sample
from flyte_bridge.verify.values import NoValue, PlainReader, generate


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: int
    color: Color = Color.RED
    tags: list[str] = dataclasses.field(default_factory=list)


class Model(BaseModel):
    size: int
    name: str = "n"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> PlainReader:
    base = tmp_path_factory.mktemp("base")
    return PlainReader(lambda *_: NotImplemented, base, base)


def nothing_special(hint: Any) -> Any:
    return NotImplemented


HINTS = st.recursive(
    st.sampled_from(
        [int, float, str, bool, dt.datetime, dt.timedelta, dt.date, bytes, Color, Point, Model, Literal["a", "b"]]
    ),
    lambda inner: (
        inner.map(lambda hint: list[hint])  # type: ignore[valid-type]
        | inner.map(lambda hint: Optional[hint])
        | inner.map(lambda hint: dict[str, hint])  # type: ignore[valid-type]
        | inner.map(lambda hint: Union[hint, int])
        | inner.map(lambda hint: Annotated[hint, "note"])
    ),
    max_leaves=4,
)


@given(hint=HINTS)
def test_made_up_values_fit_their_type(reader: PlainReader, hint: Any) -> None:
    """What is made up for a type can be read as that type, twice the same."""
    made = generate(hint, nothing_special)
    assert made == generate(hint, nothing_special)
    reader.read(made, hint)


@pytest.mark.parametrize(
    ("plain", "hint", "value"),
    [
        (3, int, 3),
        (3, float, 3.0),
        ("3", int, 3),
        ("red", Color, Color.RED),
        ("BLUE", Color, Color.BLUE),
        ("2024-01-02T03:04:05Z", dt.datetime, dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)),
        ("2024-01-02", dt.datetime, dt.datetime(2024, 1, 2)),
        ("2024-01-02", dt.date, dt.date(2024, 1, 2)),
        (90, dt.timedelta, dt.timedelta(seconds=90)),
        ("1d2h30m", dt.timedelta, dt.timedelta(days=1, hours=2, minutes=30)),
        (None, Optional[int], None),
        (1, Union[str, int], 1),
        ("1", Union[int, str], "1"),
        ({"x": 1, "color": "blue"}, Point, Point(1, Color.BLUE)),
        ({"size": 2}, Model, Model(size=2)),
        ([{"x": 1}], list[Point], [Point(1)]),
        ({"a": [1, 2]}, dict[str, list[float]], {"a": [1.0, 2.0]}),
        ({"1": "a"}, dict[int, str], {1: "a"}),
        ([1, "a"], tuple[int, str], (1, "a")),
        ([1, 1, 2], set[int], {1, 2}),
        ({"any": ["thing"]}, Any, {"any": ["thing"]}),
    ],
)
def test_plain_values_are_read(reader: PlainReader, plain: Any, hint: Any, value: Any) -> None:
    """A plain value becomes a value of its type."""
    read = reader.read(plain, hint)
    assert read == value
    assert type(read) is type(value)


def test_frames_and_arrays_are_read(reader: PlainReader, tmp_path: Path) -> None:
    """A frame is read from its columns, its rows or a file; an array from a list."""
    frame = pd.DataFrame({"a": [1, 2]})
    frame.to_csv(tmp_path / "f.csv", index=False)
    frame.to_parquet(tmp_path / "f.parquet")
    for plain in ({"a": [1, 2]}, [{"a": 1}, {"a": 2}], str(tmp_path / "f.csv"), str(tmp_path / "f.parquet")):
        pd.testing.assert_frame_equal(reader.read(plain, pd.DataFrame), frame)
    assert reader.read([1.0, 2.0], np.ndarray).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("plain", "hint"),
    [
        (1.5, int),
        (True, int),
        (1, bool),
        (1, str),
        ("x", float),
        ("green", Color),
        ("soon", dt.timedelta),
        ("soon", dt.datetime),
        ({"y": 1}, Point),
        (3, list[int]),
        ([1], dict[str, int]),
        ("a", Union[int, float]),
        (3, Path),
    ],
)
def test_misfits_are_refused(reader: PlainReader, plain: Any, hint: Any) -> None:
    """A plain value that is none of the type is refused, and the message names it."""
    with pytest.raises(NoValue) as caught:
        reader.read(plain, hint)
    assert str(next(iter(plain)) if isinstance(plain, dict) else plain) in str(caught.value)


@pytest.mark.parametrize("hint", [Any, object, list, Path, list[Any]])
def test_nothing_is_made_up_for_a_vague_type(hint: Any) -> None:
    """A type that says too little gets no value."""
    with pytest.raises(NoValue, match="no value can be made up for"):
        generate(hint, nothing_special)


def test_calls_in_the_main_block() -> None:
    """The block's calls are read without running it: literals, constants, times, enums, records, files."""
    source = """
from datetime import datetime, timedelta
import datetime as when
N = 3
SIZES: list = [N, N * 2]
if __name__ == "__main__":
    n = N - 1
    print(f"result: {wf(a=n, b=-1.5, c='x', d=SIZES, e={'k': (1, None)}, f=not True)}")
    wf(a=100)
    pipeline.other(at=datetime(2024, 1, 2, tzinfo=when.timezone.utc), span=timedelta(hours=1), on=when.date(2024, 1, 2))
    records(color=Color.RED, point=Point(x=1, color=Color.BLUE), data=FlyteFile("data.csv"), where=FlyteFile(path="p"))
    partly(a=1, b=load(), c=os.environ["C"], d=[x for x in y], e=datetime.now(), f=make("x"), **more)
    counts(xs=list(range(3)), text="ab" * 2)
"""
    calls = read_calls(source)
    assert calls["wf"] == {"a": 2, "b": -1.5, "c": "x", "d": [3, 6], "e": {"k": [1, None]}, "f": False}
    assert calls["other"] == {"at": "2024-01-02T00:00:00+00:00", "span": 3600.0, "on": "2024-01-02"}
    assert calls["records"] == {
        "color": "RED",
        "point": {"x": 1, "color": "BLUE"},
        "data": "data.csv",
        "where": "p",
    }
    assert calls["partly"] == {"a": 1}
    assert calls["counts"] == {"xs": [0, 1, 2], "text": "abab"}


@pytest.mark.parametrize(
    "source",
    [
        "wf(a=1)",
        "def wf(a): ...\nif other:\n    wf(a=1)\n",
        "if __name__ == '__main__':\n    pass\n",
        "if __name__ == '__main__':\n    wf(a='x' * 10**9, b=list(range(10**9)), c=1 / 0)\n",
        "not python",
        "",
    ],
)
def test_no_calls(source: str) -> None:
    """Outside a main block nothing is read; what cannot be known, or is huge, is left out."""
    assert read_calls(source).get("wf", {}) == {}


def test_if_name_is_main_reversed() -> None:
    """The block is found whichever way round its comparison stands."""
    assert read_calls("if '__main__' == __name__:\n    wf(a=1)\n") == {"wf": {"a": 1}}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("i.yaml", "wf:\n  at: 2024-01-02\n  n: 3\n"),
        ("i.json", '{"wf": {"at": "2024-01-02", "n": 3}}'),
    ],
)
def test_inputs_file(tmp_path: Path, name: str, text: str) -> None:
    """Inputs are read from YAML and JSON; a time is a text in both."""
    (tmp_path / name).write_text(text)
    assert read_file(tmp_path / name) == {"wf": [{"at": "2024-01-02", "n": 3}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "do not parse"),
        ("[1]", "a mapping of workflow names"),
        ("wf: 3", "a mapping of workflow names"),
        ("wf: []", "or to lists of them"),
        ("wf: [{n: 1}, 2]", "or to lists of them"),
        (None, "cannot be read"),
    ],
)
def test_bad_inputs_file(tmp_path: Path, text: "str | None", message: str) -> None:
    """A bad inputs file is an error that names it."""
    path = tmp_path / "i.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        read_file(path)
    assert str(path) in str(caught.value)


def test_spellings_of_a_workflow() -> None:
    """A workflow may be named alone, by module, or with a colon; the more precise spelling wins."""
    given = {"wf": [{"a": 1, "b": 1}], "m.wf": [{"b": 2}], "other.wf": [{"b": 3}], "m:wf": [{"c": 4}]}
    assert for_target(given, "m", "wf") == [{"a": 1, "b": 2, "c": 4}]


def test_rows_of_the_most_precise_spelling() -> None:
    """Several rows replace what a less precise spelling says, and a workflow nobody names has one empty row."""
    given = {"wf": [{"a": 1}], "m.wf": [{"b": 5}, {"b": 6}]}
    assert for_target(given, "m", "wf") == [{"b": 5}, {"b": 6}]
    assert for_target(given, "m", "other") == [{}]


@pytest.mark.parametrize(
    "hint",
    [
        int,
        float,
        str,
        bool,
        dt.datetime,
        dt.date,
        dt.timedelta,
        list[int],
        dict[str, float],
        Optional[int],
        Color,
        Point,
    ],
)
def test_samples_can_be_read(reader: PlainReader, hint: Any) -> None:
    """What is drawn for a type is a value of it, the same for one seed and another for others."""
    values = [sample(hint, nothing_special, random.Random(seed)) for seed in range(40)]
    for value in values:
        reader.read(value, hint)
    assert len({repr(value) for value in values}) > 1
    assert repr(sample(hint, nothing_special, random.Random(3))) == repr(values[3])
