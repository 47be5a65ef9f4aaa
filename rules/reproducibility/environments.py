"""Environments of gym, which draw from a generator of their own that no global seed reaches (part of TFG101)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tfguard.analysis.blocks import target_of
from tfguard.analysis.calls import CallSite
from tfguard.analysis.file_model import FileModel
from tfguard.analysis.preamble import place_lines
from tfguard.analysis.project import Event, Program, ProjectFacts
from tfguard.model import Edit, Finding, Fix, Safety, Span
from tfguard.rule import Rule
from tfguard.tables import load_toml

#: A file that holds none of these words neither makes an environment nor seeds one.
WORDS = ("gym", "env.seed", "envs.seed", "environment.seed", "reset(seed", "seed_env")
_MADE, _SEEDED, _RESET = "made", "seeded", "reset"
_PLAIN = (ast.Assign, ast.AnnAssign)
#: The TensorFlow of the days of gym 0.11, whose spaces are the first that can be seeded (source: gym's history).
_SPACES_HAVE_SEED = (1, 13)


def environment_of(call: CallSite) -> str | None:
    """What a call does to environments: makes one without a seed, seeds one, or begins an episode, which draws."""
    table = load_toml("environments.toml")
    last = call.written.rpartition(".")[2].strip()
    if any(name in table["makers"] for name in call.names):
        return _SEEDED if call.has_star or not call.argument("seed").is_absent else _MADE
    if last == "seed" and call.receiver is not None and not call.names:
        return _SEEDED
    if last == "reset" and call.receiver is not None and not call.names:
        return _RESET if call.argument("seed").is_absent else _SEEDED
    return _SEEDED if "seed" in last.lower() and any("env" in given.text.lower() for given in call.arguments) else None


def findings(rule: Rule, facts: ProjectFacts, program: Program) -> Iterator[Finding]:
    """One finding for each environment that a program makes and plays, where it seeds none."""
    effects = program.effects(rule.id)
    done = {event.item.payload for event in effects}
    if _SEEDED in done or _RESET not in done:
        return
    for event in effects:
        if event.item.payload == _MADE:
            yield _finding(rule, facts.open(event.path), event)


def _finding(rule: Rule, file: FileModel, event: Event) -> Finding:
    span = Span(event.item.start, event.item.end)
    call = next(call for call in file.calls if call.span == span)
    edits = _seeding(file, call)
    fix = Fix("Seed the environment", edits, Safety.SAFE) if edits is not None else None
    message = f"the environment of `{call.written}` draws from a generator of its own, which nothing seeds"
    return rule.finding((file, span), f"{message}, so every run differs", fix=fix)


def _seeding(file: FileModel, call: CallSite) -> tuple[Edit, ...] | None:
    """Lines that seed the environment, right below the statement that makes it."""
    target, statement = target_of(call), file.statement_of(call.node)
    is_new = _has_new_interface(call)
    if target is None or is_new is None or not isinstance(statement, _PLAIN):
        return None
    seed = str(file.config.seed)
    lines = [f"{target}.reset(seed={seed})" if is_new else f"{target}.seed({seed})"]
    has_seed = is_new or file.target.tensorflow >= _SPACES_HAVE_SEED
    if has_seed and any(other.written.endswith("action_space.sample") for other in file.calls):
        lines.append(f"{target}.action_space.seed({seed})")
    return place_lines(file, statement, modules={}, lines=lambda names: lines, below=True)


def _has_new_interface(call: CallSite) -> bool | None:
    """Does `reset` take the seed? Of gym, what the file unpacks from `reset` and `step` tells it."""
    if any(name.split(".")[0] in load_toml("environments.toml")["reset_takes_seed"] for name in call.names):
        return True
    for other in call.file.calls:
        count = _unpacked(other)
        if count is not None and other.written.endswith(".step") and count in (4, 5):
            return count == 5
        if other.written.endswith(".reset") and count == 2:
            return True
    return None


def _unpacked(call: CallSite) -> int | None:
    """How many variables take the values that a call returns."""
    statement = call.file.index.places[call.node].parent
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    return len(target.elts) if isinstance(target, ast.Tuple) else None
