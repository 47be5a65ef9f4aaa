"""Which versions a project is for, from its own requirements in every usual file."""

from pathlib import Path

import pytest

from tfguard.errors import ConfigError
from tfguard.requirements import find_requirements
from tfguard.targets import (
    KERAS_VERSIONS,
    TENSORFLOW_VERSIONS,
    Target,
    choose_target,
    keras_of,
    newest_allowed,
    parse_version,
    read_requirement,
)


@pytest.mark.parametrize(
    ("specifier", "expected"),
    [
        ("", (2, 21)),
        (">=1.4", (2, 21)),
        ("<2", (1, 15)),
        ("<2.0.0a0", (1, 15)),
        ("==1.4.0", (1, 4)),
        ("==2.9.*", (2, 9)),
        ("==2.9", (2, 9)),
        ("==2.*", (2, 21)),
        ("~=2.9", (2, 21)),
        ("~=2.9.1", (2, 9)),
        (">=2.4,<2.11,!=2.10.*", (2, 9)),
        ("<=2.9", (2, 9)),
        (">1.14,<2", (1, 15)),
        (">2.9.1,<2.9.3", (2, 9)),
        ("===2.3.1", (2, 3)),
        ("==2.0.0rc1", (2, 0)),
        (">=0.12.1,<1", (0, 12)),
        (">=3", None),
        ("==1.99", None),
    ],
)
def test_newest_version_that_a_requirement_allows(specifier: str, expected: tuple[int, int] | None) -> None:
    assert newest_allowed(specifier, TENSORFLOW_VERSIONS) == expected


@pytest.mark.parametrize(
    ("line", "name", "specifier"),
    [
        ("tensorflow==1.15.5", "tensorflow", "==1.15.5"),
        ("tensorflow_gpu >= 1.4 , < 2", "tensorflow-gpu", ">=1.4,<2"),
        ("TensorFlow[and-cuda]~=2.15; python_version > '3.8'", "tensorflow", "~=2.15"),
        ("tf-nightly-gpu", "tf-nightly-gpu", ""),
        ("tensorflow.macos (==2.9)", "tensorflow-macos", "==2.9"),
        ("intel-tensorflow==2.11.0", "intel-tensorflow", "==2.11.0"),
        ("keras==2.3.1", "keras", "==2.3.1"),
        ("https://x/tensorflow-0.12.1-cp27-none-linux_x86_64.whl", "tensorflow", "==0.12.1"),
        ("tensorflow @ https://x/tensorflow_gpu-1.0.1-cp35-cp35m-linux_x86_64.whl", "tensorflow-gpu", "==1.0.1"),
    ],
)
def test_requirement_lines(line: str, name: str, specifier: str) -> None:
    found = read_requirement(line, "requirements.txt")
    assert found is not None
    assert (found.name, found.specifier) == (name, specifier)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "numpy",
        "tensorflow-datasets==4",
        "tensorflow_hub",
        "tf_keras==2.15",
        "keras-tuner",
        "-e .",
        "tensorflow is great",
    ],
)
def test_other_lines_say_nothing(line: str) -> None:
    assert read_requirement(line, "requirements.txt") is None


def test_the_keras_of_each_tensorflow() -> None:
    assert [keras_of(v) for v in ((0, 12), (1, 2), (1, 10), (1, 15), (2, 3), (2, 5), (2, 15), (2, 16), (2, 21))] == [
        *((1, 0), (2, 0), (2, 1), (2, 3), (2, 4), (2, 5), (2, 15), (3, 15), (3, 15)),
    ]
    assert all(keras_of(version) in KERAS_VERSIONS for version in TENSORFLOW_VERSIONS)


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def target_of(folder: Path) -> Target:
    return choose_target(find_requirements(folder))


PYPROJECT = '[project]\nname = "x"\ndependencies = ["numpy", "tensorflow>=2.4,<2.12"]\n'
GROUPS = """\
[dependency-groups]
dev = ["tensorflow==2.8.*", {include-group = "x"}]
[project.optional-dependencies]
k = ["keras==2.8"]
"""
POETRY = '[tool.poetry.dependencies]\npython = "^3.8"\ntensorflow = {version = "^2.9.1", optional = true}\n'
POETRY_GROUP = '[tool.poetry.group.ml.dependencies]\ntensorflow = [{version = "~2.9"}, {version = "1.15.5"}]\n'
SETUP_CFG = (
    "[options]\ninstall_requires =\n    numpy\n    tensorflow<2\n[options.extras_require]\nx =\n    keras==2.2.4\n"
)
SETUP_PY = """\
from setuptools import setup
REQUIRES = ['numpy', 'tensorflow' '>=1.4,<1.13']
setup(name='tensorflow', install_requires=REQUIRES)
"""
CONDA = """\
name: x
dependencies:
  - python=3.6
  - conda-forge::tensorflow-gpu=1.14.0=py36_0  # pinned
  - pip:
    - keras==2.2.4
"""
PIPFILE = '[packages]\ntensorflow = "==2.3.*"\nnumpy = "*"\n[dev-packages]\nkeras = {version = "*"}\n'


@pytest.mark.parametrize(
    ("name", "text", "tensorflow", "keras"),
    [
        ("pyproject.toml", PYPROJECT, (2, 11), (2, 11)),
        ("pyproject.toml", GROUPS, (2, 8), (2, 8)),
        ("pyproject.toml", POETRY, (2, 21), (3, 15)),
        ("pyproject.toml", POETRY_GROUP, (2, 9), (2, 9)),
        ("setup.cfg", SETUP_CFG, (1, 15), (2, 2)),
        ("setup.py", SETUP_PY, (1, 12), (2, 1)),
        ("setup.py", "print 'tensorflow==1.2'\n", (2, 21), (3, 15)),
        ("requirements.txt", "# x\nnumpy\ntensorflow-gpu==1.4.0  # old\n", (1, 4), (2, 1)),
        ("requirements.txt", "\ufefftensorflow==2.2 \\\n  --hash=sha256:00\n", (2, 2), (2, 3)),
        ("requirements-gpu.txt", "tensorflow_gpu~=2.9.0\n", (2, 9), (2, 9)),
        (
            "requirements.txt",
            "tensorflow==1.15; python_version<'3.8'\ntensorflow==2.8; python_version>='3.8'\n",
            (2, 8),
            (2, 8),
        ),
        ("requirements.txt", "tensorflow==0.8\n", (0, 12), (1, 0)),
        ("requirements.txt", "tensorflow==2.99\n", (2, 21), (3, 15)),
        ("environment.yml", CONDA, (1, 14), (2, 2)),
        ("environment.yml", "dependencies:\n- tensorflow>=2.0\n- tensorflow 1.3\n", (2, 21), (3, 15)),
        ("Pipfile", PIPFILE, (2, 3), (2, 4)),
        ("Pipfile", "not [ toml", (2, 21), (3, 15)),
        ("setup.cfg", "[broken\ntensorflow==1.4", (2, 21), (3, 15)),
    ],
)
def test_every_usual_file(
    tmp_path: Path, name: str, text: str, tensorflow: tuple[int, int], keras: tuple[int, int]
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    target = target_of(tmp_path)
    assert (target.tensorflow, target.keras) == (tensorflow, keras)


def test_the_origin_is_told(tmp_path: Path) -> None:
    assert target_of(tmp_path).tensorflow_origin == "no requirement found, the newest known version is assumed"
    write(tmp_path, requirements__txt="tensorflow>=1.0.0\nkeras==2.3.1\n")
    target = target_of(tmp_path)
    assert target.tensorflow_origin == "tensorflow>=1.0.0 in requirements.txt"
    assert target.keras_origin == "keras==2.3.1 in requirements.txt"
    assert str(target) == "TensorFlow 2.21, Keras 2.3 (tensorflow>=1.0.0 in requirements.txt)"
    write(tmp_path, requirements__txt="tensorflow\n")
    assert target_of(tmp_path).tensorflow_origin == "tensorflow in requirements.txt, the newest known"
    write(tmp_path, requirements__txt="tensorflow==2.99\n")
    assert target_of(tmp_path).tensorflow_origin == "tensorflow==2.99 in requirements.txt, the nearest known"


def test_a_bound_in_a_later_file_beats_a_bare_name(tmp_path: Path) -> None:
    write(
        tmp_path, pyproject__toml='[project]\ndependencies = ["tensorflow"]\n', requirements__txt="tensorflow==2.5.0\n"
    )
    assert target_of(tmp_path).tensorflow == (2, 5)


def test_included_files_and_loops(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    write(tmp_path, requirements__txt="-r requirements/base.txt\n--requirement=missing.txt\n")
    (tmp_path / "requirements" / "base.txt").write_text("tensorflow==2.6.0\n-r ../requirements.txt\n")
    target = target_of(tmp_path)
    assert target.tensorflow == (2, 6)
    assert target.tensorflow_origin == "tensorflow==2.6.0 in requirements.txt (requirements/base.txt)"


def test_utf16_of_powershell_and_oversized_files(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes("tensorflow==2.7.0\n".encode("utf-16"))
    assert target_of(tmp_path).tensorflow == (2, 7)
    (tmp_path / "requirements.txt").write_bytes(b"#" * 1_000_001 + b"\ntensorflow==1.4\n")
    assert target_of(tmp_path).tensorflow == (2, 21)


def test_cpu_when_only_cpu_builds_are_required(tmp_path: Path) -> None:
    assert target_of(tmp_path).device == "auto"
    assert target_of(write(tmp_path, requirements__txt="tensorflow-cpu==2.9\n")).device == "cpu"
    assert target_of(write(tmp_path, setup__cfg="[options]\ninstall_requires = tensorflow\n")).device == "auto"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2.21", (2, 21)),
        ("1.15.5", (1, 15)),
        ("2", (2, 21)),
        ("1", (1, 15)),
        ("tensorflow==2.9.*", (2, 9)),
        ("<2", (1, 15)),
        ("v2.9", (2, 9)),
    ],
)
def test_a_target_given_on_purpose(text: str, expected: tuple[int, int]) -> None:
    assert parse_version(text, "tensorflow", "--target") == expected


@pytest.mark.parametrize("text", ["", "2.22", "banana", "9", "keras==2.3", "tensorflow", "numpy==1"])
def test_a_wrong_target_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError, match="--target"):
        parse_version(text, "tensorflow", "--target")
