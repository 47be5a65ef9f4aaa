"""The versions of TensorFlow and Keras that a project is written for or shall run on.

A version is (major, minor). What a requirement allows is the newest known version inside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tfguard.errors import ConfigError

Version = tuple[int, int]

TENSORFLOW_VERSIONS: tuple[Version, ...] = (
    (0, 12),
    *((1, minor) for minor in range(16)),
    *((2, minor) for minor in range(22)),
)
KERAS_VERSIONS: tuple[Version, ...] = (
    *((1, minor) for minor in range(3)),
    *((2, minor) for minor in range(16)),
    *((3, minor) for minor in range(16)),
)
#: The Keras that belongs to each TensorFlow up to the version named; from 2.6 to 2.15 they share their number.
_KERAS_OF: tuple[tuple[Version, Version], ...] = (
    ((0, 12), (1, 0)),
    ((1, 3), (2, 0)),
    ((1, 12), (2, 1)),
    ((2, 2), (2, 3)),
    ((2, 4), (2, 4)),
    ((2, 5), (2, 5)),
)
_PATCHES = range(20, -1, -1)

_BUILDS = ("gpu", "macos", "rocm", "intel", "aarch64", "base", "mkl")
_FULL = frozenset({"tensorflow", "tf-nightly", "tf-nightly-gpu", *(f"tensorflow-{build}" for build in _BUILDS)})
_CPU_ONLY = frozenset(
    {"tensorflow-cpu", "tf-nightly-cpu", "intel-tensorflow", "intel-tensorflow-avx512", "tensorflow-cpu-aws"}
)
_KERAS = frozenset({"keras", "keras-nightly", "keras-gpu"})

_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9][\w.-]*?)\s*(?:\[[^\]]*\])?\s*"
    r"(?P<spec>\(?(?:(?:===|==|~=|!=|<=|>=|<|>)\s*v?[\w.*+!-]+\s*,?\s*)*\)?)\s*(?:;.*)?$"
)
_WHEEL = re.compile(r"\b(?P<name>tensorflow(?:_gpu|_cpu)?|[kK]eras)-(?P<version>\d+\.\d+[\w.]*)-[^/]*\.whl")
_CLAUSE = re.compile(r"(===|==|~=|!=|<=|>=|<|>)\s*v?([0-9][\w.*+!-]*)")
_BARE_VERSION = re.compile(r"v?\d+(?:\.\d+)*(?:\.\*)?(?:\.?(?:a|b|rc|dev|post)\d*)?$")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Target:
    """What the code shall run on, and where that was said."""

    tensorflow: Version
    keras: Version | None
    tensorflow_origin: str
    keras_origin: str
    #: "auto", or "cpu" when only a CPU build is required, or as set.
    device: str = "auto"

    def __str__(self) -> str:
        keras = f", Keras {render_version(self.keras)}" if self.keras else ""
        return f"TensorFlow {render_version(self.tensorflow)}{keras} ({self.tensorflow_origin})"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of a requirements file about TensorFlow or Keras."""

    name: str
    specifier: str
    where: str

    @property
    def is_tensorflow(self) -> bool:
        """True for every package that is TensorFlow."""
        return self.name in _FULL or self.name in _CPU_ONLY

    @property
    def is_cpu_only(self) -> bool:
        """True for the builds that know no GPU."""
        return self.name in _CPU_ONLY

    @property
    def is_keras(self) -> bool:
        """True for the package keras itself (tf_keras is another)."""
        return self.name in _KERAS

    @property
    def origin(self) -> str:
        """As shown: `tensorflow>=1.4 in requirements.txt`."""
        return f"{self.name}{self.specifier} in {self.where}"


def read_requirement(text: str, where: str) -> Requirement | None:
    """The requirement in a line, if it is one on TensorFlow or Keras."""
    wheel = _WHEEL.search(text)
    if wheel is not None:
        return Requirement(_canonical(wheel["name"]), f"=={wheel['version']}", where)
    match = _REQUIREMENT.match(text)
    if match is None:
        return None
    requirement = Requirement(_canonical(match["name"]), re.sub(r"[\s()]", "", match["spec"]).rstrip(","), where)
    return requirement if requirement.is_tensorflow or requirement.is_keras else None


def newest_tensorflow() -> Version:
    """The newest version that the tables know."""
    return TENSORFLOW_VERSIONS[-1]


def keras_of(tensorflow: Version) -> Version:
    """The Keras that comes with (or belongs to) a TensorFlow."""
    for last, keras in _KERAS_OF:
        if tensorflow <= last:
            return keras
    return tensorflow if tensorflow <= (2, 15) else KERAS_VERSIONS[-1]


def render_version(version: Version) -> str:
    """`2.21`."""
    return f"{version[0]}.{version[1]}"


def newest_allowed(specifier: str, known: Sequence[Version]) -> Version | None:
    """The newest known version that a specifier (`>=1.4,<2`) allows."""
    clauses = _CLAUSE.findall(specifier)
    for major, minor in reversed(known):
        if any(all(_allows(operator, text, (major, minor, patch)) for operator, text in clauses) for patch in _PATCHES):
            return major, minor
    return None


def parse_version(text: str, package: str, where: str) -> Version:
    """A version or requirement given on purpose: `2.9`, `2`, `==1.15.*`, `tensorflow<2`; ConfigError otherwise."""
    known = KERAS_VERSIONS if package == "keras" else TENSORFLOW_VERSIONS
    words = text.strip()
    if _BARE_VERSION.match(words):
        specifier = "==" + ".".join(_NUMBER.findall(words)[:2]) + ".*"
    else:
        specifier = _specifier_of(words, package, where)
    version = newest_allowed(specifier, known)
    if version is None:
        raise ConfigError(
            f"{where}: {package} {words} is not a version that tfguard knows"
            f" (it knows {render_version(known[0])} to {render_version(known[-1])})"
        )
    return version


def choose_target(requirements: Iterable[Requirement]) -> Target:
    """The target that a project's own requirements ask for; the newest known version without any."""
    found = list(requirements)
    tensorflow = [requirement for requirement in found if requirement.is_tensorflow]
    version, origin = _choose(tensorflow, TENSORFLOW_VERSIONS)
    if version is None:
        version, origin = newest_tensorflow(), "no requirement found, the newest known version is assumed"
    keras, keras_origin = _choose([r for r in found if r.is_keras and r.specifier], KERAS_VERSIONS)
    if keras is None:
        keras, keras_origin = keras_of(version), f"the Keras of TensorFlow {render_version(version)}"
    cpu = bool(tensorflow) and all(requirement.is_cpu_only for requirement in tensorflow)
    return Target(version, keras, origin, keras_origin, "cpu" if cpu else "auto")


def _choose(requirements: Sequence[Requirement], known: Sequence[Version]) -> tuple[Version | None, str]:
    """Of the first file that bounds the version the newest allowed one; else any file's plain name."""
    bounded = [requirement for requirement in requirements if requirement.specifier]
    if not bounded:
        return (known[-1], f"{requirements[0].origin}, the newest known") if requirements else (None, "")
    first = [requirement for requirement in bounded if requirement.where == bounded[0].where]
    return max((_clamped(requirement, known) for requirement in first), key=lambda answer: answer[0])


def _clamped(requirement: Requirement, known: Sequence[Version]) -> tuple[Version, str]:
    """The newest allowed version and its origin; the nearest known one where a requirement allows none."""
    specifier = requirement.specifier
    allowed = newest_allowed(specifier, known)
    if allowed is not None:
        return allowed, requirement.origin
    numbers = [_release(version) for operator, version in _CLAUSE.findall(specifier) if operator != "!="]
    below = [version for version in known if numbers and version <= max(numbers)[:2]]
    nearest = below[-1] if below else known[0] if numbers else known[-1]
    return nearest, f"{requirement.origin}, the nearest known"


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _specifier_of(words: str, package: str, where: str) -> str:
    match = _REQUIREMENT.match(words if words[:1].isalpha() else package + words)
    requirement = read_requirement(match[0], where) if match else None
    wanted = requirement is not None and (requirement.is_keras if package == "keras" else requirement.is_tensorflow)
    if requirement is None or not wanted or not requirement.specifier:
        raise ConfigError(f'{where}: "{words}" is not a version of {package}; write for example "2.9" or ">=1.4,<2"')
    return requirement.specifier


def _release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version; `1.15.0rc2` counts as 1.15.0."""
    numbers: list[int] = []
    for part in version.split("!")[-1].split("."):
        match = _NUMBER.match(part)
        if match is None:
            break
        numbers.append(int(match[0]))
        if match.end() != len(part):
            break
    return tuple(numbers)


def _allows(operator: str, version: str, candidate: tuple[int, int, int]) -> bool:
    release = _release(version)
    length = max(len(release), 3)
    left, right = _padded(candidate, length), _padded(release, length)
    if operator in ("==", "===", "!="):
        same = candidate[: len(release)] == release[:3] if version.endswith(".*") else left == right
        return same if operator != "!=" else not same
    if operator == "~=":
        return left >= right and candidate[: len(release) - 1] == release[: min(len(release) - 1, 3)]
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator]


def _padded(numbers: Sequence[int], length: int) -> tuple[int, ...]:
    return (*numbers, *(0 for _ in range(length - len(numbers))))
