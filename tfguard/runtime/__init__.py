"""The shim: carries out tfguard's fixes while a program runs, without an edit of its source.

`setup` is what a program calls itself (the preamble of style `shim`); `tfguard run` calls it before the program begins.
Everything here is read by the interpreters of old programs: syntax and library of Python 3.6 to 3.13, nothing but the
standard library imported, TensorFlow, Keras and NumPy touched when they arrive.
"""

from tfguard.runtime.shim import setup

__all__ = ["setup"]
