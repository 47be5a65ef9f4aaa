"""The measurements, each a row of the table: what is measured, against what, the aim and what was reached."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from environment import Environment
from measure import BenchmarkError, Command, Comparison, compare, median_cpu, median_wall, repeat, run
from trees import Code, Tree, make_tree

_PARSE = Path(__file__).parent / "parse_with_libcst.py"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    question: str
    against: str
    aim: str
    reached: str
    #: False where an aim is missed.
    is_met: bool = True


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured, and how often."""

    files: int = 600
    fixit: int = 40
    torch: int = 80
    legacy: int = 150
    mixed: tuple[int, int, int] = (30, 90, 480)
    cached: int = 2000
    scaling: tuple[int, ...] = (250, 2000)
    runs: int = 5


QUICK = Sizes(files=20, cached=20, scaling=(10, 20), runs=1)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where things are: the environment, the code of each kind, a folder for trees."""

    environment: Environment
    sizes: Sizes
    tensorflow: Code
    legacy: Code
    others: Code
    torch: Code | None
    work: Path

    def tree(self, name: str, *parts: tuple[Code, int]) -> Tree:
        """Copies of files, in a project of their own, so that no setting from further up counts."""
        tree = make_tree(self.work / name, parts)
        (tree.folder / "tfguard.toml").write_text('target = "2.21"\n', encoding="utf-8")
        return tree

    def check(self, tree: Tree, *options: str) -> Command:
        """A cold `tfguard check` in one worker, or as the options say."""
        given = options or ("--no-cache", "--jobs", "1")
        return Command((self.environment.tfguard, "check", *given, "."), tree.folder, accepted=(0, 1, 2))

    def fix(self, tree: Tree) -> Command:
        """A cold `tfguard fix --diff` in one worker: all the work but the writing."""
        arguments = (self.environment.tfguard, "fix", "--diff", "--no-cache", "--jobs", "1", ".")
        return Command(arguments, tree.folder, accepted=(0, 1, 2))

    def python(self, statement: str) -> Command:
        """The interpreter with one statement."""
        return Command((self.environment.python, "-c", statement), self.work)


def measure_all(bench: Bench) -> Iterator[Row]:
    """Every row that the environment has the peers for."""
    main = bench.tree("main", (bench.tensorflow, bench.sizes.files))
    require_complete(bench, main)
    yield against_libcst(bench, main)
    if bench.environment.has_peers:
        yield against_fixit(bench)
        yield from against_torchfix(bench, main)
        yield from against_upgrade(bench)
    yield cached(bench)
    yield start(bench, main)
    yield from scaling(bench)
    yield from workers(bench, main)


def require_complete(bench: Bench, tree: Tree) -> None:
    """What is measured must be the whole job: every file read, none dropped by an error of ours."""
    command = [bench.environment.tfguard, "check", "--format", "json", "--no-cache", "--jobs", "1", "."]
    done = subprocess.run(command, cwd=tree.folder, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    checked = report["summary"]["files_checked"]
    if checked != len(tree):
        raise BenchmarkError(f"{checked} of {len(tree)} files were checked")
    bugs = [error["path"] for error in report["errors"] if "report it" in error["remedy"]]
    if bugs:
        raise BenchmarkError(f"tfguard failed on {', '.join(bugs)}")


def against_libcst(bench: Bench, tree: Tree) -> Row:
    """(a) A cold check against one parse of the same files."""
    names = bench.work / "files.txt"
    names.write_text("".join(f"{file}\n" for file in tree.files), encoding="utf-8")
    peer = Command((bench.environment.python, _PARSE, names), bench.work)
    found = compare(bench.check(tree), peer, bench.sizes.runs)
    question = f"`tfguard check`, no cache, {len(tree)} TensorFlow files ({tree.megabytes:.1f} MB)"
    return _at_most(question, "`libcst.parse_module` of the same files", found, 1.5)


def against_fixit(bench: Bench) -> Row:
    """(b) Fixit's own rules on the same files."""
    tree = bench.tree("fixit", (bench.tensorflow, bench.sizes.fixit))
    peer = Command((bench.environment.python, "-m", "fixit", "--quiet", "lint", "."), tree.folder)
    found = compare(peer, bench.check(tree), bench.sizes.runs)
    return _at_least(f"the same, {len(tree)} of the files", "Fixit, its default rules", found, 10)


def against_torchfix(bench: Bench, main: Tree) -> Iterator[Row]:
    """(b) TorchFix per megabyte of files that it does not skip."""
    if bench.torch is None:
        return
    tree = bench.tree("torch", (bench.torch, bench.sizes.torch))
    peer = Command((bench.environment.programs / "torchfix", "--jobs", "1", "."), tree.folder)
    found = compare(peer, bench.check(main), bench.sizes.runs)
    per_megabyte = [ratio / tree.megabytes * main.megabytes for ratio in found.ratios]
    against = f"TorchFix, {len(tree)} files that mention torch"
    yield _row("the same, per megabyte", against, per_megabyte, 5, faster=True)


def against_upgrade(bench: Bench) -> Iterator[Row]:
    """(b) The converter that comes with TensorFlow, on old code and on a tree where most files need nothing."""
    old = bench.tree("legacy", (bench.legacy, bench.sizes.legacy))
    found = compare(_upgrade(bench, old), bench.fix(old), bench.sizes.runs)
    yield _at_least(f"`tfguard fix --diff`, {len(old)} files of TF 1", "`tf_upgrade_v2` on the same files", found, 1)
    legacy, modern, others = bench.sizes.mixed
    mixed = bench.tree("mixed", (bench.legacy, legacy), (bench.tensorflow, modern), (bench.others, others))
    found = compare(_upgrade(bench, mixed), bench.fix(mixed), bench.sizes.runs)
    question = f"`tfguard fix --diff`, {len(mixed)} files, {legacy} of TF 1, {others} without TensorFlow"
    yield _at_least(question, "`tf_upgrade_v2` on the same files", found, 4)


def _upgrade(bench: Bench, tree: Tree) -> Command:
    output, report = bench.work / "upgraded", bench.work / "report.txt"
    options = ("--intree", str(tree.folder), "--outtree", str(output), "--reportfile", str(report))
    return Command(
        (bench.environment.programs / "tf_upgrade_v2", *options),
        bench.work,
        (("TF_CPP_MIN_LOG_LEVEL", "3"), ("CUDA_VISIBLE_DEVICES", "")),
        before=lambda: shutil.rmtree(output, ignore_errors=True),
    )


def cached(bench: Bench) -> Row:
    """(c) A second run over unchanged files."""
    tree = bench.tree("cached", (bench.tensorflow, bench.sizes.cached))
    again = bench.check(tree, "--jobs", "1", "--quiet", "--statistics")
    found = compare(again, bench.python("import click"), 2 * bench.sizes.runs)
    question = f"`tfguard check`, {len(tree)} files, all in the cache"
    return _at_most(question, '`python -c "import click"`', found, 4)


def start(bench: Bench, tree: Tree) -> Row:
    """(d) What a single call costs."""
    peer, times = bench.python("import libcst"), 2 * bench.sizes.runs
    small = min(tree.files, key=lambda file: abs(file.stat().st_size - 5000))
    one = Command((bench.environment.tfguard, "check", "--no-cache", str(small)), tree.folder)
    question = f"`tfguard check one_file.py` ({small.stat().st_size / 1000:.0f} kB), no cache"
    return _at_most(question, '`python -c "import libcst"`', compare(one, peer, times), None)


def scaling(bench: Bench) -> Iterator[Row]:
    """(e) Does a file cost the same in a larger tree?"""
    trees = [bench.tree(f"scale{number}", (bench.tensorflow, number)) for number in bench.sizes.scaling]
    costs = repeat([bench.check(tree) for tree in trees], max(bench.sizes.runs // 2, 1))
    smallest = median_cpu(costs[0]) / trees[0].megabytes
    for tree, runs in zip(trees[1:], costs[1:], strict=True):
        cost = median_cpu(runs)
        ratio = cost / tree.megabytes / smallest
        reached = f"{ratio:.2f} × ({1000 * cost / len(tree):.1f} ms a file)"
        question = f"CPU time per megabyte in a tree of {len(tree)} files"
        yield Row(question, f"a tree of {len(trees[0])} files", "", reached)


def workers(bench: Bench, tree: Tree) -> Iterator[Row]:
    """(e, f) What a second worker gains, and the memory of the largest process."""
    one, two = (bench.check(tree, "--no-cache", "--jobs", str(jobs)) for jobs in (1, 2))
    first, second = repeat([one, two], max(bench.sizes.runs // 2, 1))
    gain = median_wall(first) / median_wall(second)
    cost = median_cpu(second) / median_cpu(first)
    yield Row("time on the clock with one worker", "two workers", "", f"{gain:.2f} × (CPU time {cost:.2f} ×)")
    parse = run(Command((bench.environment.python, _PARSE, bench.work / "files.txt"), bench.work))
    memory = max(item.memory for item in first)
    worker = max(item.memory for item in second)
    reached = f"{memory:.0f} MB; largest of two workers {worker:.0f} MB"
    yield Row("peak memory of one worker", f"libcst, one tree at a time: {parse.memory:.0f} MB", "", reached)


def _at_most(question: str, against: str, found: Comparison, aim: float | None) -> Row:
    return _row(question, against, found.ratios, aim, faster=False)


def _at_least(question: str, against: str, found: Comparison, aim: float) -> Row:
    return _row(question, against, found.ratios, aim, faster=True)


def _row(question: str, against: str, ratios: list[float], aim: float | None, *, faster: bool) -> Row:
    """The middle ratio and how far the runs lie apart."""
    ordered = sorted(ratios)
    middle = ordered[len(ordered) // 2] if len(ordered) % 2 else sum(ordered[len(ordered) // 2 - 1 :][:2]) / 2
    spread = f" ({ordered[0]:.2f}–{ordered[-1]:.2f})" if len(ordered) > 1 else ""
    wanted = "" if aim is None else f"{'≥' if faster else '≤'} {aim:g} ×"
    is_met = aim is None or (middle >= aim if faster else middle <= aim)
    return Row(question, against, wanted, f"{middle:.2f} ×{spread}", is_met)
