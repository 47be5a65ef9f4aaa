"""The findings of the rules TFG101 to TFG103: place, message, notes and fix."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from tfguard.rules.reproducibility.courses import Verdict, courses
from tfguard.rules.reproducibility.draws import GENERATORS
from tfguard.rules.reproducibility.preambles import fix_of, join_words
from tfguard.rules.reproducibility.runs import Cause, Course, Draw, Loss, Seeding

from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.model import Finding, Note, Span
from tfguard.rule import Rule

_SHORT = {"python": "Python's `random`", "numpy": "NumPy's", "tensorflow": "TensorFlow's"}
_NAMES = {"python": "Python's `random`", "numpy": "NumPy's generator", "tensorflow": "TensorFlow's generator"}

#: Makes the message from the report, the draw, and whether the finding stands at the draw itself.
Message = Callable[["Report", Draw, bool], str]


def seed_findings(rule: Rule, facts: ProjectFacts, verdict: Verdict, message: Message) -> Iterator[Finding]:
    """One finding a program that gets the verdict, one a line where several programs share it."""
    seen: set[tuple[str, int]] = set()
    for program, course in courses(facts, verdict):
        finding = Report(facts, program, course).finding(rule, message)
        if (finding.path, finding.line) not in seen:
            seen.add((finding.path, finding.line))
            yield finding


class Report:
    """What is to be said of one program."""

    def __init__(self, facts: ProjectFacts, program: Program, course: Course) -> None:
        self.facts = facts
        self.program = program
        self.course = course
        self.placed = fix_of(facts, program, course)
        self.path = self.placed.path if self.placed is not None else program.summary.path

    @property
    def loss(self) -> Loss | None:
        """The seed without effect that the finding is about."""
        return self.course.losses[0] if self.course.losses and self.course.raising is None else None

    def finding(self, rule: Rule, message: Message) -> Finding:
        """At the seed that is without effect where the file leads to it, else at the draw."""
        draw = self._draw()
        event = self._seed_here() or draw.event
        span = self._place_of(event, draw)
        is_there = event.path == self.path and span.start == event.item.start
        fix = self.placed.fix if self.placed is not None else None
        text = message(self, draw, is_there)
        return rule.finding((self.facts.open(self.path), span), text, fix=fix, notes=self._notes(draw, span))

    def _draw(self) -> Draw:
        """The draw that the finding is about: the first sure one, of another file's graph TensorFlow's."""
        if self.course.raising is not None:
            return self.course.raising
        if self.loss is not None:
            return self.loss.draw
        if self.path != self.program.summary.path:
            return next(draw for draw in self.course.unseeded if draw.generator == "tensorflow")
        return self.course.sure[0]

    def _seed_here(self) -> Event | None:
        event: Event | None = self.loss.seeding.event if self.loss is not None else None
        began: Event | None = self.loss.draw.began if self.loss is not None else None
        for here in (event, began):  # the graph that throws the seed away stands in the file of the fix
            if here is not None and any(path == self.path for path, _ in here.chain):
                return here
        return None

    def _place_of(self, event: Event, draw: Draw) -> Span:
        """The event itself where the file holds it, else the statement of the file that leads to it."""
        links = list(zip(event.chain, event.trail, strict=True))
        if self.path != self.program.summary.path:
            inside = [item for (path, _), item in links if path == self.path]
            item = inside[-1] if inside else draw.began.item if draw.began is not None else event.item
            return Span(item.start, item.end)
        item = event.trail[0]
        for (path, _), step in links:
            if path != self.path:
                break
            item = step
        return Span(item.start, item.end)

    # -- words --------------------------------------------------------------------------------------------

    def written(self, event: Event) -> str:
        """The function of an effect as the user spells it."""
        file = self.facts.open(event.path)
        call = next((c for c in file.calls if c.span == Span(event.item.start, event.item.end)), None)
        return re.sub(r"\\?\s+", "", call.written) if call is not None else event.item.name

    def name_of(self, generator: str) -> str:
        """A generator in full."""
        return _NAMES[generator]

    def generators(self) -> str:
        """`NumPy's global generator and TensorFlow's`: what is surely drawn from without a seed."""
        words: str = join_words(list(self._words()))
        return words

    def _words(self) -> Iterator[str]:
        sure = {draw.generator for draw in self.course.sure}
        is_first = True
        for generator in self.course.missing:
            if generator in sure:
                is_named = is_first and generator != "python"
                yield f"{_SHORT[generator]} global generator" if is_named else _SHORT[generator]
                is_first = is_first and generator == "python"

    def denial(self) -> str:
        """`and seeds neither`, by how many generators there are."""
        count = len({draw.generator for draw in self.course.sure})
        return {1: "never seeds it", 2: "seeds neither"}.get(count, "seeds none of them")

    def what_is_set(self) -> str:
        """`np.random.seed` seeds NumPy's generator, `random.seed` Python's `random`: the seeds of the program."""
        groups: dict[tuple[str, ...], dict[str, None]] = {}
        for seeding in self.course.seedings:
            groups.setdefault(seeding.generators, {})[f"`{self.written(seeding.event)}`"] = None
        parts: list[str] = []
        for generators in sorted(groups, key=lambda group: [GENERATORS.index(g) for g in group]):
            calls = list(groups[generators])
            verb = "seeds" if len(calls) == 1 else "seed"
            parts.append(f"{join_words(calls[:3])} {verb} {join_words([_NAMES[g] for g in generators])}")
        words: str = join_words(parts)
        return words

    def why_lost(self, seeding: Seeding, draw: Draw, cause: Cause) -> str:
        """Why a seed is without effect on a draw from its generator."""
        seed = self.written(seeding.event)
        began = self.written(draw.began) if draw.began is not None else ""
        if cause is Cause.AFTER:
            generator = _NAMES[draw.generator]
            return f"`{seed}` comes too late: `{self.written(draw.event)}` has drawn from {generator} before"
        if cause is Cause.OTHER_GRAPH and began:
            return f"`{seed}` seeds another graph than the one that `{began}` begins"
        if began:
            return f"`{began}` throws away the seed that `{seed}` has set"
        return f"`{seed}` seeds another graph than the one that `{self.written(draw.event)}` belongs to"

    # -- notes -----------------------------------------------------------------------------------------------

    def _notes(self, draw: Draw, span: Span) -> Sequence[Note]:
        notes: list[Note] = []
        if self.path != self.program.summary.path:
            notes.append(Note("the program starts here", self.program.summary.path, self.program.entry.line))
        for other in self.course.sure:
            event = other.event
            if other is not draw or (event.path, event.item.start) != (self.path, span.start):
                notes.append(self._note(event, f"first draw from {_NAMES[other.generator]}: `{self.written(event)}`"))
        notes += [Note(reason) for reason in dict.fromkeys(other.why for other in self.course.sure if other.why)]
        return (*notes, *self._notes_on_seeds())

    def _notes_on_seeds(self) -> Iterator[Note]:
        for unset in self.course.unset[:1]:
            name = unset.parameter.name
            place = unset.call.file.source.position(unset.call.span.start)
            text = f"`{unset.call.written}` is called without `{name}`, so `{self.written(unset.event)}` sets no seed"
            yield Note(text, unset.call.file.path, *place)
        lost = {loss.seeding.position: loss for loss in reversed(self.course.losses)}
        for seeding in self.course.seedings[:3]:
            loss = lost.get(seeding.position)
            if loss is not None:
                text = self.why_lost(seeding, loss.draw, loss.cause)
            else:
                only = join_words([_NAMES[generator] for generator in seeding.generators])
                text = f"`{self.written(seeding.event)}` seeds {only} only"
            yield self._note(seeding.event, text)

    def _note(self, event: Event, message: str) -> Note:
        line, column = self.facts.open(event.path).source.position(event.item.start)
        return Note(message, event.path, line, column)
