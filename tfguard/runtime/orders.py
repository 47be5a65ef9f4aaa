"""What `tfguard run` asks of the process that it starts: one value, handed over in an environment variable."""

import json
from typing import NamedTuple, Optional, Tuple

from tfguard.runtime.settings import Settings

#: Holds the orders as JSON.
VARIABLE = "TFGUARD_RUN"
#: The process id of the first process, which is the one that reports.
FIRST = "TFGUARD_FIRST"


class Orders(NamedTuple):
    """Settings of `setup`, and what only a run can do."""

    settings: Settings
    guards: bool = True
    zero_gradients: bool = False
    quiet: bool = False
    report: Optional[str] = None
    trace: Optional[str] = None
    #: In which order folders are listed: `sorted`, `reversed`, or None for the system's.
    listing: Optional[str] = None
    #: The file with rewritten sources, and the process that takes it away; see `overlay`.
    overlay: Optional[str] = None
    overlay_owner: Optional[int] = None
    #: What a trial of `verify` changes: see `tfguard.runtime.remedies`.
    remedies: Tuple[str, ...] = ()
    #: The step whose operations are recorded one by one.
    watch: Optional[int] = None

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(dict(self._asdict(), settings=self.settings._asdict()), sort_keys=True)


def orders_from_json(text: str) -> Orders:
    """What `Orders.to_json` wrote."""
    read = json.loads(text)
    return Orders(**dict(read, settings=Settings(**read["settings"])))
