"""The house's walls: imports go one way. `import-linter` holds the layers; here the cycles are counted."""

from collections import Counter

import grimp
import networkx
import pytest

ROOTS = ("flyte_bridge", "flyte_bridge_cli", "flyte_bridge_translators")


def cycles(*, types: bool) -> list[tuple[str, ...]]:
    """The groups of modules that import each other in a circle, imports inside functions counted.

    Args:
        types: Whether imports for type checkers count too.
    """
    graph = grimp.build_graph(*ROOTS, exclude_type_checking_imports=not types, cache_dir=None)
    arrows = networkx.DiGraph(
        (name, other) for name in graph.modules for other in graph.find_modules_directly_imported_by(name)
    )
    return sorted(tuple(sorted(group)) for group in networkx.strongly_connected_components(arrows) if len(group) > 1)


@pytest.mark.parametrize("root", ROOTS)
def test_no_cycle_at_run_time(root: str) -> None:
    """No module imports itself through others when it runs, lazily neither."""
    inside = [group for group in cycles(types=False) if group[0].split(".")[0] == root]
    print(f"{root}: {len(inside)} cycles at run time, of {sum(map(len, inside))} modules")
    assert not inside, inside


def test_the_converter_names_types_in_a_circle_only_inside_a_room() -> None:
    """Modules of the translators that name each other's types in a circle stand in one package."""
    groups = [group for group in cycles(types=True) if group[0].startswith("flyte_bridge_translators.")]
    print(f"translators: {len(groups)} circles of types, of {sum(map(len, groups))} modules")
    for group in groups:
        assert len(Counter(name.rpartition(".")[0] for name in group)) == 1, group
