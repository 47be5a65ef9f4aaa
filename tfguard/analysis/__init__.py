"""The semantic layer: what Python source means, as far as it can be known without running it.

It knows scopes, values, calls and files, and no TensorFlow symbol: those come in through `Knowledge`.
"""
