"""`python -m dgeo` is `dgeo`."""

from dgeo.cli import main

if __name__ == "__main__":
    main()
