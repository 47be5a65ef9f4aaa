"""TFG1xx: seeds, hash seed, order, determinism."""
