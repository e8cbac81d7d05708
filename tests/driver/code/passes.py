"""A value of every kind that only its maker and its reader understand."""

import datetime
import enum
import typing
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from flytekit import StructuredDataset, current_context, task, workflow
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile
from flytekit.types.schema import FlyteSchema


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Deep:
    n: int
    names: list[str] = field(default_factory=list)


@dataclass
class Outer:
    deep: Deep
    many: list[Deep]
    maybe: Deep | None = None


class Thing:
    """Nothing that Flyte knows: it goes by pickle."""

    def __init__(self, value: int) -> None:
        self.value = value


class Many(typing.NamedTuple):
    colour: Colour
    outer: Outer
    file: FlyteFile
    folder: FlyteDirectory
    frame: pd.DataFrame
    dataset: StructuredDataset
    schema: FlyteSchema
    thing: Thing
    when: datetime.datetime
    span: datetime.timedelta
    either: int | str
    nothing: str | None
    nested: dict[str, list[int | None]]


@task
def make() -> Many:
    here = Path(current_context().working_directory)
    (here / "a.txt").write_text("file")
    (here / "folder").mkdir(exist_ok=True)
    (here / "folder" / "b.txt").write_text("folder")
    schema = FlyteSchema()
    schema.open().write(pd.DataFrame({"x": [1, 2]}))
    return Many(
        colour=Colour.BLUE,
        outer=Outer(Deep(1, ["a", "b"]), [Deep(2), Deep(3, ["z"])]),
        file=FlyteFile(str(here / "a.txt")),
        folder=FlyteDirectory(str(here / "folder")),
        frame=pd.DataFrame({"c": [1, 2, 3]}),
        dataset=StructuredDataset(dataframe=pd.DataFrame({"d": [4.0]})),
        schema=schema,
        thing=Thing(9),
        when=datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        span=datetime.timedelta(seconds=3),
        either="word",
        nothing=None,
        nested={"a": [1, None]},
    )


@task
def show(
    colour: Colour,
    outer: Outer,
    file: FlyteFile,
    folder: FlyteDirectory,
    frame: pd.DataFrame,
    dataset: StructuredDataset,
    schema: FlyteSchema,
    thing: Thing,
    when: datetime.datetime,
    span: datetime.timedelta,
    either: int | str,
    nothing: str | None,
    nested: dict[str, list[int | None]],
) -> list[str]:
    folder.download()
    shown = [colour.value, outer, Path(file.download()).read_text(), (Path(folder.path) / "b.txt").read_text()]
    shown += [list(frame.c), list(dataset.open(pd.DataFrame).all().d), list(schema.open(pd.DataFrame).all().x)]
    return [str(one) for one in (*shown, thing.value, when.isoformat(), span, either, nothing, nested)]


@workflow
def passing() -> list[str]:
    made = make()
    return show(
        colour=made.colour,
        outer=made.outer,
        file=made.file,
        folder=made.folder,
        frame=made.frame,
        dataset=made.dataset,
        schema=made.schema,
        thing=made.thing,
        when=made.when,
        span=made.span,
        either=made.either,
        nothing=made.nothing,
        nested=made.nested,
    )


@dataclass
class Either:
    number: int | float
    word: int | str
    nothing: str | None
    deep: Deep | None


@task
def either() -> Either:
    return Either(2, "two", None, Deep(3, ["a"]))


@task
def tells(number: int | float, word: int | str, nothing: str | None, deep: Deep | None, half: float | None) -> str:
    return repr((number, word, nothing, deep, half))


@task
def halves() -> list[dict[str, float]]:
    return [{"half": 0.5}]


@workflow
def unions() -> str:
    """Attributes that are unions, and one that is a variant where the next task takes a union."""
    made = either()
    return tells(number=made.number, word=made.word, nothing=made.nothing, deep=made.deep, half=halves()[0]["half"])
