"""Worker processes of a conversion, and what each keeps between the two phases."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection, wait
from typing import Any, cast

from flyte_bridge.convert.converter import (
    Parsed,
    SourceFile,
    again,
    convert_parsed,
    encoded,
    failed,
    parse,
    parse_notebook,
)
from flyte_bridge.convert.files import Contexts, File, FileResult, place
from flyte_bridge.convert.neighbours import search_path
from flyte_bridge.errors import BridgeError
from flyte_bridge_translators.project.notebook import Notebook, result
from flyte_bridge_translators.source.engine.entities import Facts
from flyte_bridge_translators.source.engine.naming import Naming, RenameTable
from flyte_bridge_translators.source.engine.passed_on import may_use, passed_on
from flyte_bridge_translators.source.engine.translator import Converted, Options, Outcome

Progress = Callable[[str, int, int], None]
"""Told the phase (`reading`, `converting`), how many files are done and how many there are."""

Batch = Sequence[tuple[int, File]]


class Shelf:
    """The parsed files of one process, between the two phases."""

    def __init__(self, table: RenameTable) -> None:
        self.table = table
        self.parsed: dict[int, tuple[File, Parsed]] = {}

    def read(self, index: int, file: File) -> Facts:
        try:
            data = file.path.read_bytes()
        except OSError as error:
            source = SourceFile(str(file.path), file.name, file.package, b"")
            reason = f"cannot be read: {error.strerror or error}"
            parsed = Parsed(source, None, Facts(file.name), failed("FB102", source.path, reason))
        else:
            naming = Naming(place(file), self.table)
            source = SourceFile(str(file.path), file.name, file.package, data, search_path(file), naming)
            parsed = parse_notebook(source) if file.is_notebook else parse(source)
        self.parsed[index] = (file, parsed)
        return parsed.facts

    def again(self, index: int, known: Mapping[str, str]) -> Facts:
        """Read a file again that names what another module passes on of flytekit."""
        file, parsed = self.parsed[index]
        parsed = again(parsed, known)
        self.parsed[index] = (file, parsed)
        return parsed.facts

    def convert(self, index: int, contexts: Contexts) -> FileResult:
        file, parsed = self.parsed.pop(index)
        outcome = convert_parsed(parsed, contexts(file))
        if parsed.source.notebook is not None:
            return _notebook(file, parsed.source.notebook, outcome)
        before = parsed.module.text if parsed.module is not None else parsed.source.data.decode(errors="replace")
        data = None
        if isinstance(outcome, Converted):
            try:
                data = encoded(parsed, outcome)
            except UnicodeEncodeError as error:
                outcome = failed("FB102", parsed.source.path, f"the result does not fit the file's encoding: {error}")
        return FileResult(file, outcome, before, data)


def _notebook(file: File, notebook: Notebook, outcome: Outcome) -> FileResult:
    whole = result(str(file.path), notebook, outcome)
    data = whole.text.encode() if isinstance(whole, Converted) else None
    return FileResult(file, whole, notebook.text, data)


BATCH = 2
"""Files a worker is given at a time: few, so that the workers end together."""


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection: trees hold no cycles, and each is alive until it is converted, so collections would walk all of
    them for nothing (a tenth of the time, measured)."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _work(connection: Connection, table: RenameTable) -> None:
    """A worker: read batches until the context comes, then convert batches until told to stop."""
    shelf = Shelf(table)
    contexts: Contexts | None = None
    known: dict[str, str] = {}
    with uncollected():
        while (message := connection.recv()) is not None:
            if isinstance(message, Contexts):
                contexts = message
            elif isinstance(message, dict):
                known = message
            elif known and contexts is None:
                connection.send([(index, shelf.again(index, known)) for index, _ in message])
            elif contexts is None:
                connection.send([(index, shelf.read(index, file)) for index, file in message])
            else:
                connection.send([(index, shelf.convert(index, contexts)) for index, _ in message])


class Workers:
    """Worker processes, each with a pipe. A file is converted by the process that parsed it."""

    def __init__(self, count: int, table: RenameTable) -> None:
        # Forking is ten times cheaper than a new interpreter that imports LibCST again, and safe while no thread runs.
        alone = sys.platform == "linux" and threading.active_count() == 1
        start = get_context("fork").Process if alone else get_context("spawn").Process
        self.pipes: list[Connection] = []
        self.processes = []
        for _ in range(count):
            here, there = Pipe()
            process = start(target=_work, args=(there, table), daemon=True)
            process.start()
            there.close()
            self.pipes.append(here)
            self.processes.append(process)

    def run(self, work: Sequence[Sequence[Batch]]) -> Iterator[list[Any]]:
        """Hand each worker its batches, one at a time, and yield the answers as they come."""
        waiting = {pipe: iter(batches) for pipe, batches in zip(self.pipes, work, strict=True)}
        busy = [pipe for pipe, batches in waiting.items() if self._next(pipe, batches)]
        while busy:
            for ready in wait(busy):
                pipe = cast("Connection", ready)
                try:
                    answer = pipe.recv()
                except EOFError:
                    raise BridgeError(
                        "a conversion worker ended unexpectedly (out of memory?); nothing was written"
                    ) from None
                if not self._next(pipe, waiting[pipe]):
                    busy.remove(pipe)
                yield answer

    @staticmethod
    def _next(pipe: Connection, batches: Iterator[Batch]) -> bool:
        batch = next(batches, None)
        if batch is not None:
            pipe.send(batch)
        return batch is not None

    def tell(self, news: Contexts | dict[str, str]) -> None:
        """Give every worker the facts of the project, or the names that its modules pass on."""
        for pipe in self.pipes:
            pipe.send(news)

    def close(self) -> None:
        """End the workers."""
        for pipe in self.pipes:
            with suppress(OSError):
                pipe.send(None)
            pipe.close()
        for process in self.processes:
            process.join(timeout=5)
            process.kill()


def in_parallel(
    files: Sequence[File],
    options: Options,
    count: int,
    told: Progress,
    nearby: tuple[Sequence[File], Sequence[Facts]],
) -> tuple[Contexts, list[FileResult]]:
    batches = [list(enumerate(files))[start : start + BATCH] for start in range(0, len(files), BATCH)]
    work = [batches[number::count] for number in range(count)]
    workers = Workers(count, options.table)
    try:
        facts: dict[int, Facts] = {}
        for read in workers.run(work):
            facts.update(read)
            told("reading", len(facts), len(files))
        known = passed_on([*facts.values(), *nearby[1]])
        some = {index for index, one in facts.items() if may_use(one, known)} if known else set()
        if some:
            workers.tell(known)
            chosen = [[[item for item in batch if item[0] in some] for batch in batches] for batches in work]
            for read in workers.run([[batch for batch in batches if batch] for batches in chosen]):
                facts.update(read)
        # In the order of the files, whoever was ready first.
        every = [*(facts[index] for index in range(len(files))), *nearby[1]]
        contexts = Contexts.of([*files, *nearby[0]], every, options)
        workers.tell(contexts)
        results: dict[int, FileResult] = {}
        for converted in workers.run(work):
            results.update(converted)
            told("converting", len(results), len(files))
    finally:
        workers.close()
    return contexts, [results[index] for index in range(len(files))]
