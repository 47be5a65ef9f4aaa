"""Gives every graph that is made from now on the seed: in graph mode a seed belongs to one graph only.

`tf.reset_default_graph()`, `tf.Graph()` and Keras' `clear_session()` begin a graph without a seed, which is why a seed
set once at the top of a program of TensorFlow 1 so often does nothing.
"""

import functools
import sys
from typing import Any

_MARK = "_tfguard_seed"


def seed_graphs(tf: Any, seed: int) -> int:
    """Seed the graphs to come; returns how many operations the default graph has already."""
    graph_class = tf.Graph
    graph_class._tfguard_seed = seed
    if getattr(graph_class.__init__, _MARK, False):
        return _operations(tf)
    original = graph_class.__init__

    @functools.wraps(original)
    def __init__(self: Any, *arguments: Any, **keywords: Any) -> None:  # noqa: N807
        original(self, *arguments, **keywords)
        if self.seed is None:
            self.seed = graph_class._tfguard_seed

    setattr(__init__, _MARK, True)
    made = _operations(tf)
    graph_class.__init__ = __init__
    _follow_eager(tf)
    return made


def _operations(tf: Any) -> int:
    """The size of the default graph of a program in graph mode."""
    if not has_default_graph(tf):
        return 0
    get_default_graph = getattr(tf, "get_default_graph", None) or tf.compat.v1.get_default_graph
    return len(get_default_graph().get_operations())


def has_default_graph(tf: Any) -> bool:
    """Is there a graph that the program's operations go to?

    TensorFlow's own functions would make the graph (or, in 1.10, the eager context) that they are asked for, after
    which `enable_eager_execution` refuses: "must be called at program startup".
    """
    for package in ("tensorflow", "tensorflow_core"):
        module = sys.modules.get(package + ".python.framework.ops")
        stack: Any = getattr(module, "_default_graph_stack", None)
        if stack is not None and not stack.stack and stack._global_default_graph is None:
            return False
    eager = getattr(tf, "executing_eagerly", None)
    return eager is None or not eager()


def _follow_eager(tf: Any) -> None:
    """TensorFlow 1 has a seed of its own for eager mode, which begins without one."""
    namespaces = [tf, getattr(getattr(tf, "compat", None), "v1", None)]
    for name in ("enable_eager_execution", "enable_v2_behavior"):
        for namespace in namespaces:
            original = getattr(namespace, name, None)
            if original is not None:
                setattr(namespace, name, _seeding(tf, original))


def _seeding(tf: Any, original: Any) -> Any:
    @functools.wraps(original)
    def enable(*arguments: Any, **keywords: Any) -> Any:
        result = original(*arguments, **keywords)
        set_seed = getattr(tf, "set_random_seed", None) or tf.random.set_seed
        set_seed(tf.Graph._tfguard_seed)
        return result

    return enable
