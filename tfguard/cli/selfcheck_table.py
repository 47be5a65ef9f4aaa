"""What the digests of `tfguard selfcheck` say: the cells of its table, what to set, and the sentences below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Found = Mapping[str, Any]

SAME, DIFFERS, RAISES, ABSENT = "same", "differs", "raises", "absent"
#: What is tried to make a probe repeat itself, in this order, and the condition that shows whether it does.
REMEDIES = (
    ("nothing", "default", False, None),
    ("op determinism", "op_determinism", True, None),
    ("1 thread", "one_thread", False, 1),
    ("op determinism, 1 thread", "op_determinism_one_thread", True, 1),
)
_HOPELESS = "avoid it"
#: Conditions that pin nothing: what differs in one of them needs a remedy, if the default runs agreed by luck too.
_UNPINNED = ("many_threads", "onednn_on", "onednn_off")


@dataclass(frozen=True, slots=True)
class Cell:
    """What a probe did under a condition."""

    verdict: str
    #: Are its bits those of the default settings? None where that says nothing.
    as_default: bool | None = None
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Without what says nothing."""
        fields = {"verdict": self.verdict, "as_default": self.as_default, "error": self.error}
        return {key: value for key, value in fields.items() if value is not None}

    def __str__(self) -> str:
        if self.verdict == ABSENT:
            return "-"
        return f"{self.verdict}*" if self.as_default is False else self.verdict


def judge(found: Sequence[Found], default: str | None) -> Cell:
    """One cell: what the processes of a condition gave, against the bits of the default settings."""
    for process in found:
        if "absent" in process:
            return Cell(ABSENT)
        if "error" in process:
            return Cell(RAISES, error=process["error"])
    digests = {digest for process in found for digest in process["digests"]}
    if len(digests) > 1:
        return Cell(DIFFERS)
    return Cell(SAME, None if default is None else digests == {default})


def judge_each(found: Sequence[Found]) -> Cell:
    """Does each process repeat itself, whatever the others compute?"""
    cells = [judge([process], None) for process in found]
    return next((cell for cell in cells if cell.verdict != SAME), cells[0])


@dataclass(slots=True)
class Row:
    """One probe on one device."""

    cells: dict[str, Cell] = field(default_factory=dict)

    def remedy(self) -> str:
        """What makes it repeat itself, as the processes showed."""
        default = self.cells["default"]
        if default.verdict in (ABSENT, RAISES):
            return "-"
        for title, key, _, _ in REMEDIES:
            if key in self.cells and self.cells[key].verdict == SAME and not (key == "default" and self.is_lucky()):
                return title
        return _HOPELESS

    def is_lucky(self) -> bool:
        """Does it differ where nothing is pinned?"""
        return any(self.cells[key].verdict == DIFFERS for key in _UNPINNED if key in self.cells)

    def to_json(self) -> dict[str, Any]:
        """The cells, and what to set."""
        return {**{key: cell.to_json() for key, cell in self.cells.items()}, "set": self.remedy()}


def find(run: Found, place: str, name: str) -> Found:
    """What a process gave; signals ended all processes of some conditions."""
    if "crashed" in run:
        return {"error": f"the process: {run['crashed']}"}
    found: Found = run["devices"][place]["plain"][name]
    return found


class Table:
    """Rows by device and probe, made of the runs of each condition."""

    def __init__(self, conditions: Sequence[Any], runs: Mapping[str, list[dict[str, Any]]]) -> None:
        self.conditions = conditions
        self.runs = runs
        self.columns = [condition.key for condition in conditions if condition.key != "default"]
        first = runs["default"][0]["devices"]
        self.rows = {place: {name: self._row(place, name) for name in parts["plain"]} for place, parts in first.items()}
        self.titles = {"one_process": "1 process", "default": "2 processes", "xla": "XLA"} | {
            condition.key: condition.title for condition in conditions if condition.key != "default"
        }

    def _row(self, place: str, name: str) -> Row:
        """All cells of one probe."""
        plain = [run["devices"][place]["plain"][name] for run in self.runs["default"]]
        row = Row({"one_process": judge_each(plain), "default": judge(plain, None)})
        default = plain[0]["digests"][0] if row.cells["default"].verdict == SAME else None
        for key in self.columns:
            row.cells[key] = judge([find(run, place, name) for run in self.runs[key]], default)
        compiled = [run["devices"][place].get("xla", {}).get(name) for run in self.runs["default"]]
        if all(compiled):
            row.cells["xla"] = judge(compiled, default)
        return row

    def iter_rows(self) -> Iterator[tuple[str, str, Row]]:
        """Device, probe and row."""
        for place, rows in self.rows.items():
            for name, row in rows.items():
                yield place, name, row

    @property
    def needs_more(self) -> bool:
        """Does something differ that op determinism alone does not mend?"""
        return any(row.remedy() in ("1 thread", _HOPELESS) for _, _, row in self.iter_rows())

    def recommend(self) -> tuple[bool, int | None, str]:
        """Op determinism, threads, and the condition that is both; the least that mends every probe that can be."""
        needed = {row.remedy() for _, _, row in self.iter_rows()}
        fitting = [remedy for remedy in REMEDIES if remedy[0] in needed]
        determinism = any(remedy[2] for remedy in fitting)
        threads = next((remedy[3] for remedy in fitting if remedy[3] is not None), None)
        key = next(remedy[1] for remedy in REMEDIES if remedy[2:] == (determinism, threads))
        return determinism, threads, key

    def to_json(self) -> dict[str, Any]:
        """For machines; the text is made of it too."""
        determinism, threads, key = self.recommend()
        differing = [
            {"device": place, "probe": name, "verdict": row.cells[key].verdict}
            for place, name, row in self.iter_rows()
            if row.cells[key].verdict in (DIFFERS, RAISES)
        ]
        return {
            "probes": {place: {name: row.to_json() for name, row in rows.items()} for place, rows in self.rows.items()},
            "columns": [{"key": key, "title": title} for key, title in self.titles.items() if self._has(key)],
            "recommended": {"op_determinism": determinism, "threads": threads},
            "differing": differing,
        }

    def _has(self, key: str) -> bool:
        return any(key in row.cells for _, _, row in self.iter_rows())


# -- for people -----------------------------------------------------------------------------------------------


def iter_lines(result: Found) -> Iterator[str]:
    """Versions and machine, a table for each device, and what to do."""
    yield from _iter_heading(result)
    for place, rows in result["probes"].items():
        yield ""
        yield from _iter_table(place, rows, result["columns"])
    for name, backend in result["backends"].items():
        yield ""
        yield from _iter_backend(name, backend)
    yield ""
    yield from _iter_advice(result)


def _iter_heading(result: Found) -> Iterator[str]:
    machine = result["machine"]
    yield ", ".join(f"{name} {version}" for name, version in sorted(result["versions"].items()))
    yield f"{machine['system']}, {machine['processor'] or machine['architecture']}, {machine['usable_cores']} cores"
    if machine["instructions"]:
        yield f"instructions: {' '.join(machine['instructions'])}"
    if result["gpus"]:
        names = [gpu.get("device_name", "?") for gpu in machine["gpus"]]
        build = ", ".join(f"{key} {value}" for key, value in machine["build"].items())
        yield f"GPUs: {', '.join(names or result['gpus'])}; driver {machine['driver'] or 'unknown'}; {build}"
    else:
        yield "GPUs: none seen by TensorFlow; the CPU is checked" if result["probes"] else "GPUs: none"
    if result["left_out"]:
        left = ", ".join(f"{name}={value}" for name, value in result["left_out"].items())
        yield f"set here, but not for the probes: {left}"


def _iter_table(place: str, rows: Found, columns: Sequence[Found]) -> Iterator[str]:
    width = max(len(name) for name in rows)
    titles = [column["title"] for column in columns]
    yield f"{place:<{width}}  " + "".join(f"{title:<13}" for title in titles) + "to set"
    for name, row in rows.items():
        cells = [str(read_cell(row.get(column["key"], {"verdict": ABSENT}))) for column in columns]
        yield f"{name:<{width}}  " + "".join(f"{cell:<13}" for cell in cells) + row["set"]


def read_cell(document: Found) -> Cell:
    """What `Cell.to_json` wrote."""
    return Cell(document["verdict"], document.get("as_default"), document.get("error"))


def _iter_backend(name: str, backend: Found) -> Iterator[str]:
    versions = ", ".join(f"{key} {value}" for key, value in sorted(backend["versions"].items()))
    if backend["device"] is None:
        yield f"Keras on {name}: {backend['reason']}"
        return
    yield f"Keras on {name}, {backend['device']} ({versions})"
    yield from _iter_table(name, backend["probes"], backend["columns"])


def _iter_advice(result: Found) -> Iterator[str]:
    """In sentences."""
    options = [
        *(["--op-determinism"] if result["recommended"]["op_determinism"] else []),
        *([f"--threads {result['recommended']['threads']}"] if result["recommended"]["threads"] else []),
    ]
    settings = f"`tfguard run {' '.join(options)}`" if options else "the default settings"
    if result["probes"]:
        if result["differing"]:
            named = ", ".join(f"{one['probe']} ({one['verdict']}, {one['device']})" for one in result["differing"])
            yield f"does not repeat itself on this machine, even in {settings}: {named}"
        else:
            yield f"every probe repeats itself on this machine in {settings}"
    yield from _iter_dependences(result)


def _iter_dependences(result: Found) -> Iterator[str]:
    """What decides about the bits, for those who go to another machine."""
    threads = _names(result, ("one_thread", "many_threads"), other=True)
    if threads:
        yield f"other bits with another number of threads ({len(threads)}): pin it elsewhere too (`--threads N`)"
    onednn = _names(result, ("onednn_on", "onednn_off"), other=True)
    if onednn:
        yield f"other bits with and without oneDNN ({len(onednn)}): set TF_ENABLE_ONEDNN_OPTS to 0 (or 1) everywhere"
    compiled = _names(result, ("xla",), other=False)
    if compiled:
        yield f"under XLA these differ from run to run, so leave `jit_compile` off: {', '.join(compiled)}"


def _names(result: Found, keys: Sequence[str], *, other: bool) -> list[str]:
    """Probes that under one of the conditions have other bits than by default, or that differ from run to run."""
    found: list[str] = []
    for rows in result["probes"].values():
        for name, row in rows.items():
            cells = [read_cell(row[key]) for key in keys if key in row]
            hit = any(cell.as_default is False if other else cell.verdict == DIFFERS for cell in cells)
            if hit and name not in found:
                found.append(name)
    return found
