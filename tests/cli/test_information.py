"""`explain`, `rules`, `config`: what the tool says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tfguard.catalogue import Catalogue, load_catalogue
from tfguard.cli.errors_explained import find_matches
from tfguard.model import Severity
from tfguard.rule import Rule

Tfguard = Callable[..., Result]

FED = "You must feed a value for placeholder tensor '{}' with dtype float"


@pytest.mark.parametrize("wanted", ["TFG401", "tfg401", "removed-api", "removed_api"])
def test_explain_prints_the_documentation(tfguard: Tfguard, wanted: str) -> None:
    result = tfguard("explain", wanted)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("TFG401 removed-api\nmigration, error, on by default, since 0.1\n\n")
    assert "## Why it matters" in result.stdout


@pytest.mark.parametrize("rule", load_catalogue().rules, ids=lambda rule: rule.id)
def test_every_rule_can_be_explained(tfguard: Tfguard, rule: Rule) -> None:
    result = tfguard("explain", rule.id)
    assert result.exit_code == 0
    assert rule.summary in result.stdout
    for message in rule.messages:
        assert f"- {message}" in result.stdout
        listed = tfguard("explain", message)
        assert listed.exit_code == 0
        assert f"{rule.id} {rule.name}: " in listed.stdout


@pytest.mark.parametrize(("wanted", "nearest"), [("TFG4O1", "TFG401"), ("removed-apis", "TFG401 (removed-api)")])
def test_explain_proposes_the_nearest(tfguard: Tfguard, wanted: str, nearest: str) -> None:
    result = tfguard("explain", wanted)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"did you mean {nearest}" in result.stderr


def test_explain_without_any_idea(tfguard: Tfguard) -> None:
    result = tfguard("explain", "zzzzzzzzzzzz")
    assert result.exit_code == 2
    assert result.stderr.endswith("`tfguard rules` lists all rules\n")


@pytest.fixture
def catalogue() -> Catalogue:
    """Two rules that explain errors, and one that explains none."""
    rules = [("TFG301", (FED,)), ("TFG302", ("Fetch argument None has invalid type", "None values not supported."))]
    made = [
        Rule(f"tfguard.rules.graph.{number}", id=number, severity=Severity.ERROR, since="0.1", messages=messages)
        for number, messages in [*rules, ("TFG303", ())]
    ]
    return Catalogue(tuple(made))


@pytest.mark.parametrize(
    ("message", "rules"),
    [
        ("You must feed a value for placeholder tensor", ["TFG301"]),
        ("placeholder tensor", ["TFG301"]),
        (
            "InvalidArgumentError (see above for traceback): You must feed a value for placeholder tensor 'model_1/x' "
            "with dtype float\n\t [[Node: model_1/x = Placeholder[dtype=DT_FLOAT]()]]",
            ["TFG301"],
        ),
        ("TypeError: Fetch argument None has invalid type <class 'NoneType'>", ["TFG302"]),
        ("Argument `fetch` = None has invalid type", ["TFG302"]),
        ("ValueError: None values not supported.", ["TFG302"]),
        ("CUDA out of memory", []),
        ("tensor placeholder", []),  # not in this order
        ("", []),
    ],
)
def test_errors_find_their_rules(catalogue: Catalogue, message: str, rules: list[str]) -> None:
    assert [match.rule.id for match in find_matches(catalogue.rules, message)] == rules


def test_rules_as_text(tfguard: Tfguard) -> None:
    result = tfguard("rules")
    assert result.exit_code == 0
    header, *rows = result.stdout.splitlines()
    assert [row.split()[0] for row in rows] == [rule.id for rule in load_catalogue().rules]
    column = header.index("What it finds")
    assert [row[column:] for row in rows] == [rule.summary for rule in load_catalogue().rules]


def test_rules_as_json_and_markdown(tfguard: Tfguard) -> None:
    rules = json.loads(tfguard("rules", "--format", "json").stdout)
    assert [rule["id"] for rule in rules] == [rule.id for rule in load_catalogue().rules]
    assert list(rules[0]) == [
        *("id", "name", "family", "severity", "default", "since", "summary", "messages", "documentation"),
    ]
    table = tfguard("rules", "--format", "markdown").stdout.splitlines()
    assert len(table) == len(rules) + 2
    assert table[1] == "|---|---|---|---|---|"


def test_config_names_values_and_origins(tfguard: Tfguard, project: Path) -> None:
    (project / "tfguard.toml").write_text('seed = 7\nselect = ["TFG1"]\ntarget = "2.9"\n')
    result = tfguard("config", "--target", "1.15")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.split(" # ") for line in result.stdout.splitlines()]
    settings = {line[0].strip(): line[1] for line in lines}
    assert settings["seed = 7"] == "tfguard.toml"
    assert settings['select = ["TFG1"]'] == "tfguard.toml"
    assert settings['target.tensorflow = "1.15"'] == "--target"
    assert settings['gpu-memory = "growth"'] == "default"


def test_config_as_json(tfguard: Tfguard, project: Path) -> None:
    (project / "other.toml").write_text("seed = 9\n")
    document = json.loads(tfguard("config", "--format", "json", "--config", "other.toml").stdout)
    assert document["seed"] == {"value": 9, "origin": "other.toml"}
    assert document["target.tensorflow"]["value"]


def test_config_refuses_unknown_keys_with_the_nearest(tfguard: Tfguard, project: Path) -> None:
    (project / "tfguard.toml").write_text("sed = 7\n")
    result = tfguard("config")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean seed?" in result.stderr
    assert result.stderr.startswith("error: ")
