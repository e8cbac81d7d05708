"""Rules of a comparison: what they leave out, match and allow, and how a file of them is read."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flyte_bridge.errors import SourceError
from flyte_bridge.verify import rules_file
from flyte_bridge.verify.canonical import Canonical
from flyte_bridge.verify.compare import Difference, compare, compare_outputs
from flyte_bridge.verify.rules import ComparisonRules, OutputRule, Tolerance, segments


def differences(left: Any, right: Any, rule: OutputRule) -> list[Difference]:
    plain = Canonical()
    return compare(plain.of(left), plain.of(right), path="o0", rule=rule)


def paths(left: Any, right: Any, rule: OutputRule) -> list[str]:
    return [one.path for one in differences(left, right, rule)]


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        ("nothing", ['o0["a"]["t"]', 'o0["b"][0]["t"]', 'o0["x.y"]']),
        ("a.t", ['o0["b"][0]["t"]', 'o0["x.y"]']),
        ("b.*.t", ['o0["a"]["t"]', 'o0["x.y"]']),
        ("**.t", ['o0["x.y"]']),
        ("['x.y']", ['o0["a"]["t"]', 'o0["b"][0]["t"]']),
        ("*", []),
    ],
)
def test_ignored_places(pattern: str, kept: list[str]) -> None:
    """A pattern leaves out the places that it names, and no other."""
    left = {"a": {"t": 1}, "b": [{"t": 2}], "x.y": 3}
    right = {"a": {"t": 9}, "b": [{"t": 8}], "x.y": 7}
    assert paths(left, right, OutputRule(ignore=(pattern,))) == kept


def test_an_ignored_place_may_be_missing() -> None:
    """What is ignored need not be there."""
    rule = OutputRule(ignore=("at",))
    assert paths({"at": 1}, {}, rule) == []
    assert paths({}, {"at": 1}, rule) == []
    assert paths({"on": 1}, {}, rule) == ['o0["on"]']


def test_unordered_lists() -> None:
    """An unordered list is a bag: equal elements count as often as they are there, tolerances hold."""
    rule = OutputRule(unordered=("",))
    assert paths([1, 2.0, 2.0], [2.0, 1, 2.0 + 1e-12], rule) == []
    assert paths([1, 1, 2], [1, 2, 2], rule) == ["o0[1]"]
    assert paths({"a": [1, 2]}, {"a": [2, 1]}, rule) == ['o0["a"][0]', 'o0["a"][1]']


def test_keys_match_rows() -> None:
    """With keys the rows of a frame have no order; what only one side has is told by its key."""
    left = pd.DataFrame({"id": [1, 2, 3], "v": [1.0, 2.0, 3.0]})
    right = pd.DataFrame({"id": [3, 1, 4], "v": [3.0, 1.5, 4.0]})
    found = differences(left, right, OutputRule(keys=("id",)))
    assert [(one.path, one.what) for one in found] == [
        ("o0[[2]]", "missing"),
        ("o0[[4]]", "extra"),
        ("o0['v'][0]", "value"),
    ]
    assert paths(left, left.iloc[::-1].reset_index(drop=True), OutputRule(keys=("id",))) == []
    assert paths(left, left.iloc[::-1].reset_index(drop=True), OutputRule()) != []


def test_a_key_that_is_no_column() -> None:
    """A key column that is not there decides nothing, and is told."""
    frame = pd.DataFrame({"id": [1]})
    [told] = differences(frame, frame, OutputRule(keys=("no",)))
    assert (told.what, told.detail) == ("undecided", "no key column 'no'")


def test_columns_that_count() -> None:
    """Columns can be chosen or left out; whoever names some does not care for their order."""
    left = pd.DataFrame({"a": [1], "b": [2], "loaded_at": [3]})
    right = pd.DataFrame({"b": [2], "a": [1], "loaded_at": [4]})
    assert paths(left, right, OutputRule(columns=("a", "b"))) == []
    assert paths(left, right, OutputRule(ignore_columns=("loaded_*",))) == ["o0.columns"]
    assert paths(left, left.assign(loaded_at=[9]), OutputRule(ignore_columns=("loaded_*",))) == []


def test_a_share_of_rows() -> None:
    """Up to the share of rows that is allowed may differ, and not one more."""
    left = pd.DataFrame({"a": range(100)})
    right = left.assign(a=[-1, -2, *range(2, 100)])
    assert paths(left, right, OutputRule(rows=0.02)) == []
    assert len(paths(left, right, OutputRule(rows=0.01))) == 2


def test_many_differing_cells_are_counted() -> None:
    """Ten cells of a column are shown, the others are counted."""
    frame = pd.DataFrame({"a": range(1000)})
    found = differences(frame, frame + 1, OutputRule())
    assert len(found) == 11
    assert found[-1].detail == "990 more cells of 1000 differ"


def test_dtypes_need_not_count() -> None:
    """A rule can leave dtypes out; values still count."""
    left, right = pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1.0, 2.0]})
    assert paths(left, right, OutputRule()) == ["o0.dtypes"]
    assert paths(left, right, OutputRule(dtypes=False)) == []


def test_the_first_pattern_that_fits() -> None:
    """An output has the rule of the first pattern that fits its name, else the general one."""
    mine, nodes, every = OutputRule(rows=0.1), OutputRule(rows=0.2), OutputRule(rows=0.3)
    rules = ComparisonRules(every, {"n1.table": mine, "n*.table": nodes})
    assert [rules.of(name).rows for name in ("n1.table", "n2.table", "table")] == [0.1, 0.2, 0.3]


def test_outputs_of_a_verified_workflow_have_rules() -> None:
    """`--verify` compares each output by its own rule, as everything else does."""
    rules = ComparisonRules(outputs={"loss": OutputRule(Tolerance(absolute=0.5))})
    found = compare_outputs(["loss", "n"], [1.0, 1.0], [1.2, 1.2], rules=rules)
    assert [one.path for one in found] == ["n"]


def test_segments() -> None:
    """Both spellings of a key are one segment, dots inside included."""
    assert segments("""o0.a["b.c"][3]['d']""") == ("o0", "a", "b.c", "3", "d")


def test_a_file_of_rules() -> None:
    """An output's own rules replace the general ones, one by one; 1e-6 is a number, though YAML reads a text."""
    rules = rules_file.parse(
        "relative: 1e-6\nignore: '**.at'\nerrors: code\ncache: true\n"
        "outputs:\n  table: {absolute: 0.5, keys: [id], rows: 0.1}\n"
    )
    assert rules.every == OutputRule(Tolerance(1e-6), ignore=("**.at",))
    assert rules.of("table") == OutputRule(Tolerance(1e-6, 0.5), ignore=("**.at",), keys=("id",), rows=0.1)
    assert (rules.errors, rules.cache, rules.retries) == ("code", True, True)
    assert rules_file.parse("") == ComparisonRules()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("relativ: 1", "the rules: 'relativ' is no rule; did you mean 'relative'?"),
        ("outputs: {o0: {key: [a]}}", "outputs.o0: 'key' is no rule; did you mean 'keys'?"),
        ("outputs: {o0: 3}", "outputs.o0: 3 is no mapping"),
        ("relative: -1", "the rules: relative: -1 is no number from 0 on"),
        ("rows: 2", "the rules: rows: 2 is no share from 0 to 1"),
        ("errors: codes", "errors: 'codes' is none of message, code, kind; did you mean 'code'?"),
        ("ignore: [1]", "the rules: ignore: [1] is no list of texts"),
        ("dtypes: 1", "the rules: dtypes: 1 is neither true nor false"),
        ("[1]", "the rules: [1] is no mapping"),
        ("a: [", "no YAML: "),
    ],
)
def test_bad_rules(text: str, said: str, tmp_path: Path) -> None:
    """What cannot be read is told with its place, and with what is meant perhaps."""
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises(SourceError) as refusal:
        rules_file.read(path)
    assert str(refusal.value).startswith(f"{path}: {said}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A file that cannot be read is told by its path."""
    with pytest.raises(SourceError, match="cannot be read"):
        rules_file.read(tmp_path / "none.yaml")
