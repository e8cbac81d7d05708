"""Files and directories: finding them, naming their modules, converting them together on both cores, writing them.

Done in two phases, because a driver in one file calls tasks of another: first every file is parsed and its facts are
collected, then each is converted with the facts of all. A file stays with the worker that parsed it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from flyte_bridge.convert.cache import ConversionCache, key
from flyte_bridge.convert.files import IGNORED, NOTEBOOK, Contexts, File, FileResult, module_name
from flyte_bridge.convert.neighbours import named_as_imported, neighbours
from flyte_bridge.convert.surroundings import convert_text, listed, surroundings, told, walk
from flyte_bridge.convert.workers import Progress, Shelf, in_parallel, uncollected
from flyte_bridge.errors import SourceError, UsageError
from flyte_bridge_translators.source.engine.entities import Facts
from flyte_bridge_translators.source.engine.naming import NO_NAMES, RenameTable
from flyte_bridge_translators.source.engine.passed_on import may_use, passed_on
from flyte_bridge_translators.source.engine.translator import Converted, Failed, Options, Unchanged

PARALLEL_FROM = 12
"""Fewer files than this are converted in this process: starting workers costs more."""


@dataclass(frozen=True)
class ProjectResult:
    """What became of a project.

    Attributes:
        files: One result per file, in the order of the paths.
        facts: What was known of each module.
        names: What is called how in Flyte 2.
    """

    files: Sequence[FileResult]
    facts: Mapping[str, Facts] = field(default_factory=dict)
    names: RenameTable = NO_NAMES


def find(paths: Iterable[Path], suffixes: tuple[str, ...] = (".py",)) -> list[File]:
    """The Python files below the paths, each once, in a stable order.

    Symbolic links to directories are not followed, so a loop of links ends; a link to a file counts as the file.

    Raises:
        UsageError: A path is not there, or is neither a file nor a directory.
    """
    found: dict[Path, File] = {}
    for root in paths:
        if root.is_dir():
            for path in _walk(root, suffixes):
                # `realpath` and not `resolve`: a link to itself is reported when it is read, it must not end the search.
                found.setdefault(Path(os.path.realpath(path)), File(path, root, module_name(path, root)))
        elif root.is_file() or root.is_symlink():
            found.setdefault(root.absolute(), File(root, root, module_name(root, root.parent)))
        else:
            raise UsageError(f"{root}: no such file or directory")
    return named_as_imported(list(found.values()))


def _walk(root: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for folder, directories, names in os.walk(root, followlinks=False):
        directories[:] = sorted(name for name in directories if name not in IGNORED and not name.startswith("."))
        for name in sorted(names):
            path = Path(folder) / name
            if name.endswith(suffixes) and (path.is_symlink() or path.is_file()):
                yield path


def find_all(paths: Sequence[Path]) -> list[File]:
    """Everything below the paths that a conversion is about: the Python files, and what else names Flyte 1.

    Raises:
        UsageError: A path is not there, or is neither a file nor a directory.
    """
    around = surroundings(paths)
    texts = {file.path for file in around}
    return [*(file for file in find(paths, (".py", NOTEBOOK)) if file.path not in texts), *around]


def convert_project(
    files: Sequence[File],
    options: Options | None = None,
    *,
    progress: Progress | None = None,
    cache: ConversionCache | None = None,
) -> ProjectResult:
    """Convert modules, and then what lies around them; what still names Flyte 1 is listed.

    Args:
        files: As `find_all` returns them.
        options: The user's choices.
        progress: Called as modules are done.
        cache: See `convert_files`.
    """
    modules = convert_files([file for file in files if file.is_module], options, progress=progress, cache=cache)
    names = (options or Options()).table.updated(modules.names)
    project = told(files, modules.facts, names)
    around = [convert_text(file, project) for file in files if not file.is_module]
    return replace(modules, files=[*map(listed, modules.files), *around])


def convert_files(
    files: Sequence[File],
    options: Options | None = None,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    cache: ConversionCache | None = None,
) -> ProjectResult:
    """Convert files together; what lies around one that is given alone is read, and stays as it is.

    Args:
        files: As `find` returns them.
        options: The user's choices.
        workers: Worker processes; by default one per core, and none for a handful of files.
        progress: Called as files are done.
        cache: Where the result is looked for first, and kept; a handful of files is converted sooner than looked for.
    """
    options = options or Options()
    nearby = neighbours(files)
    name = key(files, nearby, options) if cache is not None and len(files) >= PARALLEL_FROM else None
    if cache is None or name is None:
        return _converted(files, nearby, options, workers, progress)
    with uncollected():
        kept = cache.load(name)
    if isinstance(kept, ProjectResult):
        return kept
    result = _converted(files, nearby, options, workers, progress)
    if key(files, nearby, options) == name:  # nobody has changed a file meanwhile
        cache.keep(name, result)
    return result


def _converted(
    files: Sequence[File], nearby: Sequence[File], options: Options, workers: int | None, progress: Progress | None
) -> ProjectResult:
    count = workers if workers is not None else (os.cpu_count() or 1)
    told = progress or (lambda phase, done, total: None)  # noqa: ARG005
    looked_at = [Shelf(options.table).read(0, file) for file in nearby]
    if len(files) < PARALLEL_FROM or count < 2:
        shelf = Shelf(options.table)
        facts = []
        results = []
        with uncollected():
            for index, file in enumerate(files):
                facts.append(shelf.read(index, file))
                told("reading", index + 1, len(files))
            passed = passed_on([*facts, *looked_at])
            for index, one in enumerate(facts):
                if may_use(one, passed):
                    facts[index] = shelf.again(index, passed)
            contexts = Contexts.of([*files, *nearby], [*facts, *looked_at], options)
            for index in range(len(files)):
                results.append(shelf.convert(index, contexts))
                told("converting", index + 1, len(files))
    else:
        contexts, results = in_parallel(files, options, count, told, (nearby, looked_at))
    converted = [result.outcome for result in results if isinstance(result.outcome, Converted)]
    names = RenameTable(
        {old: new for outcome in converted for old, new in outcome.renames.items()},
        {plan: name for outcome in converted for plan, name in outcome.launch_plans.items()},
    )
    given = {file.name for file in files}
    known = {name: facts for name, facts in contexts.shared.facts.items() if name in given}
    return ProjectResult(results, known, names)


def write(path: Path, data: bytes) -> None:
    """Replace a file in one step: nobody ever sees half of it. Its mode stays; a link's target is what is replaced.

    Raises:
        SourceError: The file or its folder cannot be written; the old content is still there.
    """
    target = path.resolve()
    temporary: str | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        if target.exists():
            shutil.copymode(target, temporary)
        else:
            Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise SourceError(str(path), f"cannot be written: {error.strerror or error}; nothing was changed") from error


def write_in_place(result: ProjectResult) -> list[Path]:
    """Write the converted files over the originals; returns what was written."""
    written = []
    for each in result.files:
        if each.data is not None:
            write(each.file.path, each.data)
            written.append(each.file.path)
    return written


def write_to(result: ProjectResult, target: Path) -> list[Path]:
    """Write the whole tree below another directory: converted files, unchanged ones and the data files beside them.

    Raises:
        UsageError: Two files would land on the same path, or the target is inside one of the roots.
        SourceError: Something cannot be written.
    """
    places: dict[Path, Path] = {}
    for each in result.files:
        place = target / each.file.relative
        if place in places:
            raise UsageError(
                f"{each.file.path} and {places[place]} would both be written to {place}; convert them apart"
            )
        places[place] = each.file.path
    roots = {each.file.root for each in result.files if each.file.root.is_dir()}
    for root in roots:
        if target.resolve().is_relative_to(root.resolve()):
            raise UsageError(f"{target} is inside {root}, which is being converted; choose another directory")
    written = []
    for each in result.files:
        place = target / each.file.relative
        if each.data is not None:
            write(place, each.data)
        elif isinstance(each.outcome, Unchanged):
            write(place, each.file.path.read_bytes())
        else:
            continue
        shutil.copymode(each.file.path, place)
        written.append(place)
    for root in roots:
        written += _copy_data(root, target, places)
    return written


def _copy_data(root: Path, target: Path, places: Mapping[Path, Path]) -> list[Path]:
    copied = []
    for source in walk(root):
        place = target / source.relative_to(root)
        if place not in places and source.is_file():
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, place)
            except OSError as error:
                raise SourceError(str(source), f"cannot be copied to {place}: {error.strerror or error}") from error
            copied.append(place)
    return copied


def failures(result: ProjectResult) -> list[FileResult]:
    """The files that could not be converted."""
    return [each for each in result.files if isinstance(each.outcome, Failed)]
