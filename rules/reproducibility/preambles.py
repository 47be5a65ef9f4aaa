"""The lines that seed a program, right for its version and in its own names, and their place (part of TFG10x)."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tfguard.rules.reproducibility.draws import Versions
from tfguard.rules.reproducibility.runs import Course, Seeding
from tfguard.rules.reproducibility.seeds import load_seeds

from tfguard.analysis.blocks import call_at, end_of_statement, insert_below
from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.preamble import Module, insert_preamble, place_lines
from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.analysis.rewrite import is_docstring
from tfguard.analysis.shim import insert_shim
from tfguard.model import Edit, Fix, Safety
from tfguard.tables import load_api_table

#: As the titles of fixes name them.
NAMES = {"python": "Python's `random`", "numpy": "NumPy", "tensorflow": "TensorFlow"}
#: After the migration of removed names, so that the lines are written in the names that stay.
PHASE = 2

_RANDOM = Module(("random",), "random", ("random", "python_random"))
_NUMPY = Module(("numpy",), "numpy", ("np", "numpy"))
_PLAIN, _COMPAT = "tensorflow", "tensorflow.compat.v1"
_TENSORFLOW = Module((_PLAIN,), _PLAIN, ("tf", "tensorflow"))
_TENSORFLOW_1 = Module((_PLAIN, _COMPAT), _PLAIN, ("tf", "tensorflow"))
_TENSORFLOW_COMPAT = Module((_COMPAT,), _COMPAT, ("tf", "tf1"))
#: `keras.utils.set_random_seed` exists since this version of TensorFlow and Keras.
_ONE_CALL = (2, 7)

#: What begins a graph for the functions or the body that it holds only.
_INSIDE = ("enter", "estimator")

Lines = Callable[[Mapping[str, str]], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Block:
    """Lines to insert, and the modules that they need."""

    modules: Mapping[str, Module]
    lines: Lines


@dataclass(frozen=True, slots=True)
class Placed:
    """A fix and the file that it changes."""

    path: str
    fix: Fix


def fix_of(facts: ProjectFacts, program: Program, course: Course) -> Placed | None:
    """The fix that seeds what the program draws from without a seed; None where it cannot be placed safely."""
    return _Seeder(facts, program, course).fix()


class _Seeder:
    """Makes the fix of one program."""

    def __init__(self, facts: ProjectFacts, program: Program, course: Course) -> None:
        self.facts = facts
        self.program = program
        self.course = course
        self.entry = program.summary.path
        literal = next((s.literal for s in course.seedings if s.literal is not None), None)
        self.value = str(self.file(self.entry).config.seed if literal is None else literal)

    def file(self, path: str) -> FileModel:
        return self.facts.open(path)

    def fix(self) -> Placed | None:
        """Where a graph was begun its seed follows it; everything else is seeded at the start of the program."""
        missing = self.course.missing
        if self.file(self.entry).config.preamble == "shim":
            return self.placed(self.entry, missing, self.shim())
        given = self.given(missing)
        if given is not None:
            return given
        drawn = self.course.draw_from("tensorflow")
        began = drawn.began if drawn is not None else None
        start = self.at_start(missing)
        if began is None or (start is not None and self.is_behind(start, began)):
            return self.placed(self.entry, missing, start)
        others = tuple(generator for generator in missing if generator != "tensorflow")
        if not others:
            return self.placed(began.path, missing, self.below(began, missing))
        if self.begins_everything(began):
            return self.placed(self.entry, missing, self.below(began, missing))
        start = self.at_start(others)
        if began.path != self.entry or start is None:
            return self.placed(self.entry, others, start)
        graph = self.below(began, ("tensorflow",))
        if graph is None or {edit.span for edit in start} & {edit.span for edit in graph}:
            return self.placed(self.entry, others, start)
        return self.placed(self.entry, missing, tuple(sorted((*start, *graph))))

    def shim(self) -> tuple[Edit, ...] | None:
        """The one line that seeds everything, every graph that begins later too."""
        first = self.course.earliest
        if first is None:
            return None
        before, inside = first.event.chain[0][1], self.entry in self.facts.imported
        return insert_shim(self.file(self.entry), seed=self.value, before=before, inside_guard=inside)

    def given(self, missing: Sequence[str]) -> Placed | None:
        """A seed for the call that leaves the program's own seeding function without one."""
        for unset in self.course.unset:
            event = unset.event
            on_the_way = any(item.branch[1:] or item.is_repeated for item in event.trail[:-1])
            in_time = unset.position < self.course.position
            if on_the_way or not in_time or unset.call.file.path != self.entry or not {*missing} & {*unset.generators}:
                continue
            parameter = unset.parameter
            edit = unset.call.file.rewrite.set_argument(unset.call, parameter.name, self.value, parameter.position)
            if edit is not None:
                title = f"Pass `{parameter.name}={self.value}`, without which nothing is seeded"
                return Placed(self.entry, Fix(title, (edit,), Safety.SAFE, PHASE))
        return None

    def is_behind(self, start: tuple[Edit, ...], began: Event) -> bool:
        """Do lines at the start of the program run after the graph began, and will it be the same at the first draw?"""
        if began.is_conditional or began.is_repeated or began.item.payload["does"] in _INSIDE:
            return False
        end = end_of_statement(self.file(self.entry), began.chain[0][1])
        return end <= max(edit.span.start for edit in start)

    def begins_everything(self, began: Event) -> bool:
        """Is it a plain statement of the entry file that runs once, before every unseeded draw?"""
        first = self.course.earliest
        if (
            began.path != self.entry
            or len(began.chain) > 1
            or began.is_conditional
            or began.item.payload["does"] in _INSIDE
        ):
            return False
        return first is not None and began.chain[0][1] < first.event.chain[0][1] and not began.is_repeated

    def placed(self, path: str, generators: Iterable[str], edits: tuple[Edit, ...] | None) -> Placed | None:
        if edits is None:
            return None
        title = f"Seed {join_words([NAMES[generator] for generator in generators])} before the first draw"
        return Placed(path, Fix(title, edits, self.safety(path), PHASE))

    def safety(self, path: str) -> Safety:
        """Unsafe where importing the file would now reseed another program."""
        if path != self.entry or path not in self.facts.imported:
            return Safety.SAFE
        first, guard = self.course.earliest, self.file(path).main_guard
        start = first.event.chain[0][1] if first is not None else 0
        is_guarded = guard is not None and start >= self.file(path).span(guard).start
        is_guarded = is_guarded or self.opening(self.file(path)) is not None
        return Safety.SAFE if is_guarded else Safety.UNSAFE

    # -- places ---------------------------------------------------------------------------------------

    def below(self, began: Event, generators: tuple[str, ...]) -> tuple[Edit, ...] | None:
        """Lines right after the call that begins a graph."""
        file = self.file(began.path)
        call = call_at(file, began.item.start)
        if call is None:
            return None
        if began.item.payload["does"] == "estimator":
            edit = estimator_edit(file, began.item.payload["config"], call, self.value)
            return (edit,) if edit is not None else None
        known = self.seed_above(file, call)
        if known is not None and known[0].generators == generators and "\n" not in known[1].text:
            return insert_below(file, call, modules={}, lines=lambda _: [known[1].text])
        value = known[0].text if known is not None and known[0].text is not None else self.value
        block = block_of(file, generators, self.course.versions, value, one_call=self.is_one_call(generators))
        return insert_below(file, call, modules=block.modules, lines=block.lines)

    def seed_above(self, file: FileModel, call: CallSite) -> tuple[Seeding, CallSite] | None:
        """A seed that an earlier statement of the same body surely sets: it can be written once more."""
        for seeding in reversed(self.course.seedings):
            event = seeding.event
            if seeding.text is None or event.path != file.path or event.is_conditional or event.is_repeated:
                continue
            known = call_at(file, event.item.start)
            if known is not None and known.span.end <= call.span.start and known.function == call.function:
                return seeding, known
        return None

    def at_start(self, generators: tuple[str, ...]) -> tuple[Edit, ...] | None:
        """Lines beside a seed that the program already sets in time, else after the imports."""
        file, first = self.file(self.entry), self.course.earliest
        if first is None:
            return None
        for seeding in reversed(self.course.seedings):
            beside = self.beside(seeding, generators)
            if beside is not None:
                return beside
        block = block_of(file, generators, self.course.versions, self.value, one_call=self.is_one_call(generators))
        opening = self.opening(file)
        if opening is not None:
            return place_lines(
                file,
                opening,
                modules=block.modules,
                lines=lambda names: [*block.lines(names), ""],
                below=False,
                above_comments=True,
            )
        return insert_preamble(
            file,
            modules=block.modules,
            lines=block.lines,
            before=first.event.chain[0][1],
            inside_guard=self.entry in self.facts.imported,
        )

    def opening(self, file: FileModel) -> ast.stmt | None:
        """The first statement of the function that is a command, where the seed has to stand in it.

        That is where other files import the file too, and all draws come when the function runs.
        """
        function = file.resolver.functions.get(self.program.entry.body)
        first = self.course.earliest
        if function is None or first is None or self.entry not in self.facts.imported:
            return None
        if first.event.chain[0][1] < file.span(function).start:
            return None
        body = function.body
        return body[1] if is_docstring(body[0]) and len(body) > 1 else body[0]

    def beside(self, seeding: Seeding, generators: tuple[str, ...]) -> tuple[Edit, ...] | None:
        """Lines below a seed that is surely set before every unseeded draw, with the same value."""
        event = seeding.event
        if seeding.position > self.course.position or event.is_conditional or event.is_repeated or seeding.text is None:
            return None
        if any(path != self.entry for path, _ in event.chain):
            return None
        file = self.file(self.entry)
        call = call_at(file, event.item.start)
        if call is None:
            return None
        one_call = seeding.literal is not None and self.is_one_call(generators)
        block = block_of(file, generators, self.course.versions, seeding.text, one_call=one_call)
        return insert_below(file, call, modules=block.modules, lines=block.lines)

    def is_one_call(self, generators: tuple[str, ...]) -> bool:
        """Is one call that seeds all three generators the shortest way?"""
        versions = self.course.versions
        if versions.tensorflow < _ONE_CALL or versions.keras < _ONE_CALL or versions.graph:
            return False
        aliases = self.file(self.entry).rewrite
        if aliases.module_alias(_PLAIN) is None and aliases.module_alias(_COMPAT) is not None:
            return False
        in_time = [s for s in self.course.seedings if s.position < self.course.position]
        if in_time:
            return "python" in generators and "tensorflow" in generators
        return "python" in generators or "tensorflow" in generators


def estimator_edit(file: FileModel, config: int | None, call: CallSite, value: str) -> Edit | None:
    """Give an Estimator a configuration with a seed, or the seed to the configuration that it has."""
    table = load_seeds().estimators
    made = call_at(file, config) if config is not None else None
    if made is not None:
        edit: Edit | None = file.rewrite.set_argument(made, table["seed"], value, 1)
        return edit
    library, dot, _ = call.written.rpartition(".")
    if not dot or config is not None:
        return None
    text = f"{library}.RunConfig({table['seed']}={value})"
    return file.rewrite.set_argument(call, table["config"], text, table["position"])


def block_of(file: FileModel, generators: tuple[str, ...], versions: Versions, value: str, *, one_call: bool) -> Block:
    """The lines that seed some generators in a file."""
    if one_call:
        key, module, line = _one_call(file)
        return Block({key: module}, lambda names: [line.format(seed=value, **names)])
    modules: dict[str, Module] = {}
    lines: list[str] = []
    for generator in generators:
        if generator == "tensorflow":
            module, line = _tensorflow_line(file, versions)
        else:
            module = _RANDOM if generator == "python" else _NUMPY
            line = "{python}.seed({seed})" if generator == "python" else "{numpy}.random.seed({seed})"
        modules[generator] = module
        lines.append(line)
    return Block(modules, lambda names: [line.format(seed=value, **names) for line in lines])


def _one_call(file: FileModel) -> tuple[str, Module, str]:
    """`set_random_seed` of the Keras that the file can reach in the fewest words."""
    direct = "{keras}.utils.set_random_seed({seed})"
    if file.rewrite.module_alias(_PLAIN) is None:
        for name in ("tensorflow.keras", "keras", "tf_keras"):
            if file.rewrite.module_alias(name) is not None:
                return "keras", Module((name,), name, ("keras",)), direct
        mentions = file.references(["keras", "tf_keras", _PLAIN])
        roots = {name.split(".")[0] for reference in mentions for name in reference.names[:1]}
        for root in ("keras", "tf_keras"):
            if root in roots and _PLAIN not in roots:
                return "keras", Module((root,), root, (root,)), direct
    return "tensorflow", _TENSORFLOW, "{tensorflow}.keras.utils.set_random_seed({seed})"


def _tensorflow_line(file: FileModel, versions: Versions) -> tuple[Module, str]:
    """TensorFlow's own seed, in the edition of TensorFlow that the file imports."""
    aliases = file.rewrite
    if file.target.tensorflow >= (2, 0) and aliases.module_alias(_PLAIN) is None and aliases.module_alias(_COMPAT):
        return _TENSORFLOW_COMPAT, "{tensorflow}.set_random_seed({seed})"
    if versions.tensorflow < (2, 0) and _is_of_tf1(file):
        return _TENSORFLOW_1, "{tensorflow}.set_random_seed({seed})"
    if versions.graph:
        return _TENSORFLOW, "{tensorflow}.compat.v1.set_random_seed({seed})"
    return _TENSORFLOW, "{tensorflow}.random.set_seed({seed})"


def _is_of_tf1(file: FileModel) -> bool:
    """Is the target TensorFlow 1, or does the file use names that only TensorFlow 1 has?"""
    target, table = file.target, load_api_table()
    if target.tensorflow < (2, 0):
        return True
    mentions = (r.names for r in file.references([_PLAIN]) if r.guard is None)
    return any(table.status(n, target.tensorflow, target.keras).kind == "missing" for names in mentions for n in names)


def join_words(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
