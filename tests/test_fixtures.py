"""Every case under fixtures/: findings stand where `# expect:` says and nowhere else; fixes give the twin `.fixed.py`.

A case is a file `<case>.py` with its twin `<case>.fixed.py` beside it, or a folder `<case>/` of several files with its
twin `<case>.fixed/`. `pytest --update-goldens` rewrites the twins.
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from running import expected_in, found_in, run_check, run_fix, target_of
from tfguard.catalogue import load_catalogue

ROOT = Path(__file__).parent.parent / "fixtures"
RULES = {rule.name: rule for rule in load_catalogue().rules}
CASES = sorted(
    path
    for name in RULES
    for path in (ROOT / name).glob("*")
    if not path.stem.endswith(".fixed") and path.suffix in ("", ".py", ".ipynb") and not path.name.startswith("__")
)


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def case_files(case: Path) -> dict[str, Path]:
    """The files of a case by the path that they are checked under."""
    if case.is_file():
        return {case.name: case}
    files = (path for path in sorted(case.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(case).as_posix(): path for path in files}


def lay_out(case: Path, folder: Path) -> str | None:
    """Copy a case to a folder; the target that one of its files asks for."""
    target = None
    for name, path in case_files(case).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
        target = target or target_of(read(path))
    return target


def twin_of(case: Path) -> Path:
    return case.with_name(f"{case.name}.fixed") if case.is_dir() else case.with_name(f"{case.stem}.fixed{case.suffix}")


def identify(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_findings_stand_where_they_are_expected(case: Path, tmp_path: Path) -> None:
    target = lay_out(case, tmp_path)
    report = run_check(tmp_path, select=[RULES[case.parent.name].id], target=target)
    found = {path: sorted(set(rows)) for path, rows in found_in(report).items()}
    wanted = {name: sorted(set(expected_in(read(path)))) for name, path in case_files(case).items()}
    assert found == {name: rows for name, rows in wanted.items() if rows}, report.findings
    assert not [problem for problem in report.problems if "internal error" in problem.message]


@pytest.mark.parametrize("case", CASES, ids=identify)
def test_fix_gives_the_twin_and_then_nothing_more(case: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    target = lay_out(case, tmp_path)
    rule = RULES[case.parent.name].id
    run_fix(tmp_path, select=[rule], target=target)
    after = {name: (tmp_path / name).read_bytes() for name in case_files(case)}
    before = {name: path.read_bytes() for name, path in case_files(case).items()}
    twin = twin_of(case)
    if request.config.getoption("--update-goldens") and after != before:
        update(case, twin, after)
    wanted = before
    if twin.exists():
        wanted = {case.name if case.is_file() else name: p.read_bytes() for name, p in case_files(twin).items()}
    assert after == wanted
    for name, content in after.items():
        if name.endswith(".py") and after != before:
            ast.parse(content)
    assert not run_fix(tmp_path, select=[rule], target=target).changes


def update(case: Path, twin: Path, after: dict[str, bytes]) -> None:
    if case.is_file():
        twin.write_bytes(after[case.name])
        return
    for name, content in after.items():
        (twin / name).parent.mkdir(parents=True, exist_ok=True)
        (twin / name).write_bytes(content)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_at_least_two_cases_in_five_say_nothing(rule: str) -> None:
    cases = [case for case in CASES if case.parent.name == rule]
    if not cases:
        pytest.skip("a rule without a fixture folder is tested by its documentation and by the engine's own tests")
    silent = [case for case in cases if not any(expected_in(read(path)) for path in case_files(case).values())]
    assert len(silent) >= 0.4 * len(cases), f"{len(silent)} of {len(cases)}"
