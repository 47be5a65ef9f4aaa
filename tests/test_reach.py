"""Which files belong to programs with evidence, and that nothing else is parsed for its words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from extra_rules import add_rules
from running import run_check, write_files
from tfguard import worker
from tfguard.catalogue import load_catalogue
from tfguard.knowledge import load_knowledge
from tfguard.model import Severity
from tfguard.reach import reached
from tfguard.rule import Recorder, Rule, evidence_screen

__all__ = ["add_rules"]


@pytest.mark.parametrize(
    ("imports", "near"),
    [
        ({"train.py": ("tensorflow",), "other.py": ("random",)}, {"train.py"}),
        ({"train.py": ("tensorflow", "data"), "data.py": ("numpy",)}, {"train.py", "data.py"}),
        (
            {"train.py": ("tensorflow",), "main.py": ("train", "seeds"), "seeds.py": ()},
            {"train.py", "main.py", "seeds.py"},
        ),
        ({"train.py": ("data",), "data.py": ("a.b",), "a/b.py": (), "a/__init__.py": ("c",), "a/c.py": ()}, None),
        (
            {"pkg/train.py": (".net",), "pkg/net.py": ("..up",), "up.py": (), "pkg/other.py": ()},
            {"pkg/train.py", "pkg/net.py", "up.py"},
        ),
        (
            {"train.py": ("x.utils",), "a/x/utils.py": (), "b/x/utils.py": (), "b/y/utils.py": ()},
            {"train.py", "a/x/utils.py", "b/x/utils.py"},
        ),
        ({"train.py": ("random", "keras.layers"), "a/random.py": (), "b/keras/layers.py": ()}, {"train.py"}),
        ({"train.py": ("loop",), "loop.py": ("train",)}, {"train.py", "loop.py"}),
    ],
)
def test_reached(imports: dict[str, tuple[str, ...]], near: set[str] | None) -> None:
    train = next(path for path in imports if path.endswith("train.py"))
    assert reached(imports, [train], load_knowledge()) == (set(imports) if near is None else near)


def test_without_evidence_nothing_is_reached() -> None:
    assert reached({"a.py": ("b",), "b.py": ()}, [], load_knowledge()) == frozenset()


def _parsed(folder: Path, monkeypatch: pytest.MonkeyPatch, **options: object) -> list[str]:
    """The files that the rules were asked about."""
    seen: list[str] = []
    ask = worker.run_file_rules

    def spy(rules: list[Rule], file: object) -> object:
        seen.append(file.path)  # type: ignore[attr-defined]
        return ask(rules, file)  # type: ignore[arg-type]

    monkeypatch.setattr(worker, "run_file_rules", spy)
    run_check(folder, **options)
    return sorted(set(seen))


FILES = {
    "train.py": "import tensorflow as tf\nimport data\n\n\ndef go():\n    print(tf.zeros([1]) + data.load())\n",
    "data.py": "import random\n\n\ndef load():\n    return random.random()\n",
    "start.py": "import train\n\ntrain.go()\n",
    "lonely.py": "import random\n\nprint(random.random())\n",
    "broken.py": "import random\nx = = 1\n",
}


def test_words_that_are_no_evidence_count_in_programs_that_have_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, FILES)
    assert _parsed(tmp_path, monkeypatch) == ["data.py", "start.py", "train.py"]
    found = [(finding.path, finding.rule) for finding in run_check(tmp_path, ignore=("TFG2",)).findings]
    assert found == [("broken.py", "TFG901"), ("start.py", "TFG101")]


def test_a_rule_without_evidence_sees_every_file_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, add_rules: Callable[..., None]
) -> None:
    rule = Rule("tfguard.rules.test.lonely", id="TFG190", severity=Severity.HINT, since="0.1")
    rule.on_call(mentions="random")(lambda call: None)
    add_rules(rule)
    write_files(tmp_path, FILES)
    assert _parsed(tmp_path, monkeypatch) == ["data.py", "lonely.py", "start.py", "train.py"]


def test_the_evidence_of_rules_and_recorders() -> None:
    shared = Recorder("shared", evidence=["tensorflow"])
    shared.on_call(mentions=["tensorflow", "random"])(lambda call: None)
    rule = Rule("a.b", id="TFG190", severity=Severity.HINT, since="0.1", records=[shared])
    assert rule.evidence == {"tensorflow"}
    rule.on_file(mentions="Session")(lambda file: ())
    assert rule.evidence == {"tensorflow", "Session"}
    assert evidence_screen([rule]).search(b"x = Session()")
    assert not evidence_screen([rule]).search(b"x = random()")
    assert not evidence_screen([]).search(b"")


#: Words that stand in code which has nothing to do with training: a rule that asks for them must name its evidence.
COMMON = ("random", "environ", "pandas", "scipy", "sklearn", "seed", "shuffle", "glob(", "listdir", "set(", "numpy")


def test_no_rule_takes_a_common_word_for_evidence() -> None:
    rules = load_catalogue().rules
    assert [(rule.id, word) for rule in rules for word in sorted(rule.evidence) if word in COMMON] == []
