"""Trains a config of the zoo: `python train.py [CONFIG] [--set part.key=value ...]`, the same as `kzoo train`."""

import sys

from kzoo.__main__ import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
