"""tfguard: makes TensorFlow and Keras training code reproduce, share its GPU and run on today's TensorFlow."""

__version__ = "0.1.0"
