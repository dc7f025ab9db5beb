"""The kinds of cases. A kind is a function (rng, stock) -> `Case` that writes hostile files into the current folder."""

from tests.hostile.kinds.arguments import arguments
from tests.hostile.kinds.arrays import arrays
from tests.hostile.kinds.configs import config_text, config_values
from tests.hostile.kinds.exports import exports
from tests.hostile.kinds.images import folders, predictions
from tests.hostile.kinds.layers import layers
from tests.hostile.kinds.runs import finished_runs, interrupted_runs
from tests.hostile.kinds.shards import shards
from tests.hostile.kinds.weights import weights

KINDS = {
    kind.__name__: kind
    for kind in (
        *(arguments, arrays, config_text, config_values, exports, folders, predictions),
        *(layers, finished_runs, interrupted_runs, shards, weights),
    )
}
# Each kind's share of twenty cases: more of those that are cheap or find most.
ORDER = (
    *("arrays", "config_text", "config_values", "layers", "weights", "predictions", "arguments", "folders"),
    *("arrays", "config_text", "config_values", "layers", "exports", "predictions", "shards", "finished_runs"),
    *("arrays", "config_text", "config_values", "interrupted_runs"),
)


def kind_of(seed):
    """Returns the name of the kind of the case with this number."""
    return ORDER[seed % len(ORDER)]
