"""The cache: same bytes with it and without it, harmless when it is broken, bounded, and shared by runs at once."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from running import write_files
from tfguard import cache as cache_module
from tfguard import engine, run_cache
from tfguard.cache import Cache, clean, digest, find_directory, key_of, open_cache, package_fingerprint
from tfguard.config import Config, load_config
from tfguard.model import RunReport

PROGRAM = """\
import tensorflow as tf
from models import network

x = tf.placeholder(tf.float32, [None, 3])
with tf.Session() as sess:
    print(sess.run(network(x)))  # tfguard: ignore[TFG102] -- nothing here
"""
MODEL = "import tensorflow as tf\n\n\ndef network(x):\n    return tf.random_normal([3]) * x\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_files(tmp_path, {"tfguard.toml": "", "train.py": PROGRAM, "models.py": MODEL, "plain.py": "x = 1\n"})
    return tmp_path


def check(project: Path, *names: str, **options: object) -> RunReport:
    config = load_config(project, {"jobs": 1, **options})
    return engine.check([str(project / name) for name in names] or [str(project)], config)


def entries(project: Path) -> list[Path]:
    return sorted((project / ".tfguard_cache").rglob("*.json"))


@pytest.fixture
def no_analysis(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on a test fails when anything is analysed."""

    def forbid() -> None:
        monkeypatch.setattr(engine, "_analyse", lambda *_: pytest.fail("analysed although all is cached"))

    return forbid


def test_a_second_run_analyses_nothing_and_says_the_same(project: Path, no_analysis: Callable[[], None]) -> None:
    uncached = check(project, cache=False)
    assert not (project / ".tfguard_cache").exists()
    first = check(project)
    no_analysis()
    assert check(project) == first == uncached
    assert first.findings


def test_single_files_are_cached_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(project)
    (project / "models.py").write_text(MODEL + "# changed\n")
    analysed: list[str] = []
    from tfguard import pipeline

    real = pipeline.analyse_files

    def watch(config: Config, extra: tuple[str, ...], tasks: list[tuple[str, bytes, bool]], count: object) -> object:
        analysed.extend(task[0] for task in tasks)
        return real(config, extra, tasks, count)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "analyse_files", watch)
    assert check(project) == check(project, cache=False)
    assert analysed[:1] == ["models.py"]
    assert sorted(analysed[1:]) == ["models.py", "plain.py", "train.py"]


@pytest.mark.parametrize("change", ["content", "setting", "select", "new module", "package", "context"])
def test_whatever_matters_is_part_of_the_key(project: Path, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = check(project, "train.py")
    assert [f.path for f in before.files if f.findings] == ["train.py"]
    options: dict[str, object] = {}
    if change == "content":
        (project / "train.py").write_text(PROGRAM.replace("tf.Session", "tf.Sesion"))
    elif change == "setting":
        options["target"] = "1.15"
    elif change == "select":
        options["select"] = ("TFG201",)
    elif change == "context":
        (project / "models.py").write_text("def network(x):\n    return x\n")
    elif change == "new module":
        write_files(project, {"models/__init__.py": "def network(x):\n    return x\n"})
    else:
        monkeypatch.setattr(cache_module, "__version__", "0.0.0.other")
    asked: list[object] = []
    real = engine._analyse
    monkeypatch.setattr(engine, "_analyse", lambda *args: asked.append(args) or real(*args))
    after = check(project, "train.py", **options)
    assert asked
    assert after == check(project, "train.py", cache=False, **options)
    assert (after.findings == before.findings) is (change == "package")


_RUN = {"files": [], "suppressed": 0, "problems": [], "context": [], "answers": []}
_FILE = {"path": "train.py", "findings": [], "summary": None, "suppressions": [], "problems": [], "names": [0, 0]}


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"TFG401", b"TFG999"),
        lambda data: b"\xff" * 100,
        lambda data: os.urandom(50) + b"\n" + data,
        lambda data: signed(b"[]"),
        lambda data: signed(b"{}"),
        lambda data: signed(b"null"),
        lambda data: signed(b'"x"'),
        lambda data: signed(b"[" * 100_000),
        lambda data: signed(data.split(b"\n", 1)[1].replace(b'"train.py"', b"7")),
        lambda data: signed(data.split(b"\n", 1)[1].replace(b'"error"', b'"fatal"')),
        lambda data: signed_value(_RUN, files=[["train.py", [[]], [], 0, 0, []]]),
        lambda data: signed_value(_RUN, suppressed="x"),
        lambda data: signed_value(_FILE, findings=5),
        lambda data: signed_value(_FILE, summary=[]),
    ],
)
def test_a_broken_cache_is_an_empty_one(project: Path, damage: Callable[[bytes], bytes]) -> None:
    wanted = check(project)
    for path in entries(project):
        path.write_bytes(damage(path.read_bytes()))
    assert check(project) == wanted
    assert check(project) == wanted


def signed(payload: bytes) -> bytes:
    return digest(payload).encode() + b"\n" + payload


def signed_value(value: dict[str, object], **changes: object) -> bytes:
    return signed(json.dumps({**value, **changes}).encode())


def test_problems_of_files_are_cached(project: Path, no_analysis: Callable[[], None]) -> None:
    write_files(project, {"bad.py": b"import tensorflow\xff\n", "deep/bad.py": b"import tensorflow\0"})
    first = check(project)
    assert len(first.all_problems) == 2
    no_analysis()
    assert check(project) == first


def test_a_context_that_is_gone_is_seen(project: Path) -> None:
    check(project, "train.py")
    (project / "models.py").unlink()
    assert check(project, "train.py") == check(project, "train.py", cache=False)


def test_it_is_marked_and_ignored_by_git(project: Path) -> None:
    check(project)
    folder = project / ".tfguard_cache"
    assert (folder / "CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55")
    assert "*" in (folder / ".gitignore").read_text().split()
    assert [path.suffix for path in entries(project)] == [".json"] * len(entries(project))


def test_cleaning_removes_only_the_cache(project: Path) -> None:
    config = load_config(project, {})
    assert clean(config) == 0
    check(project)
    size = sum(path.stat().st_size for path in (project / ".tfguard_cache").rglob("*") if path.is_file())
    (project / ".tfguard_cache" / "mine.txt").write_text("keep")
    assert clean(config) == size
    assert [path.name for path in (project / ".tfguard_cache").iterdir()] == ["mine.txt"]
    (project / ".tfguard_cache" / "mine.txt").unlink()
    check(project)
    clean(config)
    assert not (project / ".tfguard_cache").exists()


def test_cleaning_a_folder_that_is_no_cache_does_nothing(project: Path) -> None:
    write_files(project, {"ab/" + "0" * 30 + ".json": "mine", "CACHEDIR.TAG": "Signature: of something else\n"})
    assert clean(load_config(project, {"cache_dir": str(project)})) == 0
    assert (project / "ab").exists()


def test_where_the_cache_is(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(project, {})
    assert find_directory(config) == project / ".tfguard_cache"
    assert find_directory(load_config(project, {"cache_dir": "x/y"})) == Path("x/y").absolute()
    assert find_directory(load_config(project, {"cache_dir": "/abs"})) == Path("/abs")
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert str(find_directory(config)).startswith(str(tmp_path / "user" / "tfguard"))
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "Library/Caches/tfguard" in str(find_directory(config))
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert str(find_directory(config)).startswith(str(tmp_path / "local"))


def test_a_link_in_place_of_the_cache_is_not_followed(project: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (project / ".tfguard_cache").symlink_to(tmp_path / "elsewhere")
    check(project)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_no_problem(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "file").write_text("")
    report = check(project, cache_dir=str(project / "file" / "cache"))
    assert report.all_problems == ()
    assert report.findings == check(project, cache=False).findings


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    cache.put(key_of("a"), 1)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        cache.put(key_of("b"), 1)
    assert not list(tmp_path.rglob("*.tmp"))


def test_the_size_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "_MOST_ENTRIES", 20)
    cache = Cache(tmp_path)
    for number in range(50):
        cache.put(key_of(number), "x" * 100)
        path = Path(cache._path(key_of(number)))
        os.utime(path, (number, number))
    cache.thin_out()
    left = [number for number in range(50) if cache.get(key_of(number)) is not None]
    assert left == list(range(35, 50))
    monkeypatch.setattr(cache_module, "_LARGEST_CACHE", 1000)
    cache.thin_out()
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.json")) <= 750
    Cache(tmp_path).thin_out()  # a run that wrote nothing looks at nothing
    Cache(None).thin_out()


def test_entries_that_are_too_large_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "_LARGEST_ENTRY", 100)
    cache = Cache(tmp_path)
    cache.put(key_of(1), "x" * 1000)
    assert cache.get(key_of(1)) is None


def test_keys_tell_their_parts_apart() -> None:
    assert key_of("ab", "c") != key_of("a", "bc")
    assert key_of("\udc80") != key_of("?")


@pytest.mark.parametrize("of_a_rule", [True, False])
@pytest.mark.parametrize(("error", "is_kept"), [(ValueError, True), (RecursionError, True), (MemoryError, False)])
def test_errors_are_cached_when_they_would_come_again(
    project: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception], is_kept: bool, of_a_rule: bool
) -> None:
    from tfguard import pipeline, worker

    def fail(*_: object) -> object:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "run_project_rules", fail) if of_a_rule else patch.setattr(
            worker, "run_file_rules", fail
        )
        broken = check(project)
        assert broken.all_problems
    report = check(project)
    assert report == (broken if is_kept else check(project, cache=False))
    assert bool(report.all_problems) is is_kept


def test_the_fingerprint_sees_a_changed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = package_fingerprint()
    assert before == package_fingerprint()
    write_files(tmp_path, {"pkg/cache.py": "", "pkg/sub/rule.py": "", "pkg/__pycache__/x.pyc": ""})
    monkeypatch.setattr(cache_module, "__file__", str(tmp_path / "pkg" / "cache.py"))
    first = package_fingerprint()
    (tmp_path / "pkg" / "__pycache__" / "y.pyc").touch()
    assert package_fingerprint() == first
    (tmp_path / "pkg" / "sub" / "rule.py").write_text("x")
    assert package_fingerprint() != first


_CHECK = """\
from pathlib import Path
from tfguard.config import load_config
from tfguard.engine import check
report = check(["."], load_config(Path("."), {"jobs": 1}))
"""


def test_runs_at_the_same_time_share_it(project: Path) -> None:
    for number in range(30):
        write_files(project, {f"m{number}.py": f"import tensorflow as tf\ntf.nothing_{number}()\n"})
    script = f"{_CHECK}\nprint(len(report.findings), len(report.all_problems))"
    runs = [
        subprocess.Popen([sys.executable, "-c", script], cwd=project, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    results = {run.communicate()[0] for run in runs}
    wanted = check(project, cache=False)
    assert results == {f"{len(wanted.findings)} 0\n"}
    for path in entries(project):
        checksum, payload = path.read_bytes().split(b"\n", 1)
        assert digest(payload).encode() == checksum
        json.loads(payload)
    assert not list(project.rglob("*.tmp"))


def test_a_cached_run_imports_neither_rules_nor_parsers(project: Path) -> None:
    check(project)
    heavy = ["libcst", "rich", "tfguard.catalogue", "tfguard.rule", "tfguard.pipeline", "tfguard.analysis"]
    heavy += ["concurrent.futures", "pathspec", "tempfile"]
    script = f"{_CHECK}\nimport sys\nprint([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], cwd=project, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_the_baseline_is_applied_after_the_cache(project: Path, no_analysis: Callable[[], None]) -> None:
    from tfguard.baseline import render_baseline

    first = check(project)
    (project / "base.json").write_text(render_baseline(first))
    no_analysis()
    report = check(project, baseline=str(project / "base.json"))
    assert report.findings == ()
    assert report.baselined == len(first.findings)
    assert replace(report, files=first.files, baselined=0) == first


def test_no_cache_keeps_nothing(tmp_path: Path) -> None:
    cache = open_cache(load_config(tmp_path, {"cache": False}))
    cache.put(key_of(1), 1)
    assert cache.get(key_of(1)) is None


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the times of files that were written a moment ago."""
    monkeypatch.setattr(run_cache, "_SETTLED", -(10**15))


@pytest.fixture
def no_reading(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on a test fails when a file is read."""
    return lambda: monkeypatch.setattr(engine, "load_files", lambda *_: pytest.fail("a file was read"))


@pytest.mark.usefixtures("settled")
def test_files_that_nobody_touched_are_not_even_read(project: Path, no_reading: Callable[[], None]) -> None:
    first = check(project)
    no_reading()
    assert check(project) == first


def test_files_that_were_written_a_moment_ago_are_read_again(project: Path, no_reading: Callable[[], None]) -> None:
    check(project)
    no_reading()
    with pytest.raises(pytest.fail.Exception, match="a file was read"):
        check(project)


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("how", ["content", "same size and times", "replaced", "removed", "added", "unreadable"])
def test_every_change_of_a_file_is_seen(project: Path, how: str) -> None:
    check(project)
    path = project / "train.py"
    before = path.stat()
    changed = PROGRAM.replace("tf.Session", "tf.Sesshun")
    if how == "content":
        path.write_text(changed + "# longer\n")
    elif how == "same size and times":
        path.write_text(changed)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif how == "replaced":
        (project / "new").write_text(changed)
        os.utime(project / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
        (project / "new").rename(path)
    elif how == "removed":
        path.unlink()
    elif how == "added":
        write_files(project, {"another.py": changed})
    else:
        path.unlink()
        path.symlink_to("nowhere.py")
    report = check(project)
    assert report == check(project, cache=False)
    assert ("Sesshun" in str(report)) is (how not in ("removed", "unreadable"))
    assert check(project) == report


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize(
    "value", [None, [], {}, {"run": 1}, {"run": "x", "stamps": []}, {"run": "0" * 32, "stamps": 5}]
)
def test_a_broken_index_is_an_empty_one(project: Path, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    first = check(project)
    real = Cache.get
    monkeypatch.setattr(
        Cache, "get", lambda self, key: real(self, key) if "stamps" not in str(real(self, key)) else value
    )
    assert check(project) == first
