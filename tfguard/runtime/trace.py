"""The trace of one run: what `tfguard verify` compares, one JSON object a line, in the order in which it happened.

Compared are `initial` (the first value of a variable), `step` (inputs, results and weights of a training step), `end`
(the weights at the end of the program) and `file` (what it wrote). Evidence for the cause are `seed`, `entropy`,
`listing` and `generators`: who was seeded when, with what and where, and who was used. `environment` says where the run
was made.
"""

import hashlib
import json
import os
import sys
import threading
from typing import Any, Callable, Dict, List, Optional

#: Bytes of a digest: enough to tell values apart, short enough to read.
DIGEST_SIZE = 8
#: Where code is not the program's.
LIBRARIES = ("site-packages", "dist-packages", "<frozen", "<string>", "__autograph_generated_file")


class Trace:
    """Writes events to a file as they happen; of the main thread only, because other threads have no fixed order."""

    def __init__(self, path: str) -> None:
        self.stream = open(path, "w")  # noqa: SIM115
        self.steps = 0
        self.thread = threading.get_ident()
        self.process = os.getpid()
        #: Told the number of each step after it.
        self.followers: List[Callable[[int], None]] = []
        self.busy = False

    def is_ours(self) -> bool:
        """May this call be recorded: in the main thread of this process, and not made by the recording itself?"""
        return not self.busy and threading.get_ident() == self.thread and os.getpid() == self.process

    def add(self, kind: str, **fields: Any) -> None:
        """Write one event; a process that was forked has no place in the trace."""
        if os.getpid() != self.process:
            return
        self.stream.write(json.dumps(dict(fields, kind=kind), sort_keys=True) + "\n")
        self.stream.flush()

    def step(self, name: str, inputs: Any, outputs: Any, **fields: Any) -> None:
        """Write one step, with its number, and readings of what went in and what came out."""
        self.steps += 1
        numbers = {"inputs": inputs.numbers, "outputs": outputs.numbers}
        fields.update(inputs=inputs.digest, outputs=outputs.digest, numbers=numbers)
        self.add("step", number=self.steps, name=name, **fields)
        for follower in self.followers:
            follower(self.steps)

    def wants_weights(self) -> bool:
        """Trainable weights are digested after the first 20 steps, then every third, tenth and hundredth."""
        following = self.steps + 1
        stride = 1 if following <= 20 else 3 if following <= 50 else 10 if following <= 1000 else 100
        return following % stride == 0

    def wants_state(self) -> bool:
        """What an optimizer keeps is several times the weights: after the first five steps, then every tenth."""
        following = self.steps + 1
        return following <= 5 or following % 10 == 0


def digest(values: Any) -> str:
    """Of the bits of NumPy arrays, their types and shapes."""
    total = hashlib.blake2b(digest_size=DIGEST_SIZE)
    for value in values:
        total.update("{}{}".format(value.dtype, value.shape).encode())
        total.update(repr(value.tolist()).encode() if value.dtype.hasobject else value.tobytes())
    return total.hexdigest()


def digest_of_text(text: str) -> str:
    """Of anything that has a faithful representation."""
    return digest_of_bytes(text.encode())


def digest_of_bytes(content: bytes) -> str:
    """Of a file, for example."""
    return hashlib.blake2b(content, digest_size=DIGEST_SIZE).hexdigest()


def find_place() -> Optional[str]:
    """The innermost line of the program itself (no library, nothing of ours) that led here, as `file:line`."""
    frame: Any = sys._getframe(1)
    standard = getattr(json, "__file__", "").rsplit("json", 1)[0]
    while frame is not None:
        name = frame.f_code.co_filename
        own = name.startswith(standard) or __name__.split(".")[0] == frame.f_globals.get("__name__", "").split(".")[0]
        if not own and not any(part in name for part in LIBRARIES):
            here = os.path.join(os.getcwd(), "")
            return "{}:{}".format(name[len(here) :] if name.startswith(here) else name, frame.f_lineno)
        frame = frame.f_back
    return None


def read_trace(path: str) -> List[Dict[str, Any]]:
    """The events of a file."""
    with open(path) as stream:
        return [json.loads(line) for line in stream if line.endswith("\n")]
