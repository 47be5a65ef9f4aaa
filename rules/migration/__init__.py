"""TFG4xx: TensorFlow 0.x to 1.x to 2.x, contrib, Keras 1 and 2 to 3."""
