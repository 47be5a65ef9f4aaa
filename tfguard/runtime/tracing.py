"""Begins the trace of a process."""

import atexit
from typing import Optional

from tfguard.runtime.arrivals import Arrivals
from tfguard.runtime.environment import describe_environment
from tfguard.runtime.evidence import Evidence, reorder_listings
from tfguard.runtime.recording import Recorder
from tfguard.runtime.session_recording import SessionRecorder
from tfguard.runtime.trace import Trace


def record(path: str, listing: Optional[str], arrivals: Arrivals) -> None:
    """Begin the trace of this process."""
    trace = Trace(path)
    evidence = Evidence(trace)
    recorder = Recorder(trace)
    evidence.install(arrivals)
    arrivals.when_imported("tensorflow", recorder.install)
    arrivals.when_imported("tensorflow", SessionRecorder(trace).install)
    if listing is not None:
        reorder_listings(listing, trace)
    atexit.register(lambda: trace.add("environment", **describe_environment()))
    atexit.register(evidence.end)
    atexit.register(recorder.end)
