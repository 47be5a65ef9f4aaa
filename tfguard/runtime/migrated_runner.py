"""`migrated_runner.py SCRIPT|-c CODE [arguments]`: what `tfguard run --migrate` starts in the place of the program.

What is imported needs no runner: it goes through the hooks of `sources`.
"""

from tfguard.runtime.scripts import run_program

if __name__ == "__main__":
    run_program()
