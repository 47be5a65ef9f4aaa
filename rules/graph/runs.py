"""What the runs of followed programs need and are not given (part of the TFG3xx rules)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tfguard.rules.graph.following import Followed, followed_programs
from tfguard.rules.graph.sessions import Run, fed, is_caught

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.flow.graph import Kind, Node
from tfguard.analysis.flow.machine import sure_nodes
from tfguard.analysis.project import ProjectFacts
from tfguard.rule import Recorder
from tfguard.tables import load_evidence

#: Which files run sessions.
SESSIONS = Recorder("sessions", evidence=load_evidence())

_SESSION_WORDS = ("Session",)
_NEEDS_FEED = ("tensorflow.placeholder", "tensorflow.sparse_placeholder")
_MERGE = ("tensorflow.summary.merge_all", "tensorflow.merge_all_summaries")
_ERRORS = ("InvalidArgumentError", "OpError")


@SESSIONS.facts(mentions=_SESSION_WORDS)
def runs_sessions(file: FileModel) -> bool | None:
    """Does the file make a session?"""
    wanted = ("tensorflow.Session", "tensorflow.InteractiveSession")
    names = {file.knowledge.canonical(name) for call in file.calls for name in call.names}
    return True if any(name in wanted for name in names) else None


@dataclass(frozen=True, slots=True, eq=False)
class Unfed:
    """A run that needs a placeholder and does not feed it."""

    followed: Followed
    run: Run
    placeholder: Node
    #: What of the fetches needs it.
    fetched: Node
    #: The `merge_all` through which alone it is needed.
    merge: Node | None


def programs_with_sessions(facts: ProjectFacts) -> Iterator[Followed]:
    """The programs of the project that run sessions."""
    yield from followed_programs(facts, facts.facts_of(SESSIONS.key))


def unfed_placeholders(facts: ProjectFacts) -> tuple[Unfed, ...]:
    """Runs that fail for a placeholder, in all programs of the project."""
    found: tuple[Unfed, ...] = facts.once(
        "unfed placeholders", lambda: tuple(u for f in programs_with_sessions(facts) for u in _of_program(f))
    )
    return found


def _of_program(followed: Followed) -> Iterator[Unfed]:
    known: dict[tuple[Node, frozenset[Node]], tuple[Unfed, ...]] = {}
    for run in followed.library.sessions.runs:
        given = fed(run)
        if given is None or run.session is None or is_caught(run.call, _ERRORS):
            continue
        for fetched in dict.fromkeys(sure_nodes(run.fetches)):
            key = (fetched, frozenset(given))
            if key not in known:
                known[key] = tuple(_of_fetch(followed, run, fetched, given))
            yield from (replace(unfed, run=run) for unfed in known[key])


def _of_fetch(followed: Followed, run: Run, fetched: Node, given: tuple[Node, ...]) -> Iterator[Unfed]:
    whole = followed.library.sessions.needs_of([fetched], given)
    merges = [node for node in whole if node.api in _MERGE]
    without = followed.library.sessions.needs_of([fetched], [*given, *merges]) if merges else whole
    for node in whole:
        if node.kind is Kind.PLACEHOLDER and node.api in _NEEDS_FEED and not node.many:
            merge = merges[0] if node not in without else None
            yield Unfed(followed, run, node, fetched, merge)


def runs_of_merge(followed: Followed, merge: Node) -> Iterator[bool | None]:
    """For each run of what was merged: is it given all that it needs? None: that is not known."""
    for run in followed.library.sessions.runs:
        given = fed(run)
        for fetched in sure_nodes(run.fetches):
            whole = followed.library.sessions.needs_of([fetched], given or ())
            if merge in whole:
                yield all(node.kind is not Kind.PLACEHOLDER for node in whole) if given is not None else None
