"""Small makers for the tests of the semantic layer: models, programs and edited texts from snippets."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from tfguard.analysis.file_model import FileModel
from tfguard.analysis.project import ProjectFacts
from tfguard.analysis.summarise import summarise
from tfguard.analysis.summary import FileSummary
from tfguard.model import Edit
from tfguard.source import decode


class SmallKnowledge:
    """The few names that the snippets need, in place of the tables."""

    _classes = frozenset(
        {
            "keras.Model",
            "keras.Sequential",
            "keras.layers.Dense",
            "tensorflow.Graph",
            "tensorflow.Session",
            "tensorflow.compat.v1.Session",
            "tensorflow.keras.Model",
            "tensorflow.keras.Sequential",
            "numpy.random.RandomState",
        }
    )
    _returns: ClassVar = {
        **{
            f"tensorflow.data.Dataset.{method}": "tensorflow.data.Dataset"
            for method in ("range", "from_tensor_slices", "map", "shuffle", "batch", "repeat")
        },
        "keras.models.load_model": "keras.Model",
    }
    _holds: ClassVar = {"tensorflow.Session.graph": "tensorflow.Graph"}
    _foreign = frozenset({"tensorflow", "keras", "numpy", "absl", "click"})

    def is_class(self, name: str) -> bool:
        return name in self._classes

    def returns(self, name: str) -> str | None:
        return self._returns.get(name)

    def holds(self, name: str) -> str | None:
        return self._holds.get(name)

    def runs_main(self, name: str) -> bool:
        return name == "tensorflow.app.run"

    def makes_commands(self, name: str) -> bool:
        return name == "fire.Fire"

    def is_command(self, decorator: str) -> bool:
        return decorator == "command"

    def is_foreign(self, root: str) -> bool:
        return root in self._foreign


def make_model(text: str | bytes, path: str = "train.py") -> FileModel:
    raw = text if isinstance(text, bytes) else textwrap.dedent(text).encode()
    config: Any = SimpleNamespace(target=None)
    return FileModel(decode(path, raw), SmallKnowledge(), config)


@pytest.fixture
def model() -> Callable[..., FileModel]:
    """The model of a snippet."""
    return make_model


@pytest.fixture
def names() -> Callable[..., tuple[str, ...]]:
    """What the argument of the only call of `use(...)` names: `Type()` an instance, a trailing `?` uncertainty."""

    def resolve(text: str, path: str = "train.py") -> tuple[str, ...]:
        file = make_model(text, path)
        calls = [call for call in file.calls if call.written == "use"]
        assert len(calls) == 1, "the snippet must call use() once"
        resolution = calls[0].arguments[0].resolution
        found = [f"{ref.name}()" if ref.is_instance else ref.name for ref in resolution.refs]
        return (*found, *(["?"] if resolution.reason is not None else []))

    return resolve


@pytest.fixture
def value() -> Callable[[str], Any]:
    """The value of the argument of the only call of `use(...)` in a snippet."""

    def find(text: str) -> Any:
        file = make_model(text)
        (call,) = [call for call in file.calls if call.written == "use"]
        return call.arguments[0].value

    return find


def apply(file: FileModel, edits: Edit | Iterable[Edit] | None) -> str:
    """The text after the edits, which must be possible."""
    assert edits is not None, "the edit was refused"
    listed = [edits] if isinstance(edits, Edit) else list(edits)
    return file.source.with_edits(listed).text


@pytest.fixture
def edited() -> Callable[..., str]:
    """The text of a file after edits."""
    return apply


def draws(call: Any) -> Any:
    """The effect function of the snippets: every call below `numpy.random` or `tensorflow`."""
    return {"to": call.names[0]} if call.names and call.names[0].startswith(("numpy.random.", "tensorflow.")) else None


def make_summaries(files: Mapping[str, str]) -> list[FileSummary]:
    return [summarise(make_model(text, path), {"TFG000": draws}, {}) for path, text in files.items()]


@pytest.fixture
def project() -> Callable[[Mapping[str, str]], ProjectFacts]:
    """The facts of a project given as path to text."""

    def build(files: Mapping[str, str]) -> ProjectFacts:
        return ProjectFacts(make_summaries(files), lambda path: make_model(files[path], path))

    return build


@pytest.fixture
def runs(project: Callable[[Mapping[str, str]], ProjectFacts]) -> Callable[..., list[str]]:
    """The API names that the program of one entry file calls, in order; `?` behind those that it may skip."""

    def follow(files: Mapping[str, str], entry: str) -> list[str]:
        programs = [program for program in project(files).programs if program.summary.path == entry]
        assert len(programs) == 1, f"{entry} starts {len(programs)} programs"
        return [event.item.name + ("?" if event.is_conditional else "") for event in programs[0].events]

    return follow
