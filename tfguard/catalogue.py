"""Finds the rules: every module below `tfguard.rules` that defines `rule` is one. No list to edit."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from tfguard.config import Config
from tfguard.errors import ConfigError, TableError
from tfguard.rule import Rule


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All rules, sorted by id."""

    rules: tuple[Rule, ...]

    def find(self, text: str) -> Rule | None:
        """The rule of an id or a name, upper or lower case, `_` or `-`."""
        wanted = text.strip().lower().replace("_", "-")
        return next((rule for rule in self.rules if wanted in (rule.id.lower(), rule.name)), None)

    def matching(self, selector: str) -> tuple[Rule, ...]:
        """The rules that a selector means: ALL, an id, a prefix of ids, a name or a family."""
        if selector.upper() == "ALL":
            return self.rules
        one = self.find(selector)
        if one is not None:
            return (one,)
        lower = selector.strip().lower()
        found = tuple(r for r in self.rules if lower and (r.id.lower().startswith(lower) or r.family == lower))
        if not found:
            raise ConfigError(f"no rule is called `{selector}`; `tfguard rules` lists them")
        return found

    def select(self, config: Config) -> tuple[Rule, ...]:
        """The rules that a configuration enables; a longer selector beats a shorter one, `ignore` wins ties."""
        return tuple(rule for rule in self.rules if self._is_enabled(rule, config))

    def _is_enabled(self, rule: Rule, config: Config) -> bool:
        weight = 0 if rule.default and not config.select else -1
        enabled = weight == 0
        chosen = [*((s, True) for s in config.select), *((s, True) for s in config.extend_select)]
        for selector, wanted in [*chosen, *((s, False) for s in config.ignore)]:
            if rule not in self.matching(selector):
                continue
            own = _weight(selector, rule)
            if own >= weight:
                weight, enabled = own, wanted
        return enabled


def _weight(selector: str, rule: Rule) -> int:
    """How precisely a selector means a rule: ALL 1, a family 2, a prefix its length, the rule itself most."""
    lower = selector.lower().replace("_", "-")
    if lower == "all":
        return 1
    if lower in (rule.id.lower(), rule.name):
        return 100
    return 2 if lower == rule.family else len(lower)


@lru_cache(maxsize=1)
def load_catalogue() -> Catalogue:
    """Import every rule file; raises TableError when two rules share an id or a name."""
    package = importlib.import_module("tfguard.rules")
    rules = sorted(_walk(package.__path__, "tfguard.rules."), key=lambda rule: rule.id)
    for attribute in ("id", "name"):
        seen = [getattr(rule, attribute) for rule in rules]
        twice = sorted({value for value in seen if seen.count(value) > 1})
        if twice:
            raise TableError(f"two rules have the {attribute} {twice[0]}")
    return Catalogue(tuple(rules))


def _walk(path: Iterable[str], prefix: str) -> Iterable[Rule]:
    for module_info in pkgutil.walk_packages(path, prefix):
        if ".tables" in module_info.name:
            continue
        module = importlib.import_module(module_info.name)
        rule = getattr(module, "rule", None)
        if isinstance(rule, Rule):
            rule.documentation = module.__doc__ or ""
            yield rule
