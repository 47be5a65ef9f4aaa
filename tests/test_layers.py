"""The layers of the design, read from the imports: what is lower never imports what is higher."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAX_LINES = 400

#: The level of every module; a new one has to be given its place here. Families are named by their folder.
LEVELS = {
    0: ("model", "errors"),
    1: (
        *("source", "encoding", "magics", "notebook", "suppressions"),
        *("config", "settings", "requirements", "launchers", "console_scripts", "packages", "targets", "toml"),
    ),
    2: ("analysis",),
    3: (
        *("rule", "catalogue", "knowledge"),
        *("tables", "table_files", "table_index", "version_table", "renames", "suggest"),
        "rules",
    ),
    4: ("apply", "gate", "atomic"),
    5: (
        *("engine", "pipeline", "worker", "pool", "processes", "fixing", "verdicts", "baseline", "timing", "garbage"),
        *("migrating", "line_map", "python2"),
        *("discovery", "gitignore", "project_files", "imports", "reach"),
        *("cache", "file_cache", "run_cache", "serialise"),
    ),
    6: ("report",),
    7: ("cli", "__main__"),
}
LEVEL_OF = {name: level for level, names in LEVELS.items() for name in names}
#: They stand beside the levels: they run in the environments of the programs that tfguard looks at.
ASIDE = ("runtime", "compat")

#: Which packages from elsewhere a module may import; nobody imports any other.
THIRD_PARTY = {
    "analysis.parse": {"libcst"},
    "python2": {"fissix"},
    "toml": {"tomli"},
    "table_files": {"tomli"},
    "report": {"rich"},
    "cli": {"click", "rich"},
}
#: What rules may import: the framework, the analysis, values, tables and the versions that a project targets.
RULES_MAY = {"rule", "analysis", "model", "errors", "tables", "table_files", "targets", "rules"}
REPORTS_MAY = {"report", "model", "errors"}
#: Must not be loaded before a command runs.
HEAVY = {"libcst", "rich", "tfguard.engine", "tfguard.analysis", "tfguard.rules", "tfguard.report", "tfguard.rule"}


def module_name(path: Path) -> str:
    """The name below `tfguard` that a file is imported by."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[1:] if parts[0] == "tfguard" else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "tfguard"


@lru_cache(maxsize=1)
def trees() -> dict[str, ast.Module]:
    """The tree of every module."""
    files = [path for folder in ("tfguard", "rules") for path in sorted((ROOT / folder).rglob("*.py"))]
    return {module_name(path): ast.parse(path.read_text()) for path in files if "__pycache__" not in path.parts}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports_of(name: str, *, at_load: bool = False) -> list[str]:
    """What a module imports, types aside: `model` for a module of tfguard, `pip:x` for packages from elsewhere."""
    found: list[str] = []
    waiting: list[ast.AST] = [trees()[name]]
    while waiting:
        node = waiting.pop()
        if is_type_checking(node) or (at_load and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))):
            continue
        if isinstance(node, ast.Import):
            found += [known(alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            origin = node.module or ""
            submodules = [f"{origin}.{alias.name}" for alias in node.names]
            found += [known(m) for m in submodules if known(m) in trees()] or [known(origin)]
        waiting.extend(ast.iter_child_nodes(node))
    return sorted({target for target in found if target})


def known(module: str) -> str:
    root, _, rest = module.partition(".")
    if root == "tfguard":
        return rest or "tfguard"
    return "" if root in {*sys.stdlib_module_names, "tomllib"} else f"pip:{root}"


def family(name: str) -> str:
    return name.split(".", 1)[0]


MODULES = sorted(trees())
OWN = [name for name in MODULES if family(name) not in ASIDE and name != "tfguard"]


def test_every_module_has_a_level():
    missing = sorted({family(name) for name in OWN} - set(LEVEL_OF))
    assert missing == [], "give the new module its level in LEVELS"
    gone = sorted(set(LEVEL_OF) - {family(name) for name in OWN})
    assert gone == []


@pytest.mark.parametrize("name", OWN)
def test_lower_never_imports_higher(name):
    level = LEVEL_OF[family(name)]
    for target in imports_of(name):
        if not target.startswith("pip:") and target != "tfguard":
            assert family(target) not in ASIDE or level == 7, f"{name} imports {target}"
            assert LEVEL_OF.get(family(target), 0) <= level, f"{name} (level {level}) imports {target}"


@pytest.mark.parametrize("name", OWN)
def test_packages_from_elsewhere(name):
    allowed = THIRD_PARTY.get(name, set()) | THIRD_PARTY.get(family(name), set())
    used = {target.removeprefix("pip:") for target in imports_of(name) if target.startswith("pip:")}
    assert used <= allowed


@pytest.mark.parametrize("name", [name for name in OWN if family(name) == "rules"])
def test_rules_import_the_framework_only(name):
    for target in imports_of(name):
        assert family(target) in RULES_MAY, f"{name} imports {target}"
        if family(target) == "rules":
            assert not defines_rule(target), f"{name} imports the rule {target}"
            assert target.split(".")[:2] == name.split(".")[:2], f"{name} imports from another family: {target}"


def defines_rule(name: str) -> bool:
    body = trees()[name].body
    return any(isinstance(s, ast.Assign) and ast.unparse(s.targets[0]) == "rule" for s in body)


@pytest.mark.parametrize("name", [name for name in OWN if family(name) == "report"])
def test_reports_see_values_only(name):
    assert {family(target) for target in imports_of(name) if not target.startswith("pip:")} <= REPORTS_MAY


@pytest.mark.parametrize("name", [name for name in MODULES if family(name) in ASIDE])
def test_what_runs_beside_the_program_needs_nothing_else(name):
    for target in imports_of(name, at_load=True):
        assert not target.startswith("pip:"), f"{name} imports {target}"
        assert family(target) == family(name) or target == "tfguard", f"{name} imports {target}"


def test_no_cycles():
    """Imports at load time make a tree that can be read from the bottom."""
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name in done:
            return
        for target in imports_of(name, at_load=True):
            if target in trees() and target != name:
                visit(target, (*path, name))
        done.add(name)

    for name in MODULES:
        visit(name, ())


def test_the_command_line_loads_nothing_heavy():
    """`--help` and `--version` answer at once: engine, rules and libraries are imported by the commands."""
    probe = "import sys, tfguard.cli.main; print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    loaded = set(output.split())
    assert sorted(HEAVY & loaded) == []


@pytest.mark.parametrize(
    "path", [*ROOT.glob("tfguard/**/*.py"), *ROOT.glob("rules/**/*.py")], ids=lambda path: path.name
)
def test_no_long_files(path):
    """The documentation of a rule, which is the docstring of its file, is not counted."""
    text = path.read_text()
    first = ast.parse(text).body[:1]
    documentation = first[0].end_lineno or 0 if first and is_text(first[0]) else 0
    assert len(text.splitlines()) - documentation <= MAX_LINES


def test_one_place_catches_everything():
    """The boundary of a file in the worker; a handler that raises again is none."""
    found = []
    for name, tree in trees().items():
        if family(name) in ASIDE:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and catches_everything(node) and not raises_again(node):
                found.append(name)
    assert found == ["worker"]


def catches_everything(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or ast.unparse(handler.type) in ("Exception", "BaseException")


def raises_again(handler: ast.ExceptHandler) -> bool:
    return isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None


LIBRARIES = ("tensorflow.", "keras.", "tf_keras.", "numpy.", "tf.")


@pytest.mark.parametrize("name", [name for name in OWN if LEVEL_OF.get(family(name)) in (2, 4, 5, 6)])
def test_the_machine_knows_no_library(name):
    """All that is known of TensorFlow, Keras and NumPy stands in `rules/`."""
    tree = trees()[name]
    documentation = {id(node.value) for node in ast.walk(tree) if is_text(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            assert not node.value.startswith(LIBRARIES), f"{name}:{node.lineno}: {node.value!r}"


def is_text(statement: ast.AST) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def test_the_layers_test_sees_what_it_should():
    """Were the reading of imports broken, everything above would pass."""
    assert "pip:libcst" in imports_of("analysis.parse")
    assert "analysis.scopes" in imports_of("analysis.walk")
    assert "model" in imports_of("rule")
    assert "engine" in imports_of("cli.check") or "pip:click" in imports_of("cli.check")
    assert defines_rule("rules.source.undecided")
