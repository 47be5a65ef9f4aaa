"""Which rules explain a run-time error: texts of errors, as people paste them, against the texts that rules know.

A known text may hold `{}` where TensorFlow puts names, shapes, types or numbers; numbers and what stands in quotes
differ from program to program without being marked. An error may stand in a long traceback, be broken over lines or be
cut off; or it may be a piece of a known text only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfguard.rule import Rule

#: Words that a placeholder stands for at most.
_LONGEST = 40
#: The part of the words of the shorter text that the longer one must hold, close together.
_NEARLY = 0.75
#: Fewer words than this must all be there.
_FEW = 4
_GAP = "\0"
_PLACEHOLDER = re.compile(r"\{\}|'[^' ]*[/:\d][^' ]*'|\b\d[\d.,]*\b")
_WORD = re.compile(r"[a-z0-9_]+|\0")
#: Lines of a traceback that name a place in a file.
_PLACE = re.compile(r'^\s*(?:File "|\S+\.py:\d+)')


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that explains an error, by which of its texts, and how well."""

    rule: Rule
    message: str
    #: Is the whole text there (not nearly all of it)?
    is_whole: bool
    #: Words of the text that are there.
    words: int


def find_matches(rules: Iterable[Rule], error: str) -> list[Match]:
    """The rules that explain an error, the most specific first, each with its best text."""
    lines = _passages(error)
    found: list[Match] = []
    for rule in rules:
        matches = [match for text in rule.messages if (match := _match(rule, text, lines)) is not None]
        if matches:
            found.append(max(matches, key=lambda match: (match.is_whole, match.words)))
    whole = [match for match in found if match.is_whole]
    return sorted(whole or found, key=lambda match: (-match.words, match.rule.id))


def last_error(text: str) -> str:
    """The line of a traceback that says what was raised, for messages: the last one that is not a place."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _PLACE.match(line)]
    raised = [line for line in lines if re.match(r"[\w.]+(?:Error|Exception)\b", line)]
    return (raised or lines or [text.strip()])[-1]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _passages(error: str) -> list[list[str]]:
    """The words of the text, of each line, and of each line with the next one."""
    lines = [_words(line) for line in error.splitlines() if not _PLACE.match(line)]
    lines = [line for line in lines if line]
    whole = [word for line in lines for word in line]
    pairs = [[*one, *other] for one, other in pairwise(lines)]
    return [whole, *lines, *pairs]


def _match(rule: Rule, message: str, passages: Sequence[Sequence[str]]) -> Match | None:
    known = _words(_PLACEHOLDER.sub(f" {_GAP} ", message))
    literal = [word for word in known if word != _GAP]
    whole = passages[0]
    if not whole or not literal:
        return None
    if re.search(_pattern(known), f" {' '.join(whole)} "):
        return Match(rule, message, True, len(literal))
    if _is_piece(whole, known):
        return Match(rule, message, True, len(whole))
    nearly = max(_in_order(literal, passage) for passage in passages)
    return Match(rule, message, False, nearly) if nearly else None


def _pattern(known: Sequence[str]) -> str:
    """A pattern for the words one after the other, with other words in the gaps."""
    parts = [rf"(?:\S+ ){{0,{_LONGEST}}}?" if word == _GAP else f"{re.escape(word)} " for word in known]
    return " " + "".join(parts)


def _is_piece(given: Sequence[str], known: Sequence[str]) -> bool:
    """Do the given words stand in a known text, one after the other?"""
    return len(given) <= len(known) and f" {' '.join(given)} " in f" {' '.join(known)} "


def _in_order(known: Sequence[str], given: Sequence[str]) -> int:
    """How many words of the shorter text the longer one holds in their order and close together; 0 for too few."""
    shorter = min(len(known), len(given))
    if shorter < _FEW:
        return 0
    blocks = SequenceMatcher(None, known, given, autojunk=False).get_matching_blocks()[:-1]
    common = sum(block.size for block in blocks)
    if common < _NEARLY * shorter:
        return 0
    spread = blocks[-1].b + blocks[-1].size - blocks[0].b
    return common if spread <= 2 * len(known) + _LONGEST // 4 else 0
