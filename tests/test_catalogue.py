"""Which rules a selection means."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tfguard.catalogue import Catalogue, load_catalogue
from tfguard.errors import ConfigError
from tfguard.model import Severity
from tfguard.rule import Rule, screen


def rule(number: int, family: str = "made", *, default: bool = True) -> Rule:
    made = Rule(
        f"tfguard.rules.{family}.rule_{number}",
        id=f"TFG{number}",
        severity=Severity.ERROR,
        since="0.1",
        default=default,
    )
    made.on_file(mentions=f"word{number}")(lambda file: ())
    return made


CATALOGUE = Catalogue((rule(101), rule(102), rule(110, default=False), rule(201, "other")))


def select(select: tuple[str, ...] = (), extend: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> list[str]:
    config: Any = SimpleNamespace(select=select, extend_select=extend, ignore=ignore)
    return [rule.id for rule in CATALOGUE.select(config)]


SELECTIONS = {
    "nothing said": ({}, ["TFG101", "TFG102", "TFG201"]),
    "all": ({"select": ("ALL",)}, ["TFG101", "TFG102", "TFG110", "TFG201"]),
    "one": ({"select": ("TFG102",)}, ["TFG102"]),
    "lower case": ({"select": ("tfg102",)}, ["TFG102"]),
    "name": ({"select": ("rule-102",)}, ["TFG102"]),
    "name with underscores": ({"select": ("rule_102",)}, ["TFG102"]),
    "prefix": ({"select": ("TFG1",)}, ["TFG101", "TFG102", "TFG110"]),
    "family": ({"select": ("other",)}, ["TFG201"]),
    "extended": ({"extend": ("TFG110",)}, ["TFG101", "TFG102", "TFG110", "TFG201"]),
    "ignored": ({"ignore": ("TFG101",)}, ["TFG102", "TFG201"]),
    "ignored prefix": ({"ignore": ("TFG1",)}, ["TFG201"]),
    "ignored all": ({"ignore": ("ALL",)}, []),
    "the longer one wins": ({"select": ("TFG101",), "ignore": ("TFG1",)}, ["TFG101"]),
    "the longer one wins, ignoring": ({"select": ("TFG1",), "ignore": ("TFG101",)}, ["TFG102", "TFG110"]),
    "ignoring wins ties": ({"select": ("TFG101",), "ignore": ("TFG101",)}, []),
    "all but a family": ({"select": ("ALL",), "ignore": ("made",)}, ["TFG201"]),
    "a rule of an ignored family": ({"extend": ("TFG101",), "ignore": ("made",)}, ["TFG101", "TFG201"]),
}


@pytest.mark.parametrize(("options", "expected"), SELECTIONS.values(), ids=SELECTIONS.keys())
def test_select(options: dict[str, tuple[str, ...]], expected: list[str]) -> None:
    assert select(**options) == expected


@pytest.mark.parametrize("selector", ["TFG9", "nothing", "", " ", "TFG1011"])
def test_unknown_selectors_are_errors(selector: str) -> None:
    with pytest.raises(ConfigError):
        CATALOGUE.matching(selector)


def test_find() -> None:
    assert CATALOGUE.find("TFG101") is CATALOGUE.rules[0]
    assert CATALOGUE.find(" rule_101 ") is CATALOGUE.rules[0]
    assert CATALOGUE.find("TFG1") is None


def test_the_real_catalogue() -> None:
    rules = load_catalogue().rules
    assert [rule.id for rule in rules] == sorted({rule.id for rule in rules})
    for each in rules:
        assert each.summary.endswith(".")
        assert each.family
        assert each.name == each.name.lower()


def test_the_screen_lets_every_mentioned_file_through() -> None:
    pattern = screen(CATALOGUE.rules)
    assert pattern.search(b"import word101")
    assert pattern.search("ä word201".encode("latin-1"))
    assert not pattern.search(b"import os")
    assert not screen(()).search(b"anything")


def test_words_are_plain_text() -> None:
    made = rule(300)
    made.on_call(mentions=["a.b", "c(d"])(lambda call: None)
    assert made.words == {"word300", "a.b", "c(d"}
    assert screen([made]).search(b"x = c(d)")
    assert not screen([made]).search(b"axb")
