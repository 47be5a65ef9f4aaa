"""What TensorFlow took away and old programs still import; `tfguard run --migrate` puts it in its place.

Standard library alone at import; NumPy and TensorFlow are there when a program imports what stands here.
"""
