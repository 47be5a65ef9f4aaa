"""TFG2xx: GPU memory, visibility, placement."""
