"""Begins the trace of a process."""

import atexit

from tfguard.runtime.arrivals import Arrivals
from tfguard.runtime.entropy import Clocks, Entropy
from tfguard.runtime.environment import describe_environment
from tfguard.runtime.evidence import Evidence, reorder_listings
from tfguard.runtime.operation_recording import OperationRecorder
from tfguard.runtime.orders import Orders
from tfguard.runtime.parallel import Parallel
from tfguard.runtime.recording import Recorder
from tfguard.runtime.session_recording import SessionRecorder
from tfguard.runtime.trace import Trace


def record(orders: Orders, arrivals: Arrivals) -> None:
    """Begin the trace of this process."""
    trace = Trace(str(orders.trace))
    evidence = Evidence(trace, constant_seeds="constants" in orders.remedies)
    recorder = Recorder(trace)
    clocks = Clocks(trace, is_counted="clock" in orders.remedies)
    Entropy(trace, is_constant="constants" in orders.remedies).install(arrivals)
    evidence.install(arrivals)
    clocks.install(arrivals)
    Parallel(trace, in_turn="in turn" in orders.remedies).install(arrivals)
    if orders.watch is not None:
        arrivals.when_imported("tensorflow", OperationRecorder(trace, orders.watch).install)
    arrivals.when_imported("tensorflow", recorder.install)
    arrivals.when_imported("tensorflow", SessionRecorder(trace).install)
    if orders.listing is not None:
        reorder_listings(orders.listing, trace)
    atexit.register(lambda: trace.add("environment", **describe_environment()))
    atexit.register(evidence.end)
    atexit.register(clocks.end)
    atexit.register(recorder.end)
