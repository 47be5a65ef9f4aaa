"""Reads what a project itself requires of TensorFlow and Keras, from every usual file.

Nothing is run and nothing is fetched; a file that cannot be read says nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tfguard.targets import Requirement, read_requirement
from tfguard.toml import TomlError, load_toml

_INCLUDE = re.compile(r"(?:-r|-c|--requirement|--constraint)[=\s]\s*(\S+)")
_CONDA = re.compile(r"\s*-\s*[\"']?(?:[\w.-]+::)?(?P<name>[\w.-]+)\s*(?P<spec>[=<>!~ ][^\"'#]*)?")
_SETUP_KEYS = re.compile(r"requires?$|require[sd]?_|_require|extras|dependenc", re.IGNORECASE)


def find_requirements(directory: Path) -> list[Requirement]:
    """All requirements on TensorFlow and Keras in the files of one directory, the most binding file first."""
    found: list[Requirement] = []
    found += _pyproject(directory / "pyproject.toml")
    found += _setup_cfg(directory / "setup.cfg")
    found += _setup_py(directory / "setup.py")
    for path in _requirement_files(directory):
        found += _requirements_txt(path, path.relative_to(directory).as_posix(), frozenset())
    for name in ("environment.yml", "environment.yaml", "conda.yml", "conda.yaml"):
        found += _conda(directory / name)
    found += _pipfile(directory / "Pipfile")
    return found


def _requirement_files(directory: Path) -> list[Path]:
    """requirements.txt before its relatives, those in order of name."""
    relatives = {*directory.glob("requirements*.txt"), *directory.glob("*requirements.txt")}
    relatives |= {*directory.glob("requirements/*.txt"), *directory.glob("requirements*.in")}
    first = directory / "requirements.txt"
    return sorted(relatives, key=lambda path: (path != first, path.as_posix()))


def _read(path: Path) -> str | None:
    """The text of a small file; PowerShell writes `pip freeze` in UTF-16."""
    try:
        raw = path.read_bytes() if path.is_file() else None
    except OSError:
        return None
    if raw is None or len(raw) > 1_000_000:
        return None
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return raw.decode(encoding, "replace")


def _present(requirements: Iterable[Requirement | None]) -> list[Requirement]:
    return [requirement for requirement in requirements if requirement is not None]


def _requirements_txt(path: Path, where: str, seen: frozenset[Path]) -> list[Requirement]:
    text = _read(path)
    if text is None or path in seen:
        return []
    found: list[Requirement] = []
    for line in text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
        words = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        include = _INCLUDE.match(words)
        if include is not None:
            included = path.parent / include[1]
            found += _requirements_txt(included, f"{where} ({include[1]})", seen | {path})
            continue
        found += _present([read_requirement(re.sub(r"\s--hash.*", "", words), where)])
    return found


def _toml(path: Path) -> Mapping[str, object]:
    try:
        return load_toml(path) if path.is_file() else {}
    except (TomlError, OSError):
        return {}


def _pyproject(path: Path) -> list[Requirement]:
    document = _toml(path)
    lines = list(_strings(_at(document, "project", "dependencies")))
    lines += _strings(_at(document, "project", "optional-dependencies"))
    lines += _strings(_at(document, "dependency-groups"))
    lines += _strings(_at(document, "tool", "uv", "dev-dependencies"))
    lines += _strings(_at(document, "tool", "pdm", "dev-dependencies"))
    found = _present(read_requirement(line, path.name) for line in lines)
    poetry = _at(document, "tool", "poetry")
    groups = _at(document, "tool", "poetry", "group")
    tables = [_at(poetry, "dependencies"), _at(poetry, "dev-dependencies")]
    tables += [_at(group, "dependencies") for group in groups.values()] if isinstance(groups, Mapping) else []
    for table in tables:
        found += _package_table(table, path.name)
    return found


def _at(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _package_table(table: object, where: str) -> list[Requirement]:
    """Poetry's and Pipenv's tables: name = "version" or name = {version = "..."}, or a list of those."""
    found: list[Requirement] = []
    for name, value in table.items() if isinstance(table, Mapping) else ():
        for one in value if isinstance(value, list) else [value]:
            version = one.get("version", "*") if isinstance(one, Mapping) else one
            if isinstance(version, str):
                found += _present([read_requirement(f"{name}{_poetry_specifier(version)}", where)])
    return found


def _poetry_specifier(version: str) -> str:
    """`^2.9`, `~2.9`, `2.9.1`, `*` and the usual operators."""
    return ",".join(filter(None, (_poetry_clause(clause.strip()) for clause in version.split("||")[-1].split(","))))


def _poetry_clause(clause: str) -> str:
    numbers = [int(number) for number in re.findall(r"\d+", clause)[:3]]
    if clause in ("", "*") or not numbers:
        return ""
    if clause[0] in "^~" and not clause.startswith("~="):
        kept = 1 if clause[0] == "^" and numbers[0] else min(2, len(numbers))
        upper = ".".join(str(number) for number in [*numbers[: kept - 1], numbers[kept - 1] + 1])
        return f">={'.'.join(map(str, numbers))},<{upper}"
    return clause if clause[0] in "=<>!~" else f"=={clause}"


def _pipfile(path: Path) -> list[Requirement]:
    document = _toml(path)
    return [r for key in ("packages", "dev-packages") for r in _package_table(document.get(key), path.name)]


def _setup_cfg(path: Path) -> list[Requirement]:
    text = _read(path)
    if text is None or not re.search("tensorflow|keras", text, re.IGNORECASE):
        return []
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return []
    values = [parser.get("options", key, fallback="") for key in ("install_requires", "tests_require")]
    if parser.has_section("options.extras_require"):
        values += [value for _, value in parser.items("options.extras_require")]
    return _present(read_requirement(line, path.name) for value in values for line in value.splitlines())


def _setup_py(path: Path) -> list[Requirement]:
    """The literals of setup.py: whatever stands under a name like `install_requires`, elsewhere only bounded ones."""
    text = _read(path)
    if text is None or not re.search("tensorflow|keras", text, re.IGNORECASE):
        return []
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    plain = {id(node) for holder in _requirement_values(tree) for node in ast.walk(holder)}
    found: list[Requirement] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            requirement = read_requirement(node.value, path.name)
            if requirement is not None and (requirement.specifier or id(node) in plain):
                found.append(requirement)
    return found


def _requirement_values(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and _SETUP_KEYS.search(node.arg or ""):
            yield node.value
        elif isinstance(node, ast.Assign):
            name = node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""
            if _SETUP_KEYS.search(name):
                yield node.value


def _conda(path: Path) -> list[Requirement]:
    text = _read(path)
    found: list[Requirement] = []
    for line in (text or "").splitlines():
        match = _CONDA.match(line)
        if match is not None:
            specifier = _conda_specifier((match["spec"] or "").strip())
            found += _present([read_requirement(match["name"] + specifier, path.name)])
    return found


def _conda_specifier(spec: str) -> str:
    """`=1.15=py37_0` is 1.15.*, `1.15.0` is itself; pip's operators stay."""
    single = re.match(r"=?\s*(\d[\w.]*?)(?:\.?\*)?(?:[=\s].*)?$", spec)
    if single is None:
        return re.sub(r"\s", "", spec.split("|")[0])
    return f"=={single[1]}.*"
