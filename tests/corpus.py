"""Run the analysis over real code and report what is not as it must be: `python tests/corpus.py [PATH ...]`.

Without paths: the standard library and the packages of the running Python. No file may crash the analysis; the text
at the span of every chain must be the chain; every file that Python parses must be parsed here too. With `--tool` all
of `fix --unsafe-fixes` runs as well (nothing is written): a file without findings stays as it is, and what is fixed
compiles. Exit 1 when anything is wrong.
"""

from __future__ import annotations

import argparse
import ast
import gc
import sys
import sysconfig
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.analysis.summarise import summarise
from tfguard.analysis.summary import FileSummary, from_json, to_json
from tfguard.config import load_config
from tfguard.engine import fix
from tfguard.errors import DecodeError, ParseError
from tfguard.knowledge import load_knowledge
from tfguard.source import decode

ROOTS = ("tensorflow", "keras", "tf_keras", "numpy", "random")


def iter_files(paths: list[Path]) -> Iterator[Path]:
    """Python files below the paths, sorted."""
    for path in paths:
        if path.is_file():
            yield path
        else:
            yield from sorted(p for p in path.rglob("*.py") if "__pycache__" not in p.parts and p.is_file())


def draws(call: Any) -> Any:
    """An effect for every call below `numpy.random` and `tensorflow.random`."""
    return call.names[0] if call.names and ".random" in call.names[0] else None


def dotted(node: ast.expr) -> str | None:
    """The dotted name that a chain spells, None when it starts at something else than a name."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before is not None else None
    return node.id if isinstance(node, ast.Name) else None


def wrong_spans(file: FileModel) -> Iterator[str]:
    """The chains whose text is not the chain."""
    for node in file.index.chains:
        name = dotted(node)
        if name is None:
            continue
        span, is_exact = file._chain_span(node)
        if not is_exact:
            continue
        text = file.text_of(span)
        if text == name:
            continue
        try:
            read = dotted(ast.parse(f"({text})", mode="eval").body)
        except SyntaxError:
            read = None
        if read != name:
            yield f"{file.path}:{node.lineno}:{node.col_offset}: {text!r} is not {name}"


class Run:
    """Counts and complaints of one run."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.summaries: list[FileSummary] = []
        self.files = self.chains = self.calls = self.references = self.refused = 0
        self.seconds: dict[str, float] = {}
        self.slowest: list[tuple[float, str]] = []

    def timed(self, name: str, function: Any, *arguments: Any) -> Any:
        """Call the function and add up its CPU time."""
        start = time.process_time()
        try:
            return function(*arguments)
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start

    def check(self, path: Path, shown: str) -> None:
        """Analyse one file."""
        raw = path.read_bytes()
        self.files += 1
        try:
            source = decode(shown, raw)
        except DecodeError:
            self.refused += 1
            return
        try:
            tree: ast.Module | None = self.timed("ast.parse", ast.parse, source.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            tree = None
        start = time.process_time()
        try:
            self.analyse(source)
        except ParseError as error:
            self.refused += 1
            if tree is not None and "Python 2" not in error.message:
                self.complaints.append(f"{path}:{error.line}: refused although it parses: {error.message}")
            elif tree is not None:
                print(f"{path}:{error.line}: {error.message}", file=sys.stderr)
        except Exception:  # noqa: BLE001  (to go on with the other files)
            self.complaints.append(f"{path}: crash\n{traceback.format_exc()}")

        finally:
            self.slowest = sorted([*self.slowest, (time.process_time() - start, str(path))])[-5:]

    def analyse(self, source: Any) -> None:
        """All that the engine asks of a file without rules."""
        config: Any = SimpleNamespace(target=None)
        file = self.timed("FileModel", FileModel, source, load_knowledge(), config)
        self.references += len(self.timed("references", file.references, ROOTS))
        summary = self.timed("summarise", summarise, file, {"TFG000": draws}, {})
        _ = self.timed("undecided", lambda: file.undecided)
        self.chains += len(file.index.chains)
        self.calls += len(file.calls)
        self.complaints.extend(wrong_spans(file))
        if from_json(to_json(summary)) != summary:
            self.complaints.append(f"{source.path}: the summary does not survive JSON")
        self.summaries.append(summary)


def check_tool(path: Path, run: Run) -> None:
    """Run all of `fix` over a folder without writing, and check what it would write."""
    config = load_config(path, {"cache": False, "unsafe_fixes": True, "exclude": ("nothing",)})
    report = run.timed("fix", lambda: fix([str(path)], config, write=False))
    run.complaints += [f"{p.path}: {p.message}" for p in report.all_problems if "bug" in p.message + p.remedy]
    for change in report.changes:
        if change.before != change.after and not change.applied:
            run.complaints.append(f"{change.path}: changed without a finding")
        try:
            compile(change.after, change.path, "exec", dont_inherit=True)
        except SyntaxError as error:
            run.complaints.append(f"{change.path}: the fixed file is broken: {error}")
        run.complaints += [f"{change.path}: refused: {note.message}" for note in change.refused]
    print(f"{path}: {len(report.findings)} findings, {report.fixed} fixed in {len(report.changes)} files")


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--project", action="store_true", help="follow all programs of the files too")
    parser.add_argument("--tool", action="store_true", help="run all of `fix` over the folders too, writing nothing")
    options = parser.parse_args()
    paths = options.paths or [Path(sysconfig.get_path("stdlib"))]
    run = Run()
    gc.freeze()
    for path in iter_files(paths):
        root = next(p for p in paths if p == path or p in path.parents)
        run.check(path, path.name if path == root else path.relative_to(root).as_posix())
    for path in paths if options.tool else ():
        check_tool(path, run)
    for complaint in run.complaints:
        print(complaint)
    print(
        f"{run.files} files, {run.refused} refused, {run.chains} chains, {run.calls} calls, "
        f"{run.references} references, {len(run.complaints)} complaints"
    )
    if options.project:
        facts = ProjectFacts(run.summaries, lambda path: (_ for _ in ()).throw(AssertionError(path)))
        programs = run.timed("programs", lambda: facts.programs)
        print(f"{len(programs)} programs, {sum(len(program.events) for program in programs)} events")
    for seconds, path in reversed(run.slowest):
        print(f"{seconds:.2f} s {path}")
    unit = run.seconds.get("ast.parse", 0.0) or 1.0
    print(", ".join(f"{name} {seconds:.1f} s ({seconds / unit:.2f})" for name, seconds in run.seconds.items()))
    return 1 if run.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
