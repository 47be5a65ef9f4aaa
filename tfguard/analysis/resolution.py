"""The answers to "what does this expression name?", and what they need to be told of third-party names."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Knowledge(Protocol):
    """What the tables know of third-party names; the analysis itself knows none."""

    def canonical(self, name: str) -> str:
        """The one spelling of an object that has several public names."""

    def split(self, name: str) -> tuple[str, str]:
        """The prefix that spells another edition of a package, and the plain name."""

    def is_class(self, name: str) -> bool:
        """Does calling the name make an instance of it?"""

    def returns(self, name: str) -> str | None:
        """The type of what the function or method returns, if a table says."""

    def holds(self, name: str) -> str | None:
        """The type of what the attribute of an instance holds, if a table says."""

    def runs_main(self, name: str) -> bool:
        """Does calling the name without a function run the `main` of the module?"""

    def makes_commands(self, name: str) -> bool:
        """Does calling the name make commands of the functions, classes or objects that it is given?"""

    def is_command(self, decorator: str) -> bool:
        """Does a command line run what is decorated with a method of this name?"""

    def is_foreign(self, root: str) -> bool:
        """Is the top-level package known to be no part of the project?"""


class Ref(NamedTuple):
    """A qualified name, or an instance of the type of that name."""

    name: str
    is_instance: bool = False


class Resolution(NamedTuple):
    """What an expression may name. `reason` says why more than the `refs` may be possible."""

    refs: tuple[Ref, ...] = ()
    reason: str | None = None

    @property
    def is_certain(self) -> bool:
        """Nothing but the refs is possible, and there is one at least."""
        return self.reason is None and bool(self.refs)

    @property
    def name(self) -> str | None:
        """The one name (not an instance), when there is exactly one and it is certain."""
        if self.reason is None and len(self.refs) == 1 and not self.refs[0].is_instance:
            return self.refs[0].name
        return None

    @property
    def names(self) -> tuple[str, ...]:
        """The names that are not instances, certain or not, in source order."""
        refs = self.refs
        if len(refs) == 1:  # most often, and asked for each call by each rule
            return () if refs[0].is_instance else (refs[0].name,)
        return tuple(ref.name for ref in refs if not ref.is_instance)

    @property
    def types(self) -> tuple[str, ...]:
        """The types of the instances, certain or not."""
        return tuple(ref.name for ref in self.refs if ref.is_instance)


def unknown(reason: str) -> Resolution:
    """Nothing is known, and why."""
    return Resolution((), reason)


#: A name that may be None names nothing then; whoever reads an attribute of it or calls it knows that it is not.
NONE = Resolution((), "it is None")


#: More candidates than this are as good as none. It swallows what it is joined with, so that the search for what a loop
#: makes of a name (`path = path.parent`) comes to an end.
TANGLE = Resolution((), "it may be too many things")
_MOST = 24


def join(parts: list[Resolution]) -> Resolution:
    """Any of the parts: refs in order without repeats, the first reason (None the last one to be named)."""
    if len(parts) == 1:
        return parts[0]
    refs = tuple(dict.fromkeys(ref for part in parts for ref in part.refs))
    reasons = [part.reason for part in parts if part.reason is not None]
    if len(refs) > _MOST or TANGLE.reason in reasons:
        return TANGLE
    reason = next((reason for reason in reasons if reason != NONE.reason), reasons[0] if reasons else None)
    return Resolution(refs, reason)


def not_none(resolution: Resolution) -> Resolution:
    """The resolution where the expression is used in a way that None does not allow."""
    return Resolution(resolution.refs) if resolution.refs and resolution.reason == NONE.reason else resolution
