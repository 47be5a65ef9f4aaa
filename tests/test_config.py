"""The settings: where they are found, what is checked, what wins."""

import os
from pathlib import Path

import pytest

from tfguard.config import Config, load_config
from tfguard.errors import ConfigError
from tfguard.targets import Target


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))


def load(folder: Path, text: str | None = None, **overrides: object) -> Config:
    if text is not None:
        (folder / "tfguard.toml").write_text(text)
    return load_config(folder, overrides)


ALL = """
target = "2.9"
seed = 7
gpu-memory = 0.5
threads = 2
select = ["TFG1", "TFG4", "unseeded-shuffle"]
ignore = ["TFG102"]
extend-select = ["TFG903"]
exclude = ["data/", "*_old.py"]
force-exclude = true
preamble = "shim"
baseline = "base.json"
unsafe-fixes = true
jobs = 3
cache = false
cache-dir = "c"
device = "gpu"
[per-file-ignores]
"tests/*" = ["TFG1"]
[severity]
TFG104 = "error"
"""


def test_every_key(tmp_path: Path) -> None:
    config = load(tmp_path, ALL)
    assert config == Config(
        root=tmp_path.as_posix(),
        target=Target((2, 9), (2, 9), "tfguard.toml", "the Keras of TensorFlow 2.9", "gpu"),
        seed=7,
        gpu_memory=0.5,
        threads=2,
        select=("TFG1", "TFG4", "unseeded-shuffle"),
        ignore=("TFG102",),
        extend_select=("TFG903",),
        per_file_ignores=(("tests/*", ("TFG1",)),),
        severity=(("TFG104", "error"),),
        exclude=("data/", "*_old.py"),
        force_exclude=True,
        preamble="shim",
        baseline="base.json",
        unsafe_fixes=True,
        jobs=3,
        cache=False,
        cache_dir="c",
        origins=config.origins,
    )
    assert {origin for _, origin in config.origins} == {"tfguard.toml"}
    assert hash(config)


def test_defaults_and_origins(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert (config.seed, config.gpu_memory, config.preamble, config.cache, config.jobs) == (
        42,
        "growth",
        "inline",
        True,
        0,
    )
    assert config.root == tmp_path.as_posix()
    assert config.origin("seed") == "default"
    assert config.origin("target") == "no requirement found, the newest known version is assumed"


def test_options_beat_the_file(tmp_path: Path) -> None:
    config = load(
        tmp_path, 'seed = 7\nselect = ["TFG1"]\n', seed=8, select=("TFG2,TFG3", "TFG4"), gpu_memory=None, ignore=()
    )
    assert (config.seed, config.select) == (8, ("TFG2", "TFG3", "TFG4"))
    assert (config.origin("seed"), config.origin("select"), config.origin("ignore")) == (
        "--seed",
        "--select",
        "default",
    )


def test_paths_of_options_are_relative_to_the_working_directory(tmp_path: Path) -> None:
    config = load(tmp_path, 'cache-dir = "c"', baseline="b.json")
    assert (config.baseline, config.cache_dir) == (os.path.join(os.getcwd(), "b.json"), "c")


def test_the_nearest_file_upwards(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.tfguard]\nseed = 1\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'no section here'\n")
    config = load_config(inner / "train.py", {})
    assert (config.seed, config.root, config.origin("seed")) == (1, tmp_path.as_posix(), "pyproject.toml")
    (inner / "tfguard.toml").write_text("seed = 2\n")
    assert load_config(inner, {}).seed == 2


def test_a_named_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("seed = 3\n")
    (tmp_path / "tfguard.toml").write_text("seed = 4\n")
    (tmp_path / "other.toml").write_text("[tool.tfguard]\nseed = 5\n")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    seeds = [
        load_config(tmp_path, {}, file=tmp_path / name).seed for name in ("mine.toml", "other.toml", "pyproject.toml")
    ]
    assert seeds == [3, 5, 42]


def test_a_named_file_elsewhere_does_not_move_the_root(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "setup.py").touch()
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "mine.toml").write_text("seed = 3\n")
    config = load_config(tmp_path / "project", {}, file=tmp_path / "shared" / "mine.toml")
    assert (config.seed, config.root) == (3, (tmp_path / "project").as_posix())


def test_the_root_without_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project" / "src").mkdir(parents=True)
    (tmp_path / "project" / "setup.py").touch()
    assert load_config(tmp_path / "project" / "src", {}).root == (tmp_path / "project").as_posix()
    monkeypatch.chdir(tmp_path / "project" / "src")
    assert load_config(Path("."), {}).root == (tmp_path / "project").as_posix()
    monkeypatch.chdir(tmp_path)
    assert load_config(Path("project/src"), {}).root == tmp_path.as_posix()
    assert load_config(Path("nowhere/file.py"), {}).root == tmp_path.as_posix()


def test_requirements_between_the_files_and_the_root(tmp_path: Path) -> None:
    inner = tmp_path / "examples" / "old"
    inner.mkdir(parents=True)
    (tmp_path / "tfguard.toml").touch()
    (tmp_path / "requirements.txt").write_text("tensorflow==2.9\n")
    assert load_config(inner, {}).target.tensorflow == (2, 9)
    (inner / "requirements.txt").write_text("tensorflow==1.4\nkeras==2.0.8\n")
    config = load_config(inner, {})
    assert (config.target.tensorflow, config.target.keras) == ((1, 4), (2, 0))
    assert config.origin("target") == "tensorflow==1.4 in requirements.txt"
    (inner / "requirements.txt").write_text("keras==2.0.8\n")
    config = load_config(inner, {})
    assert (config.target.tensorflow, config.target.keras) == ((2, 9), (2, 9))


def test_targets_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("tensorflow-cpu==2.9\n")
    assert load(tmp_path, 'target = "auto"').target.tensorflow == (2, 9)
    assert load(tmp_path, 'target = "auto"').target.device == "cpu"
    table = load(tmp_path, 'target = {tensorflow = "1.15", keras = "2.3"}').target
    assert (table.tensorflow, table.keras, table.keras_origin) == ((1, 15), (2, 3), "tfguard.toml")
    only_keras = load(tmp_path, None, target="keras==2.3.1").target
    assert (only_keras.tensorflow, only_keras.keras, only_keras.keras_origin) == ((2, 9), (2, 3), "--target")
    assert load(tmp_path, "", device="cpu", target="2.21").target.device == "cpu"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sed = 1", "did you mean seed"),
        ("selects = []", "did you mean select"),
        ("xyzzy = 1", "the keys are baseline, cache"),
        ("seed = true", "seed must be a whole number from 0 to 4294967295, not True"),
        ("seed = -1", "whole number"),
        ("seed = 4294967296", "whole number"),
        ('gpu-memory = "much"', "growth"),
        ("gpu-memory = 1.5", "fraction"),
        ("gpu-memory = 0", "megabytes"),
        ("gpu-memory = true", "megabytes"),
        ("threads = 0", "such as 1"),
        ("threads = true", "such as 1"),
        ('threads = "4"', "such as 1"),
        ('select = "TFG101"', "list of strings"),
        ("select = [1]", "list of strings"),
        ('select = ["TFG 1"]', "beginning of one"),
        ("per-file-ignores = []", "a table"),
        ('per-file-ignores = {"x" = ["?"]}', "per-file-ignores.x"),
        ("severity = 1", "a table"),
        ('severity = {TFG101 = "bad"}', '"error" or "warning" or "hint"'),
        ('preamble = "both"', '"inline" or "shim"'),
        ('baseline = ""', "a path"),
        ("unsafe-fixes = 1", "true or false"),
        ("jobs = -1", "worker processes"),
        ("cache-dir = 1", "a path"),
        ('target = "1.99"', "not a version that tfguard knows .it knows 0.12 to 2.21"),
        ("target = 2.9", "a version such as"),
        ('target = {torch = "2"}', "the keys tensorflow and keras, not torch"),
        ('device = "tpu"', '"auto" or "cpu" or "gpu"'),
        ("seed = ", "not valid TOML.*line 1"),
        ("\nx = [\n", "not valid TOML.*"),
    ],
)
def test_wrong_settings_name_the_file_and_the_remedy(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, text)
    assert "tfguard.toml" in str(caught.value)


def test_wrong_options_name_the_option(tmp_path: Path) -> None:
    for key, value in {"seed": -1, "target": "x", "select": ("?",), "gpu_memory": "x", "jobs": -1}.items():
        with pytest.raises(ConfigError, match=f"--{key.replace('_', '-')}"):
            load(tmp_path, None, **{key: value})
    with pytest.raises(ConfigError, match="did you mean seed"):
        load(tmp_path, None, seeds=1)


def test_files_that_are_no_settings(tmp_path: Path) -> None:
    (tmp_path / "tfguard.toml").write_bytes(b"\n\xff\n")
    with pytest.raises(ConfigError, match=r"not UTF-8 \(at line 2"):
        load(tmp_path)
    (tmp_path / "tfguard.toml").unlink()
    (tmp_path / "pyproject.toml").write_text("[tool]\ntfguard = 3\n")
    with pytest.raises(ConfigError, match=r"tool\.tfguard is not a table"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path, {}, file=tmp_path / "missing.toml")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_settings_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "tfguard.toml").touch(mode=0)
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_gpu_memory_of_the_command_line(tmp_path: Path) -> None:
    assert [load(tmp_path, None, gpu_memory=text).gpu_memory for text in ("growth", "0.25", "4096")] == [
        "growth",
        0.25,
        4096,
    ]


def test_fingerprint_covers_what_changes_results(tmp_path: Path) -> None:
    base = load(tmp_path).fingerprint()
    for same in ({"jobs": 2}, {"cache_dir": "x"}, {"baseline": "b.json"}, {"exclude": ("x",)}, {"unsafe_fixes": True}):
        assert load(tmp_path, None, **same).fingerprint() == base
    others = [
        {"seed": 1},
        {"target": "2.9"},
        {"select": "TFG1"},
        {"ignore": "TFG1"},
        {"device": "cpu"},
        {"gpu_memory": "1"},
    ]
    assert len({base, *(load(tmp_path, None, **other).fingerprint() for other in others)}) == len(others) + 1
