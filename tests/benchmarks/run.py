"""Measures tfguard against its peers, in one run and as ratios of CPU time.

    python tests/benchmarks/run.py [--write]

makes an environment of its own with Fixit, TorchFix, libcst and TensorFlow (about 2 GB, removed again unless
`--environment DIR` keeps it), takes real TensorFlow code from wheels on PyPI (or below `--corpus DIR`), and prints the
table of the README; `--write` puts it there. Commands that are compared run in turn, A B A B ...; a row shows the
median of their ratios and the smallest and largest. `--quick` needs no network: libcst alone, 20 files, one run.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
import tempfile
from pathlib import Path

from cases import QUICK, Bench, Row, Sizes, measure_all
from environment import ROOT, make_environment, this_environment
from measure import BenchmarkError
from table import render_table, write_into
from trees import LEGACY, MODERN, TORCH, fetch_packages, read_code


def main() -> int:
    """Measure, print the table, and write it where it was asked for."""
    options = _parse_arguments()
    with tempfile.TemporaryDirectory(prefix="tfguard-benchmark-") as folder:
        bench = _prepare(options, Path(folder).resolve())
        rows: list[Row] = []
        try:
            for row in measure_all(bench):
                rows.append(row)
                print(f"{row.question}: {row.reached}", file=sys.stderr, flush=True)
        except BenchmarkError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        machine = f"{os.cpu_count()} cores of {platform.machine()}, {platform.system()}"
        table = render_table(rows, bench.environment.versions(), datetime.date.today().isoformat(), machine)
    print(table, end="")
    if options.write:
        write_into(ROOT / "README.md", table)
    return 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="measure on the Python files below DIR")
    parser.add_argument("--environment", type=Path, metavar="DIR", help="keep the peers there for the next time")
    parser.add_argument("--runs", type=int, default=Sizes.runs, metavar="N", help="how often each pair is run")
    parser.add_argument("--quick", action="store_true", help="20 files, no peer but libcst: does the harness work?")
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    return parser.parse_args()


def _prepare(options: argparse.Namespace, work: Path) -> Bench:
    """The environment and the code, as the options say."""
    if options.quick:
        code = read_code(options.corpus or ROOT / "fixtures")
        return Bench(this_environment(), QUICK, code.of_tensorflow, code.of_tensorflow, code.of_others, None, work)
    kept = options.environment.resolve() if options.environment else work / "environment"
    environment = make_environment(kept, work)
    sizes = Sizes(runs=options.runs)
    downloads = kept / "downloads"
    torch = fetch_packages(TORCH, downloads, work / "torch-code").mentioning(b"torch")
    if options.corpus:
        code = read_code(options.corpus.resolve())
        return Bench(environment, sizes, code.of_tensorflow, code.of_tensorflow, code.of_others, torch, work)
    modern = fetch_packages(MODERN, downloads, work / "modern-code")
    legacy = fetch_packages(LEGACY, downloads, work / "legacy-code").mentioning(b"tensorflow")
    return Bench(environment, sizes, modern.of_tensorflow, legacy, modern.of_others, torch, work)


if __name__ == "__main__":
    sys.exit(main())
