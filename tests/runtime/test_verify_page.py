"""`tfguard verify --html`: one page, self-contained, the same bytes for the same traces; and the numbers behind it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from runtime.programs import needs_tensorflow
from runtime.test_verify import call
from tfguard.cli.divergence_page import render_page
from tfguard.cli.divergence_plot import Line, fold, iter_stretches, plot_distances
from tfguard.cli.recorded_run import Comparison
from tfguard.cli.verdict import Run, Verdict, compare_with_record
from tfguard.runtime.comparing import find_divergence
from tfguard.runtime.distances import Distance, iter_distances, largest_difference
from tfguard.runtime.magnitudes import Tolerance, find_difference, find_largest, numbers_of
from tfguard.runtime.printed import LONGEST, find_printed_difference, read_printed

Event = dict[str, Any]
INFINITE = float("inf")


def step(number: int, loss: float, weight: float) -> Event:
    outputs = {"inputs": None, "outputs": [[1, loss]]}
    weights = [["w", str(weight), [2, weight, 4.0]]]
    return {
        "kind": "step",
        "name": "train",
        "number": number,
        "inputs": None,
        "outputs": str(loss),
        "loss": loss,
        "numbers": outputs,
        "weights": weights,
    }


def make_run(drift: float, steps: int = 30) -> Run:
    events = [
        step(n, 8.0 / n + (drift if n > 10 else 0), 2.0 + (drift * n if n > 10 else 0)) for n in range(1, steps + 1)
    ]
    environment = {"kind": "environment", "TensorFlow": "2.21.0", "variables": {"OMP_NUM_THREADS": "2"}, "cores": 2}
    return Run(1, 0, "", "", [*events, environment], events)


def make_verdict(*drifts: float, tolerance: Tolerance | None = None) -> Verdict:
    runs = [make_run(drift) for drift in drifts]
    verdict = Verdict("train <script>.py", runs, tolerance)
    for number, run in enumerate(runs[1:], 2):
        found = find_divergence(runs[0].compared, run.compared)
        verdict.bits = verdict.bits or found
        found = find_divergence(runs[0].compared, run.compared, tolerance)
        if found is not None and verdict.divergence is None:
            verdict.divergence, verdict.differing = found, number
    return verdict


def against(verdict: Verdict, *, drift: float = 0.0, agree: bool = True, **place: Any) -> Comparison:
    """A record of the same program, made where TensorFlow was older."""
    environment = {"TensorFlow": "2.15.1", "processor": "one", "sources": {"a.py": "1"}, "variables": {}, **place}
    recorded = {"schema": 2, "program": verdict.program, "runs": 2, "agree": agree, "environment": environment}
    now = {"TensorFlow": "2.21.0", "processor": "two", "sources": {"a.py": "1"}, "variables": {"OMP_NUM_THREADS": "2"}}
    return compare_with_record(verdict, {**recorded, "trace": make_run(drift).compared}, now)


def test_the_page_stands_alone_and_is_the_same_every_time() -> None:
    verdict = make_verdict(0.0, 1e-3, 1e-5)
    verdict.record = against(verdict, drift=0.1)
    page = render_page(verdict)
    assert page == render_page(verdict)
    assert not re.search(r"https?:|<script|<link|src=|@import|url\(", page)
    assert "train &lt;script&gt;.py" in page
    assert "prefers-color-scheme: dark" in page
    for figure in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(figure)
    assert "TensorFlow 2.15.1 then, 2.21.0 now" in page
    used = set(re.findall(r'class="(\w+)"', page)) - {"verdict"}
    assert all(f".{name} " in page or f".{name}," in page for name in used), used


def test_the_plot_shows_where_runs_part_and_how_far() -> None:
    page = render_page(make_verdict(0.0, 1e-3))
    strips = re.findall(r'<rect class="(\w+)" x="([\d.]+)" y="(\d+)" width="([\d.]+)"', page)
    weights = [(kind, round((float(x) + float(width) - 84) / 664 * 30)) for kind, x, y, width in strips if y == "44"]
    assert weights == [("same", 10), ("differs", 30)]
    heights = [float(y) for y in re.findall(r"[\d.]+,([\d.]+)", re.findall(r'class="weights" points="(.*?)"', page)[0])]
    assert heights[:10] == [230.0] * 10
    assert heights[10:] == sorted(heights[10:], reverse=True)
    assert heights[10] < 200


def test_distances_are_in_units_of_the_largest_magnitude() -> None:
    first, second = make_run(0.0).compared, make_run(1e-3).compared
    found = iter_distances(first, second)
    assert found[9] == Distance(10, None, 0.0, 0.0)
    assert found[10].outputs == pytest.approx(1e-3 / (8.0 / 11 + 1e-3))
    assert found[10].weights == pytest.approx(11e-3 / 4.0)
    assert largest_difference(first, second) == max(found[29].weights or 0, *(value.outputs or 0 for value in found))
    assert largest_difference(first, first) == 0


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ([2, 1.0, 4.0], [2, 1.5, 4.0], 0.125),
        ([2, 1.0, 4.0], [3, 1.0, 4.0], INFINITE),
        ([1, float("nan")], [1, float("nan")], 0.0),
        ([1, INFINITE], [1, INFINITE], 0.0),
        ([1, INFINITE], [1, 1.0], INFINITE),
        ([1, float("nan")], [1, 1.0], INFINITE),
        ([1, 0.0], [1, 0.0], 0.0),
        ("digest", "digest", 0.0),
        ("digest", "other", INFINITE),
        ("digest", [1, 0.0], INFINITE),
    ],
)
def test_differences(one: Any, other: Any, difference: float) -> None:
    assert find_difference(one, other).relative == difference
    assert find_difference(other, one).relative == difference
    assert find_largest([one, [1, 0.0]], [other, [1, 0.0]]).relative == difference


@pytest.mark.parametrize(
    ("tolerance", "same"),
    [(Tolerance(1e-2), True), (Tolerance(1e-3), False), (Tolerance(0, 0.031), True), (Tolerance(0, 0.029), False)],
)
def test_a_tolerance(tolerance: Tolerance, same: bool) -> None:
    verdict = make_verdict(0.0, 1e-3, tolerance=tolerance)
    assert verdict.is_same is same
    assert verdict.bits is not None
    assert verdict.bits.step == 11
    text = "\n".join(verdict.lines())
    assert ("same within " in text) is same
    assert verdict.to_json()["tolerance"]["needed"] == pytest.approx(30e-3 / 4, rel=0.01)


def test_the_record_names_what_changed_the_likeliest_first() -> None:
    verdict = make_verdict(0.0, 0.0)
    far, near = against(verdict, drift=0.5), against(verdict, drift=1e-8)
    assert str(far.likely[0]) == "TensorFlow 2.15.1 then, 2.21.0 now"
    assert [change.kind for change in near.likely] == ["TensorFlow", "processor", "variable"]
    assert [change.kind for change in far.likely] == ["TensorFlow", "variable", "processor"]
    text = "\n".join(far.lines(2, alike=True))
    assert "the runs here agree, those there agreed" in text
    assert "likely cause: TensorFlow 2.15.1 then, 2.21.0 now, or one of the 2 other changes" in text
    changed = against(verdict, drift=0.5, sources={"a.py": "0"}, TensorFlow="2.21.0")
    assert str(changed.likely[0]) == "a.py has changed"
    assert against(verdict).divergence is None
    assert next(str(change) for change in against(verdict).changes) == "TensorFlow 2.15.1 then, 2.21.0 now"


def test_where_runs_differ_in_one_place_places_are_not_compared() -> None:
    verdict = make_verdict(0.0, 0.5)
    assert "does not repeat itself" in "\n".join(against(verdict, drift=0.3).lines(2, alike=False))
    assert "does not repeat itself" in "\n".join(against(verdict, drift=0.3, agree=False).lines(2, alike=True))


def test_many_steps_are_put_together_and_none_is_lost() -> None:
    values = [0.0] * 5000
    values[4321] = 1e-4
    folded = fold(values, max)
    assert len(folded) <= 220
    assert [kind for _, _, kind in iter_stretches(folded)] == ["same", "differs", "same"]
    assert "points=" in plot_distances("t", [Line("weights", "weights", values)])
    assert fold([], max) == []


def test_numbers_of_arrays() -> None:
    np = pytest.importorskip("numpy")
    assert numbers_of(np.array([[1.5, -2.0]], "float32")) == [2, 1.5, -2.0]
    assert numbers_of(np.float64(0.25)) == [1, 0.25]
    assert numbers_of(np.array([1 + 2j], "complex64")) == [2, 1.0, 2.0]
    assert numbers_of(np.array([], "float32")) == [0]
    large = np.arange(-10, 190, dtype="float32").reshape(20, 10)
    assert numbers_of(large) == [200, 189.0, 89.5, 90.05, *range(-10, 190, 25)]
    assert numbers_of(large.T.copy().T[::2]) != numbers_of(large)
    assert isinstance(numbers_of(np.array([1, 2])), str)
    huge = np.ones(1 << 20, "float16")
    assert numbers_of(huge)[:4] == [1 << 20, 1.0, 1.0, 1.0]
    with np.errstate(all="raise"):
        endless = numbers_of(np.array([np.inf, -np.inf, np.nan] * 5, "float32"))
    assert find_difference(endless, endless).relative == 0


def test_close_arrays_are_always_taken_for_the_same() -> None:
    np = pytest.importorskip("numpy")
    random = np.random.default_rng(1)
    for size in (3, 100, 100_000):
        one = random.normal(size=size)
        other = one + random.uniform(-1, 1, size=size) * 1e-6 * abs(one).max()
        assert find_difference(numbers_of(one), numbers_of(other)).relative <= 1.01e-6
        assert find_difference(numbers_of(one), numbers_of(other)).relative > 0


@pytest.mark.parametrize(
    ("one", "other", "tolerance", "said"),
    [
        ("a\nb 1.0", "a\nb 1.0", None, None),
        ("a\nb 1.0", "a\nb 1.1", None, "line 2 of what is printed: `b 1.0` and `b 1.1`"),
        ("loss: 1.0000 (2 %)", "loss: 1.0001 (2 %)", 1e-3, None),
        ("loss: 1.0000", "loss: 1.1", 1e-3, "line 1 of what is printed: `loss: 1.0000` and `loss: 1.1`"),
        ("[1e-3,-2.]", "[1.0001e-3 ,-2.]", 1e-3, "line 1 of what is printed: `[1e-3,-2.]` and `[1.0001e-3 ,-2.]`"),
        ("[1e-3,-2.]", "[1.0001e-3,-2.0001]", 1e-3, None),
        ("nan 1", "nan 1.0", 0.0, None),
        (
            "conv2d_1 v1.2.3",
            "conv2d_2 v1.2.3",
            10.0,
            "line 1 of what is printed: `conv2d_1 v1.2.3` and `conv2d_2 v1.2.3`",
        ),
        ("v1.2.3", "v1.2.4", 10.0, "line 1 of what is printed: `v1.2.3` and `v1.2.4`"),
        ("a", "a\nb", None, "the number of lines that are printed: 1 and 2"),
        ("x\n" * LONGEST, "x\n" * LONGEST + "y", None, f"what is printed after line {LONGEST // 2}"),
    ],
)
def test_what_is_printed(one: str, other: str, tolerance: float | None, said: str | None) -> None:
    within = None if tolerance is None else Tolerance(tolerance)
    assert find_printed_difference(read_printed(one), read_printed(other), within) == said


FIT = """
import numpy as np, tensorflow as tf
tf.keras.utils.set_random_seed(1)
x = np.linspace(0, 1, 128).reshape(32, 4).astype("float32")
x += np.random.default_rng().random(x.shape).astype("float32") * 1e-6
model = tf.keras.Sequential([tf.keras.layers.Dense(40), tf.keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
model.fit(x, x.sum(axis=1), epochs=2, batch_size=8, verbose=0)
"""


@needs_tensorflow
def test_fit_within_a_tolerance(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(FIT)
    options = ("--tolerance", "1e-3", "--html", "page.html", "--record", "run.json", "--format", "text")
    done = call(tmp_path, *options, "program.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "same within 0.001: program.py in 2 fresh processes; bits differ from" in done.stdout
    page = (tmp_path / "page.html").read_text()
    assert len(re.findall(r'class="run[12]" points=', page)) == 2
    done = call(tmp_path, "--runs", "1", "--tolerance", "1e-9", "--against", "run.json", "program.py")
    assert done.returncode == 1
    assert "a matter of rounding" in done.stdout
