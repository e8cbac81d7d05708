"""What a module of the user's imports from its own project: read from the source, nothing is run."""

from __future__ import annotations

import ast
import pathlib

from flyte_bridge.verify.worker import script_folders


def module_file(root: pathlib.Path, module: str) -> pathlib.Path | None:
    """Where a module lies below the directory it is imported from; None when it is not there."""
    path = root.joinpath(*module.split("."))
    candidates = (path / "__init__.py", path.with_name(path.name + ".py"))
    return next((file for file in candidates if file.is_file()), None)


def imported(node: ast.AST, package: str) -> dict[str, tuple[str, str]]:
    """The names that an import statement binds, and where each comes from: `(module, name)`, or `(module, "")` for a module.

    Args:
        node: Any node; other nodes than imports bind nothing.
        package: What relative imports start from.
    """
    if isinstance(node, ast.Import):
        return {one.asname or one.name.partition(".")[0]: (one.name if one.asname else "", "") for one in node.names}
    if not isinstance(node, ast.ImportFrom):
        return {}
    parts = package.split(".") if package else []
    base = parts[: len(parts) - node.level + 1] if node.level else []
    origin = ".".join([*base, *filter(None, [node.module])])
    return {one.asname or one.name: (origin, one.name) for one in node.names}


def sources_of(root: pathlib.Path, module: str) -> list[pathlib.Path]:
    """The files of a project that importing a module may read: its own, its packages', and what those import, in order of path."""
    folders = [root, *script_folders(root, [module])]
    waiting, seen, files = [module], {module}, set()
    while waiting:
        name = waiting.pop()
        file = next((each for folder in folders if (each := module_file(folder, name)) is not None), None)
        if file is None:
            continue
        files.add(file)
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        onward = _modules(file, package) | {package}
        waiting += sorted(onward - seen - {""})
        seen |= onward
    return sorted(files)


def _modules(file: pathlib.Path, package: str) -> set[str]:
    """What a file imports, wherever in it; a name that is imported may be a module too."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        for origin, name in imported(node, package).values():
            names.update((origin, f"{origin}.{name}".strip(".")))
    return {
        ".".join(parts[:count]) for name in names for parts in [name.split(".")] for count in range(1, len(parts) + 1)
    }
