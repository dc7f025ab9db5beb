"""`python -m kzoo`: the same as the command `kzoo`."""

from kzoo.cli import main

if __name__ == "__main__":
    main()
