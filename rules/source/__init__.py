"""TFG9xx: what keeps tfguard from reading a file, and its own suppressions."""
