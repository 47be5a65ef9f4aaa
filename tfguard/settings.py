"""The keys of [tool.tfguard]: their types, what they accept, and the words for a wrong one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from tfguard.errors import ConfigError

_SELECTOR = re.compile(r"TFG\d{0,3}|ALL|[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_SEVERITIES = ("error", "warning", "hint")
_LARGEST_SEED = 2**32 - 1


def check_value(key: str, value: object, place: str) -> object:
    """The value in the form that Config holds; raises ConfigError that names the place and what would be right."""
    return SETTINGS[key](value, place)


def unknown_key(where: str, key: str) -> str:
    """The message for a key that does not exist, with the nearest one that does."""
    from difflib import get_close_matches

    near = get_close_matches(key.replace("_", "-"), SETTINGS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(sorted(SETTINGS))}"
    return f"{where}: tfguard has no setting {key}: {hint}"


def _wrong(place: str, wanted: str, value: object) -> ConfigError:
    return ConfigError(f"{place} must be {wanted}, not {value!r}")


def _target(value: object, place: str) -> dict[str, str]:
    if isinstance(value, str):
        package = "keras" if re.match(r"keras\b", value) else "tensorflow"
        return {} if value == "auto" else {package: value}
    if isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values()):
        unknown = sorted(set(value) - {"tensorflow", "keras"})
        if not unknown:
            return dict(value)
        raise ConfigError(f"{place} has the keys tensorflow and keras, not {unknown[0]}")
    raise _wrong(place, 'a version such as "2.21", or a table {tensorflow = "2.9", keras = "2.9"}', value)


def _seed(value: object, place: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_SEED:
        return value
    raise _wrong(place, f"a whole number from 0 to {_LARGEST_SEED}", value)


def _gpu_memory(value: object, place: str) -> str | int | float:
    if isinstance(value, str) and re.fullmatch(r"\d+|\d*\.\d+", value):
        value = float(value) if "." in value else int(value)
    if value == "growth":
        return "growth"
    if isinstance(value, float) and 0 < value <= 1:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise _wrong(place, '"growth", a fraction such as 0.5, or megabytes such as 4096', value)


def _threads(value: object, place: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1024:
        return value
    raise _wrong(place, "a number of threads of one operation, such as 1", value)


def _strings(value: object, place: str) -> tuple[str, ...]:
    """A list of strings; on the command line also one string with commas, or several such."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not all(isinstance(item, str) for item in items):
        raise _wrong(place, "a list of strings", value)
    if not place.startswith("--"):
        if isinstance(value, str):
            raise _wrong(place, "a list of strings", value)
        return tuple(items)
    return tuple(part.strip() for item in items for part in item.split(",") if part.strip())


def _selectors(value: object, place: str) -> tuple[str, ...]:
    words = _strings(value, place)
    for word in words:
        if not _SELECTOR.fullmatch(word):
            raise _wrong(place, "rules: an id (TFG101), the beginning of one (TFG1) or a name", word)
    return words


def _per_file_ignores(value: object, place: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, Mapping):
        raise _wrong(place, 'a table such as {"tests/*" = ["TFG1"]}', value)
    return tuple(sorted((str(glob), _selectors(rules, f"{place}.{glob}")) for glob, rules in value.items()))


def _severity(value: object, place: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise _wrong(place, 'a table such as {TFG104 = "error"}', value)
    for rule, level in value.items():
        if level not in _SEVERITIES:
            raise _wrong(f"{place}.{rule}", " or ".join(f'"{name}"' for name in _SEVERITIES), level)
        _selectors([str(rule)], place)
    return tuple(sorted((str(rule), str(level)) for rule, level in value.items()))


def _boolean(value: object, place: str) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong(place, "true or false", value)


def _jobs(value: object, place: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1024:
        return value
    raise _wrong(place, "a number of worker processes (0: one a CPU)", value)


def _text(value: object, place: str) -> str:
    if isinstance(value, str) and value:
        return value
    raise _wrong(place, "a path", value)


def _one_of(*allowed: str) -> Callable[[object, str], str]:
    def check(value: object, place: str) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        raise _wrong(place, " or ".join(f'"{word}"' for word in allowed), value)

    return check


SETTINGS: Mapping[str, Callable[[object, str], object]] = {
    "target": _target,
    "seed": _seed,
    "gpu-memory": _gpu_memory,
    "threads": _threads,
    "select": _selectors,
    "ignore": _selectors,
    "extend-select": _selectors,
    "per-file-ignores": _per_file_ignores,
    "severity": _severity,
    "exclude": _strings,
    "force-exclude": _boolean,
    "preamble": _one_of("inline", "shim"),
    "baseline": _text,
    "unsafe-fixes": _boolean,
    "jobs": _jobs,
    "cache": _boolean,
    "cache-dir": _text,
    "device": _one_of("auto", "cpu", "gpu"),
}
