"""`python -m tfguard`."""

from tfguard.cli.main import main

if __name__ == "__main__":
    main()
