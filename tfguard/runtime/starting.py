"""The first thing that happens in a process of `tfguard run`, before the program."""

import atexit
import os

from tfguard.runtime.arrivals import Arrivals
from tfguard.runtime.guards import Guards
from tfguard.runtime.orders import FIRST, VARIABLE, Orders, orders_from_json
from tfguard.runtime.reporting import write_report
from tfguard.runtime.shim import apply_settings
from tfguard.runtime.telling import Telling
from tfguard.runtime.tracebacks import hide_own_frames


def start() -> None:
    """Carry out the orders that the environment holds."""
    orders = orders_from_json(os.environ[VARIABLE])
    telling = Telling(orders.quiet)
    arrivals = Arrivals()
    hide_own_frames()
    if orders.overlay is not None:
        _use_rewritten(orders, telling, arrivals)
    apply_settings(orders.settings, telling, arrivals, entropy=orders.trace is None)
    if orders.guards:
        guards = Guards(telling, zero=orders.zero_gradients)
        arrivals.when_imported("tensorflow", guards.install)
    _begin_first(orders, telling, arrivals)


def _use_rewritten(orders: Orders, telling: Telling, arrivals: Arrivals) -> None:
    """What is left as it was is said by the program's own process."""
    from tfguard.runtime.sources import tell_remarks, use_rewritten

    use_rewritten(str(orders.overlay), orders.overlay_owner, telling, arrivals)
    if FIRST not in os.environ:
        tell_remarks(telling)
    else:
        from tfguard.runtime.scripts import command_line, restart_rewritten

        restart_rewritten(command_line())


def _begin_first(orders: Orders, telling: Telling, arrivals: Arrivals) -> None:
    """Reports and traces are written by the program's own process, not by those that it starts."""
    if FIRST in os.environ:
        return
    os.environ[FIRST] = str(os.getpid())
    if orders.report is not None:
        atexit.register(write_report, orders.report, orders, telling)
    if orders.trace is not None:
        from tfguard.runtime.tracing import record

        record(orders, arrivals)
