# Python 2.7 runs this file too, and whatever a strange module raises is an answer.
# ruff: noqa
"""Asks the TensorFlow and Keras of this interpreter which of the given names they have. Runs on Python 2.7 and 3.

usage: python probe_names.py < NAMES > ANSWERS      one dotted name a line; `import NAME` asks the import statement instead

An answer is `1 NAME` or `0 NAME`. A name is looked up as a program would: the package is imported, the rest are attributes.
A class counts as having what its instances have: see INSTANCES.
"""

from __future__ import print_function

import importlib
import sys
import warnings

warnings.simplefilter("ignore")


def has(dotted, cache):
    """Does the chain of attributes lead somewhere?"""
    if dotted in cache:
        return cache[dotted]
    owner, _, last = dotted.rpartition(".")
    if not owner:
        try:
            cache[dotted] = (True, importlib.import_module(dotted))
        except Exception:
            cache[dotted] = (False, None)
        return cache[dotted]
    found, value = has(owner, cache)
    if found:
        try:
            cache[dotted] = (True, getattr(value, last))
        except Exception:
            cache[dotted] = (False, None)
    else:
        cache[dotted] = (False, None)
    return cache[dotted]


def can_import(dotted):
    """Does `from OWNER import LAST` work?"""
    owner, _, last = dotted.rpartition(".")
    try:
        exec("from %s import %s" % (owner, last) if owner else "import " + dotted, {})
    except BaseException:
        return False
    return True


def main():
    """Reads the questions, writes the answers."""
    cache = {}
    answers = sys.stdout
    questions = [line.strip() for line in sys.stdin if line.strip()]
    sys.stdout = sys.stderr
    for question in questions:
        wanted = question[7:] if question.startswith("import ") else question
        found = can_import(wanted) if question.startswith("import ") else has(wanted, cache)[0]
        answers.write("%d %s\n" % (found, question))


if __name__ == "__main__":
    main()
