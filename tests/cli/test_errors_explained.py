"""Rules are found by the errors that people paste: whole tracebacks of real programs, other names, cut-off lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tfguard.catalogue import load_catalogue
from tfguard.cli.errors_explained import find_matches, last_error
from tfguard.rule import Rule

Tfguard = Callable[..., Result]

RULES = load_catalogue().rules
#: Recorded by tests/era/record_errors.py.
ERRORS = json.loads((Path(__file__).parent.parent / "execution" / "goldens" / "errors.json").read_text())
#: Examples that end with an error of another kind on a version: they are for another one, or want another package.
OTHERS = {
    "2.21.0": {"TFG107/bad1": (), "TFG201/bad0": ("TFG401",), "TFG201/bad1": (), "TFG306/bad0": ()},
    "1.15.5": {},
}
CASES = [(version, name) for version, errors in ERRORS.items() for name in errors]


def ids(error: str) -> list[str]:
    return [match.rule.id for match in find_matches(RULES, error)]


@pytest.mark.parametrize(("version", "name"), CASES)
def test_real_tracebacks_find_their_rule(version: str, name: str) -> None:
    error = ERRORS[version][name]
    wanted = OTHERS[version].get(name)
    if wanted is None:
        assert name.split("/")[0] in ids(error), last_error(error)
    else:
        assert ids(error) == list(wanted)


@pytest.mark.parametrize(("version", "name"), CASES)
def test_the_last_line_alone_or_wrapped_finds_the_same(version: str, name: str) -> None:
    error = ERRORS[version][name]
    wrapped = "\n".join(f"    {line}" for line in error.splitlines())
    assert ids(wrapped) == ids(error)
    assert ids(f"[2026-01-01 12:00:00] worker 3\n{error}\nProcess finished with exit code 1") == ids(error)


def test_several_versions_and_many_rules_are_recorded() -> None:
    assert len(ERRORS) >= 2
    assert len({name.split("/")[0] for _, name in CASES}) >= 12


def quoted_in(rule: Rule) -> list[str]:
    """The longer texts in quotes above the examples; those within code are none."""
    text = " ".join(rule.documentation.partition("\n## Bad")[0].split())
    text = re.sub(r"`[^`]*`", lambda code: code[0].replace('"', ""), text)
    return re.findall(r'"([^\W\d][^"]{38,}[^\s"])"', text)


QUOTED = [(rule, text) for rule in RULES if rule.messages for text in quoted_in(rule)]


@pytest.mark.parametrize(("rule", "text"), QUOTED, ids=lambda value: getattr(value, "id", None))
def test_errors_that_the_documentation_quotes_find_the_rule(rule: Rule, text: str) -> None:
    assert rule.id in ids(text), text


@pytest.mark.parametrize(
    ("error", "rule"),
    [
        (
            "RuntimeError: Mixing different tf.distribute.Strategy objects: <tensorflow.python.distribute.one_device"
            "_strategy.OneDeviceStrategy at 0x7> is not <tensorflow.python.distribute.tpu_strategy.TPUStrategy at 0x6>",
            "TFG317",
        ),
        (
            "NotImplementedError: Cannot convert a symbolic tf.Tensor (model/dense_3/BiasAdd:0) to a numpy array. This "
            "error may indicate that you're trying to pass a Tensor to a NumPy call, which is not supported.",
            "TFG321",
        ),
        (
            "TypeError: <tf.Tensor 'model/loss/mean:0' shape=(None, 7) dtype=float16> is out of scope and cannot be "
            "used here. Use return values, explicit Python locals or TensorFlow collections to access it.\nPlease see "
            "https://www.tensorflow.org/guide/function#all_outputs_of_a_tffunction_must_be_return_values for more",
            "TFG321",
        ),
        (
            "InvalidArgumentError: You must feed a value for placeholder tensor 'tower_7/labels' with dtype int64",
            "TFG301",
        ),
        ("ValueError: tf.function only supports singleton tf.Variables created on the fir", "TFG322"),
        ("ValueError: tf.function-decorated function\ntried to create variables on non-first\ncall.", "TFG322"),
    ],
)
def test_other_names_shapes_and_cut_lines(error: str, rule: str) -> None:
    assert rule in ids(error)


@pytest.mark.parametrize(
    "error",
    [
        "KeyError: 'loss'",
        "ValueError: operands could not be broadcast together with shapes (3,) (4,)",
        "ModuleNotFoundError: No module named 'my_project'",
        "TypeError: 'NoneType' object is not callable",
        "OSError: [Errno 28] No space left on device",
        'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\n    main()\nRuntimeError: stop',
    ],
)
def test_other_errors_find_nothing_and_it_is_said(tfguard: Tfguard, error: str) -> None:
    assert ids(error) == []
    result = tfguard("explain", error)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"none explains: {last_error(error)}\n" in result.stderr


def test_a_traceback_is_read_from_stdin(tfguard: Tfguard) -> None:
    result = tfguard("explain", "-", stdin=ERRORS["2.21.0"]["TFG322/bad0"].encode())
    assert result.exit_code == 0
    assert result.stdout.startswith("TFG322 variable-in-tf-function: ")


def test_the_more_specific_rule_comes_first() -> None:
    general, special = (
        Rule(f"tfguard.rules.graph.{name}", id=name, severity=RULES[0].severity, since="0.2", messages=(message,))
        for name, message in (
            ("TFG398", "must feed a value"),
            ("TFG399", "must feed a value for placeholder {} with dtype"),
        )
    )
    error = "InvalidArgumentError: You must feed a value for placeholder tensor 'x' with dtype float"
    assert [match.rule.id for match in find_matches([general, special], error)] == ["TFG399", "TFG398"]
