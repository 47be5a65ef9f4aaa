"""The tables of names: their form, what their reader answers, and (with TensorFlow installed) whether they are true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tfguard.errors import TableError
from tfguard.renames import Removed, Rename, load_removed
from tfguard.suggest import edit_distance
from tfguard.table_files import SortedRows, Version, load_toml, tables_path
from tfguard.tables import ApiTable, load_api_table
from tfguard.version_table import VersionTable

API = tables_path() / "api"
TABLES = ("tensorflow", "contrib", "compat", "modules", "tensorflow_keras", "compat_keras", "keras")
NEWEST: Version = (2, 21)
needs_tensorflow = pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed")


@pytest.fixture(scope="module")
def table() -> ApiTable:
    """The table of the package."""
    return load_api_table()


# -- form -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_sorted_and_well_formed(name: str) -> None:
    rows = VersionTable(API / f"{name}.tsv")
    names = []
    for row, rest in rows.rows.iter_below(""):
        names.append(row)
        for segment in rest.split("\t"):
            letter, _, spans = segment.partition(" ")
            assert letter in set("mnNoidIcCkKfgFvwVaAuU"), row
            assert rows.spans(f"{letter} {spans}"), row
    assert names == sorted(set(names))


@pytest.mark.parametrize("name", TABLES)
def test_what_stands_before_the_last_dot_is_a_row_too(name: str, table: ApiTable) -> None:
    for row, _ in SortedRows(API / f"{name}.tsv").iter_below(""):
        owner = row.rpartition(".")[0]
        assert owner in ("", "tensorflow", "keras") or table.row(owner) is not None, row


def test_names_of_one_version_are_at_one_place(table: ApiTable) -> None:
    for name in TABLES:
        for row, _ in SortedRows(API / f"{name}.tsv").iter_below(""):
            found = table.table(row)
            assert found is not None
            assert found.rows.find(row) is not None, row


def test_a_broken_table_is_said_to_be_broken(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"nothing\.tsv"):
        SortedRows(tmp_path / "nothing.tsv")
    with pytest.raises(TableError, match=r"nothing\.toml"):
        load_toml("nothing.toml")


# -- status -----------------------------------------------------------------------------------------------

STATUSES = [
    ("tensorflow", (2, 21), None, "exists", "module"),
    ("tensorflow.nn.relu", (2, 21), None, "exists", "function"),
    ("tensorflow.nn.relu", (0, 12), None, "exists", "function"),
    ("tensorflow.nn.relu", (1, 7), None, "exists", "function"),
    ("tensorflow.nn.relu", (2, 99), None, "exists", "function"),
    ("tensorflow.nn.relu", (0, 5), None, "unknown", None),
    ("tensorflow.Session", (1, 15), None, "exists", "class"),
    ("tensorflow.Session", (2, 0), None, "missing", None),
    ("tensorflow.Session.run", (2, 21), None, "missing", None),
    ("tensorflow.Session.run", (1, 15), None, "exists", "member"),
    ("tensorflow.Session.no_such_method", (1, 15), None, "unknown", None),
    ("tensorflow.compat.v1.Session", (2, 21), None, "exists", "class"),
    ("tensorflow.compat.v1.Session", (1, 12), None, "missing", None),
    ("tensorflow.compat.v1.merge_all_summaries", (2, 21), None, "missing", None),
    ("tensorflow.compat.v1.merge_all_sumaries", (2, 21), None, "never", None),
    ("tensorflow.compat.v2.nn.relu", (2, 21), None, "exists", "function"),
    ("tensorflow._api.v2.nn.relu", (2, 21), None, "exists", "function"),
    ("tensorflow_core.nn.relu", (2, 0), None, "exists", "function"),
    ("tensorflow.nn.relu.anything", (2, 21), None, "unknown", None),
    ("tensorflow.inv", (2, 21), None, "missing", None),
    ("tensorflow.inv", (0, 11), None, "exists", "function"),
    ("tensorflow.relu_of_nobody", (0, 11), None, "unknown", None),
    ("tensorflow.mul", (0, 12), None, "exists", "function"),
    ("tensorflow.train.AdmaOptimizer", (2, 21), None, "never", None),
    ("tensorflow.train.AdmaOptimizer", (1, 4), None, "never", None),
    ("tensorflow.contrib.layers.fully_connected", (1, 15), None, "exists", "function"),
    ("tensorflow.contrib.layers.fully_connected", (2, 21), None, "missing", None),
    ("tensorflow.estimator.Estimator", (2, 15), None, "exists", "class"),
    ("tensorflow.estimator.Estimator", (2, 16), None, "missing", None),
    ("tensorflow.data.Dataset.make_one_shot_iterator", (2, 21), None, "missing", None),
    ("tensorflow.compat.v1.data.Dataset.make_one_shot_iterator", (2, 21), None, "exists", "member"),
    ("keras.layers.Layer.W", (2, 21), (3, 15), "unknown", None),
    ("tensorflow.compat.v1.layers.dense", (2, 15), None, "exists", "function"),
    ("tensorflow.compat.v1.layers.dense", (2, 21), None, "unavailable", None),
    ("tensorflow.compat.v1.layers.dense", (2, 21), (3, 15), "unavailable", None),
    ("tensorflow.compat.v1.layers.dense", (2, 21), (2, 15), "exists", "function"),
    ("tensorflow.compat.v1.nn.rnn_cell.BasicLSTMCell", (2, 21), None, "unavailable", None),
    ("tensorflow.compat.v1.nn.rnn_cell.BasicLSTMCell", (2, 21), (2, 15), "exists", "class"),
    ("tensorflow.compat.v1.keras.backend.set_session", (2, 21), (3, 15), "unavailable", None),
    ("tensorflow.compat.v1.keras.backend.set_session", (2, 15), None, "exists", "function"),
    ("tensorflow.keras.layers.Dense", (2, 21), (3, 15), "exists", "class"),
    ("tensorflow.keras.layers.Dense", (1, 2), None, "missing", None),
    ("tensorflow.keras.layers.LocallyConnected1D", (2, 21), (3, 15), "missing", None),
    ("tensorflow.keras.layers.LocallyConnected1D", (2, 21), (2, 15), "exists", "class"),
    ("tensorflow.keras.ops.add", (2, 15), None, "missing", None),
    ("tensorflow.keras.ops.add", (2, 16), (3, 3), "exists", "function"),
    ("tf_keras.layers.LocallyConnected1D", (2, 21), None, "exists", "class"),
    ("keras.layers.Dense", (2, 21), (3, 15), "exists", "class"),
    ("keras.layers.Dense", (1, 2), None, "exists", "class"),
    ("keras.Model.fit_generator", (2, 21), (3, 15), "missing", None),
    ("keras.Model.fit_generator", (2, 21), (2, 3), "exists", "member"),
    ("keras.Model.fit_generator", (1, 15), None, "exists", "member"),
    ("keras.utils.np_utils.to_categorical", (2, 21), (3, 15), "missing", None),
    ("tensorflow._private", (2, 21), None, "unknown", None),
    ("tensorflow.nn.division", (2, 21), None, "unknown", None),
    ("torch.nn.Linear", (2, 21), None, "unknown", None),
]


@pytest.mark.parametrize(("name", "version", "keras", "kind", "element"), STATUSES)
def test_status(
    name: str, version: Version, keras: Version | None, kind: str, element: str | None, table: ApiTable
) -> None:
    status = table.status(name, version, keras)
    assert (status.kind, status.element) == (kind, element)
    assert table.status(name, version, keras) is status
    assert (status.broken_at is not None) == (kind in ("missing", "never", "unavailable"))


IMPORTS = [
    ("tensorflow.python.framework.ops", (2, 21), "from", "exists"),
    ("tensorflow.python.framework.ops.convert_to_tensor", (2, 21), "from", "exists"),
    ("tensorflow.python.framework.ops.no_such_function", (2, 21), "from", "missing"),
    ("tensorflow.python.framework.no_such_module", (2, 21), "from", "missing"),
    ("tensorflow.python.framework.no_such_module", (2, 4), "from", "unknown"),
    ("tensorflow.python.framework.ops", (2, 21), None, "missing"),
    ("tensorflow.examples.tutorials.mnist.input_data", (1, 15), "from", "exists"),
    ("tensorflow.examples.tutorials.mnist.input_data", (1, 12), None, "unknown"),
    ("tensorflow.examples.tutorials.mnist.input_data", (2, 21), "from", "missing"),
    ("tensorflow.keras.layers.Dense", (2, 21), "from", "exists"),
    ("tensorflow.keras.layers", (2, 21), "import", "exists"),
    ("tensorflow.compat.v1.keras.layers.Dense", (2, 21), "from", "missing"),
    ("tensorflow.compat.v1.keras.layers.Dense", (2, 21), None, "exists"),
    ("tensorflow.compat.v1.keras", (2, 21), "from", "exists"),
    ("tensorflow.compat.v1.keras", (2, 21), "import", "missing"),
    ("tensorflow.metrics.Accuracy", (2, 21), "from", "missing"),
    ("tensorflow.metrics.Accuracy", (2, 21), None, "exists"),
    ("tensorflow.metrics", (2, 21), "from", "exists"),
    ("tensorflow.lite.Interpreter", (2, 21), "from", "missing"),
    ("tensorflow.lite.Interpreter", (2, 21), None, "exists"),
    ("tensorflow.compat.v1.nn.rnn_cell.BasicLSTMCell", (2, 21), "from", "exists"),
    ("tensorflow.compat.v1.nn.rnn_cell.BasicLSTMCell", (2, 21), None, "unavailable"),
    ("tensorflow.keras.saving.load_model", (2, 21), "from", "exists"),
    ("tensorflow.keras.saving.load_model", (2, 21), None, "unknown"),
]


@pytest.mark.parametrize(("name", "version", "statement", "kind"), IMPORTS)
def test_what_an_import_finds_is_not_what_an_attribute_is(
    name: str, version: Version, statement: str | None, kind: str, table: ApiTable
) -> None:
    assert table.status(name, version, statement=statement).kind == kind  # type: ignore[arg-type]


def test_whoever_imported_the_module_may_use_its_names(table: ApiTable) -> None:
    assert table.status("tensorflow.lite.Interpreter", NEWEST, imported=True).kind == "exists"
    assert table.status("tensorflow.python.framework.ops", NEWEST, imported=True).kind == "exists"
    assert table.status("tensorflow.compat.v1.nn.rnn_cell.BasicLSTMCell", NEWEST, imported=True).kind == "unknown"


def test_status_says_which_versions_have_the_name(table: ApiTable) -> None:
    status = table.status("tensorflow.Session", NEWEST)
    assert (status.broken_at, status.versions) == ("tensorflow.Session", "0.12-1.15")
    status = table.status("tensorflow.contrib.rnn.BasicLSTMCell", NEWEST)
    assert (status.broken_at, status.versions) == ("tensorflow.contrib", "0.12-1.15")
    assert status.reason is not None
    assert "rnn_cell" in status.reason


def test_unavailable_names_come_with_a_remedy(table: ApiTable) -> None:
    status = table.status("tensorflow.compat.v1.layers.dense", NEWEST)
    assert status.reason is not None
    assert "TF_USE_LEGACY_KERAS=1" in status.reason


def test_between_two_known_versions_that_disagree_nobody_can_tell(table: ApiTable) -> None:
    assert table.status("tensorflow.mul", (1, 0)).kind == "unknown"
    assert table.status("tensorflow.multiply", (1, 0)).kind == "exists"


def test_classes(table: ApiTable) -> None:
    assert table.is_class("tensorflow.Session")
    assert table.is_class("keras.layers.Dense")
    assert not table.is_class("tensorflow.nn.relu")
    assert not table.is_class("tensorflow.no_such_class")


# -- did you mean -----------------------------------------------------------------------------------------

SUGGESTIONS = [
    ("tensorflow.train.AdmaOptimizer", (1, 15), "tensorflow.train.AdamOptimizer"),
    ("tensorflow.train.AdmaOptimizer", (2, 21), "tensorflow.compat.v1.train.AdamOptimizer"),
    ("tensorflow.Session", (2, 21), "tensorflow.compat.v1.Session"),
    ("tensorflow.reduce_meen", (2, 21), "tensorflow.reduce_mean"),
    ("tensorflow.layer.dense", (1, 15), "tensorflow.layers.dense"),
    ("tensorflow.nn.Dense", (2, 21), "tensorflow.keras.layers.Dense"),
    ("tensorflow.nn.softmax_cross_entropy", (2, 21), "tensorflow.nn.softmax_cross_entropy_with_logits"),
    ("keras.layers.core.Dense", (2, 21), "keras.layers.Dense"),
    ("keras.layers.Desne", (2, 21), "keras.layers.Dense"),
]


@pytest.mark.parametrize(("name", "version", "first"), SUGGESTIONS)
def test_did_you_mean(name: str, version: Version, first: str, table: ApiTable) -> None:
    found = table.suggestions(name, version)
    assert found[0] == first
    assert len(found) <= 3
    assert all(table.status(candidate, version).kind == "exists" for candidate in found)


@pytest.mark.parametrize(
    "name", ["tensorflow.nn.relu", "tensorflow.zzzz", "tensorflow.Variable.foo", "torch.nn.Linear"]
)
def test_no_guess_where_none_is_near(name: str, table: ApiTable) -> None:
    assert table.suggestions(name, NEWEST) == ()


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [("", "", 0), ("abc", "abc", 0), ("adma", "adam", 1), ("dense", "dens", 1), ("ab", "ba", 1), ("abc", "xyz", 3)],
)
def test_edit_distance(first: str, second: str, distance: int) -> None:
    assert edit_distance(first, second, 2) == distance
    assert edit_distance(second, first, 2) == distance


# -- renames ----------------------------------------------------------------------------------------------


def all_renames() -> list[Rename]:
    """The rows of renames.toml and of api/renames.tsv."""
    return list(load_api_table().renames())


def curated() -> list[Rename]:
    """The rows of renames.toml."""
    names = {row["old"] for row in load_toml("renames.toml")["rename"]}
    return [row for row in all_renames() if row.old in names and "(" in row.before + "("]


def points(name: str, row: Rename, table: ApiTable) -> list[tuple[Version, Version | None]]:
    """The versions of TensorFlow and Keras in which a row holds."""
    axis = table.table(name)
    assert axis is not None
    of_keras = name.startswith("keras.")
    plain = VersionTable(API / ("keras.tsv" if of_keras else "tensorflow.tsv"))
    versions = [v for v in plain.plain if row.since <= v and (row.until is None or v <= row.until)]
    return [(NEWEST, v) if of_keras else (v, None) for v in versions]


def test_there_are_many_renames() -> None:
    assert len(all_renames()) > 1500


def test_renames_lead_to_names_that_exist(table: ApiTable) -> None:
    for row in all_renames():
        # Not every version lists the private ones, which are found where they are imported; `after` proves them.
        is_private = row.new.startswith("tensorflow.python.")
        for version, keras in points(row.old, row, table):
            kind = table.status(row.new, version, keras, imported=is_private).kind
            assert kind == "exists" or (is_private and kind == "unknown"), (row, version, keras)


def test_renames_start_from_names_that_are_gone(table: ApiTable) -> None:
    for row in all_renames():
        for version, keras in points(row.old, row, table):
            assert table.status(row.old, version, keras).kind in ("missing", "unknown"), (row, version, keras)


def test_no_rename_leads_to_another_one(table: ApiTable) -> None:
    for row in all_renames():
        for version, keras in points(row.old, row, table):
            assert table.rename(row.new, version, keras) is None, row


def test_a_grade_that_is_not_safe_has_its_reason() -> None:
    for row in load_toml("renames.toml")["rename"]:
        assert row["safety"] in ("safe", "unsafe", "manual"), row
        assert row["safety"] == "safe" or row.get("reason"), row


def test_rows_carry_their_test() -> None:
    for row in curated():
        assert row.source
        ast.parse(row.before, mode="eval")
        ast.parse(row.after, mode="eval")
        assert row.old.rpartition(".")[2] in row.before
        assert row.new.rpartition(".")[2] in row.after


RENAMES = [
    ("tensorflow.mul", (2, 21), "tensorflow.multiply"),
    ("tensorflow.mul", (0, 12), None),
    ("tensorflow.inv", (1, 15), "tensorflow.reciprocal"),
    ("tensorflow.inv", (2, 21), "tensorflow.math.reciprocal"),
    ("tensorflow.log", (2, 21), "tensorflow.math.log"),
    ("tensorflow.log", (1, 15), None),
    ("tensorflow.placeholder", (2, 21), "tensorflow.compat.v1.placeholder"),
    ("tensorflow.set_random_seed", (2, 21), "tensorflow.random.set_seed"),
    ("tensorflow.contrib.signal.stft", (2, 21), "tensorflow.signal.stft"),
    ("tensorflow.compat.v1.mul", (2, 21), "tensorflow.compat.v1.multiply"),
    ("tensorflow.compat.v1.merge_all_summaries", (2, 21), "tensorflow.compat.v1.summary.merge_all"),
    ("tensorflow.compat.v1.nothing", (2, 21), None),
    ("tensorflow.nn.relu", (2, 21), None),
    ("keras.layers.core.Dense", (2, 21), "keras.layers.Dense"),
    ("keras.layers.core.Dense", (1, 15), None),
]


@pytest.mark.parametrize(("old", "version", "new"), RENAMES)
def test_rename(old: str, version: Version, new: str | None, table: ApiTable) -> None:
    row = table.rename(old, version)
    assert (row.new if row else None) == new


def test_keras_renames_count_versions_of_keras(table: ApiTable) -> None:
    assert table.rename("keras.layers.core.Dense", (2, 21), (2, 3)) is None
    assert table.rename("keras.layers.core.Dense", (2, 21), (2, 13)) is not None


def test_random_draws_need_the_graph_mode_only_where_they_do(table: ApiTable) -> None:
    graph = ["placeholder", "get_variable", "train.AdamOptimizer", "global_variables", "Session"]
    plain = ["log", "to_float", "ConfigProto", "logging.info", "app.run", "random_normal"]
    rows = {name: table.rename(f"tensorflow.{name}") for name in (*graph, *plain)}
    assert [name for name, row in rows.items() if row is not None and row.graph_mode] == graph


# -- what is known of removed names -------------------------------------------------------------------------


def test_removed_prefixes_are_gone(table: ApiTable) -> None:
    for prefix, row in load_removed().items():
        keras = prefix.split(".")[0] == "keras"
        status = table.status(prefix, (99, 0), (99, 0) if keras else None)
        found = table.table(prefix)
        below = [rest for _, rest in found.rows.iter_below(f"{prefix}.")] if found is not None else []
        refuses = bool(below) and all(re.search(r"\t?[uU] ", rest) for rest in below)
        assert status.kind != "exists" or row.had is not None or refuses, prefix


def test_remedies_name_what_exists(table: ApiTable) -> None:
    for row in load_removed().values():
        for written in re.findall(r"`((?:tf|keras)\.[\w.]+)", row.remedy):
            name = re.sub(r"^tf\.", "tensorflow.", written)
            status = table.status(name, NEWEST, imported=True)
            needs_keras_2 = "tf_keras" in row.remedy and status.kind in ("unavailable", "missing")
            assert status.kind == "exists" or needs_keras_2 or "does not" in row.remedy, (row, written)


@pytest.mark.parametrize(
    ("name", "version", "keras", "words"),
    [
        ("tensorflow.contrib.slim.conv2d", (2, 21), None, "tf-slim"),
        ("tensorflow.contrib.nothing.at_all", (2, 21), None, "no general successor"),
        ("tensorflow.keras.backend.batch_dot", (2, 21), None, "backend module"),
        ("tensorflow.keras.layers.experimental.SyncBatchNormalization", (2, 21), None, "experimental"),
        ("keras.utils.np_utils.to_categorical", (2, 21), (3, 15), "to_categorical"),
        ("keras.regularizers.WeightRegularizer", (2, 21), (3, 15), None),
        ("keras.Model.fit_generator", (2, 21), (3, 15), "`fit`"),
        ("tensorflow.estimator.Estimator", (2, 4), None, None),
        ("tensorflow.nn.relu", (2, 21), None, None),
    ],
)
def test_note(name: str, version: Version, keras: Version | None, words: str | None, table: ApiTable) -> None:
    note = table.note(name, version, keras)
    assert (note is None) == (words is None)
    assert words is None or (note is not None and words in note)


def test_notes_are_sentences() -> None:
    for row in load_removed().values():
        assert isinstance(row, Removed)
        assert row.message.endswith((".", "`."))
        assert not row.remedy or row.remedy.rstrip("`)").endswith((".", ")")) or row.remedy.endswith((".", "`"))


# -- the real thing -----------------------------------------------------------------------------------------

PROGRAM = """
import json, sys
import tensorflow as tf
results = {}
for key, text in json.load(sys.stdin).items():
    try:
        with tf.Graph().as_default():
            value = eval(text)
            if isinstance(value, (tf.Tensor, list, tuple)) and getattr(value, "op", None) is not None:
                with tf.compat.v1.Session() as session:
                    value = session.run(value)
        results[key] = ""
    except Exception as error:
        results[key] = type(error).__name__ + ": " + str(error)
print(json.dumps(results))
"""


def run_expressions(expressions: dict[str, str]) -> dict[str, str]:
    """The error that each expression ends with on the installed TensorFlow, in graph mode; empty when it runs."""
    import json

    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, input=json.dumps(expressions), capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def holds_now(row: Rename) -> bool:
    """Does the row hold for the installed TensorFlow, and is it about TensorFlow?"""
    return row.until is None and not row.old.startswith("keras.")


@pytest.mark.tensorflow
@pytest.mark.slow
@needs_tensorflow
def test_renames_run_on_the_installed_tensorflow() -> None:
    rows = {str(i): row for i, row in enumerate(all_renames()) if holds_now(row)}
    after = run_expressions({key: row.after for key, row in rows.items()})
    assert {rows[key].after: error for key, error in after.items() if error} == {}
    before = run_expressions({key: row.before for key, row in rows.items()})
    assert [rows[key].before for key, error in before.items() if not error.startswith("AttributeError")] == []


@pytest.mark.tensorflow
@pytest.mark.slow
@needs_tensorflow
def test_the_tables_are_true_of_the_installed_tensorflow() -> None:
    script = Path(__file__).parent / "era" / "check_tables.py"
    done = subprocess.run([sys.executable, script, sys.executable], capture_output=True, text=True, check=False)
    wrong = [line for line in done.stdout.splitlines() if line.startswith("WRONG") and not NOT_HERE.search(line)]
    assert wrong == [], done.stdout + done.stderr


#: Files of the wheel that need what is not installed, or that are no modules of Python.
NOT_HERE = re.compile(r"_test_server|_test_util|pip_package|saved_model_cli|\.lib\w*pywrap|\.lib_native")
