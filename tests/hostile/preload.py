"""Imports what cases need, for the server from which workers are forked; computes nothing, as threads do not fork."""

import matplotlib.figure  # noqa: F401
import sklearn.metrics  # noqa: F401
import tensorflow_datasets  # noqa: F401

import kzoo.cli.program  # noqa: F401
import kzoo.training.dry_run  # noqa: F401
import kzoo.training.evaluation  # noqa: F401
import kzoo.training.model_lookup  # noqa: F401
import kzoo.training.run  # noqa: F401
import tests.hostile.kinds  # noqa: F401
