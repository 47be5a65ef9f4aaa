"""What the tables say of third-party names, as the analysis and the rules ask for it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tfguard.errors import TableError
from tfguard.tables import ApiTable, load_api_table, load_toml


class TableKnowledge:
    """Types, aliases and the enumeration of public names; `canonical` gives every object one spelling."""

    def __init__(self, types: dict[str, Any], api: ApiTable) -> None:
        try:
            self._prefixes: list[tuple[str, str]] = sorted(types["prefixes"].items(), key=lambda row: -len(row[0]))
            self._aliases: dict[str, str] = types["aliases"]
            self._bases: dict[str, str] = types["bases"]
            self._returns: dict[str, str] = types["returns"]
            self._holds: dict[str, str] = types["holds"]
            self._classes = frozenset(types["classes"]["names"])
            self._main = frozenset(types["main"]["names"])
            self._commands = frozenset(types["main"]["commands"])
            self._decorators = frozenset(types["main"]["decorators"])
            self._foreign = frozenset(types["foreign"]["roots"])
        except KeyError as error:
            raise TableError(f"types.toml lacks {error}") from error
        self.api = api
        self._owners = frozenset(self._returns[name] for name in self._returns) | frozenset(self._bases)
        self._canonical: dict[str, str] = {}
        self._is_class: dict[str, bool] = {}

    # -- spellings ----------------------------------------------------------------------------------

    def split(self, name: str) -> tuple[str, str]:
        """The prefix that spells another edition of a package (`tensorflow.compat.v1`), and the plain name."""
        for prefix, plain in self._prefixes:
            if name == prefix or name.startswith(f"{prefix}."):
                return prefix, plain + name[len(prefix) :]
        return "", name

    def canonical(self, name: str) -> str:
        """The one spelling of an object: prefix stripped, aliases followed, methods at the class that defines them."""
        known = self._canonical.get(name)
        if known is None:
            known = self._canonical[name] = self._canonicalise(name)
        return known

    def _canonicalise(self, name: str) -> str:
        _, plain = self.split(name)
        plain = self._aliases.get(plain, plain)
        owner, _, member = plain.rpartition(".")
        owner = self._aliases.get(owner, owner)
        while owner in self._bases and f"{owner}.{member}" not in self._returns:
            owner = self._bases[owner]
        return f"{owner}.{member}" if owner else member

    def _respell(self, name: str, plain: str) -> str:
        """A canonical type in the edition that a name was spelled in."""
        prefix, _ = self.split(name)
        if prefix and prefix != "tensorflow.contrib.data":
            target = dict(self._prefixes)[prefix]
            if plain == target or plain.startswith(f"{target}."):
                return prefix + plain[len(target) :]
        return plain

    # -- the questions of the analysis -----------------------------------------------------------------

    def is_class(self, name: str) -> bool:
        """Does calling the name make an instance of it?"""
        known = self._is_class.get(name)
        if known is None:
            plain = self.canonical(name)
            listed = plain in self._classes or self.api.is_class(name) or self.api.is_class(plain)
            known = self._is_class[name] = plain not in self._returns and listed
        return known

    def returns(self, name: str) -> str | None:
        """The type of what the function or method returns, if a table says."""
        found = self._returns.get(self.canonical(name))
        return self._respell(name, found) if found is not None else None

    def holds(self, name: str) -> str | None:
        """The type of what the attribute of an instance holds, if a table says."""
        found = self._holds.get(self.canonical(name))
        return self._respell(name, found) if found is not None else None

    def runs_main(self, name: str) -> bool:
        """Does calling the name without a function run the `main` of the module?"""
        return self.canonical(name) in self._main

    def makes_commands(self, name: str) -> bool:
        """Does calling the name make commands of the functions, classes or objects that it is given?"""
        return name in self._commands

    def is_command(self, decorator: str) -> bool:
        """Does a command line run what is decorated with a method of this name?"""
        return decorator in self._decorators

    def is_foreign(self, root: str) -> bool:
        """Is the top-level package known to be no part of the project?"""
        return root in self._foreign


@lru_cache(maxsize=1)
def load_knowledge() -> TableKnowledge:
    """Read the tables once a process."""
    return TableKnowledge(load_toml("types.toml"), load_api_table())
