"""Records how the examples of the rules on sessions end on old TensorFlow: `record_session_rules.py PYTHON...`.

Each PYTHON is an interpreter with a TensorFlow of its own. Writes tests/execution/goldens/session_rules.json: for each
rule, version and example ("Bad 0", "Good 0") the error, or "" where the example comes to its end.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

from tfguard.catalogue import load_catalogue

RULES = (
    *("merge-all-shared-scope", "variable-exists", "graph-grows-in-loop", "variables-not-initialized"),
    *("fetch-not-in-graph", "feed-missing"),
)
GOLDEN = Path(__file__).parent.parent / "execution" / "goldens" / "session_rules.json"
_BLOCK = re.compile(r"^## (Bad|Good)\n((?:    .*\n|\s*\n)+)", re.MULTILINE)

#: Runs each program in a new graph; a session's graph is finished after twelve runs where that is asked for.
DRIVER = """
import json, sys
import tensorflow as tf
programs, endings = json.load(sys.stdin), {}
base = tf.Session.__mro__[1]
original = base.run
def counted(session, *arguments, **keywords):
    session.runs = getattr(session, "runs", 0) + 1
    if session.runs == 12 and finishing:
        session.graph.finalize()
    return original(session, *arguments, **keywords)
base.run = counted
for name in sorted(programs):
    finishing = name.startswith("graph-grows-in-loop")
    tf.reset_default_graph()
    try:
        exec(programs[name], {"__name__": "__main__"})
        endings[name] = ""
    except Exception as error:
        endings[name] = "%s: %s" % (type(error).__name__, str(error).split("\\n")[0])
print(json.dumps([tf.__version__, endings]))
"""


def programs() -> dict[str, str]:
    """The examples, as TensorFlow 1 wants them."""
    found: dict[str, str] = {}
    for rule in load_catalogue().rules:
        counts = {"Bad": 0, "Good": 0}
        for kind, body in _BLOCK.findall(rule.documentation + "\n") if rule.name in RULES else ():
            text = textwrap.dedent(body).replace("tensorflow.compat.v1", "tensorflow")
            found[f"{rule.name}/{kind} {counts[kind]}"] = text.replace("tf.disable_v2_behavior()\n", "")
            counts[kind] += 1
    return found


def main(interpreters: list[str]) -> None:
    """Run everything on every interpreter."""
    given = json.dumps(programs())
    found: dict[str, dict[str, dict[str, str]]] = {}
    for interpreter in interpreters:
        command = [interpreter, "-W", "ignore", "-c", DRIVER]
        result = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
        version, endings = json.loads(result.stdout.splitlines()[-1])
        for name, ending in endings.items():
            rule, _, example = name.partition("/")
            found.setdefault(rule, {}).setdefault(version, {})[example] = ending
    GOLDEN.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
