"""TFG3xx: merge_all, gradients, scopes, sessions."""
