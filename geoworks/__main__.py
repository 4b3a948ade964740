"""`python -m geoworks`: the command line."""

from geoworks.cli import main

if __name__ == "__main__":
    main()
