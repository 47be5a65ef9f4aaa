"""The knowledge of tfguard: every rule and every table. Installed as `tfguard.rules`."""
