"""From a config to a run folder: data, model, fit, evaluation, export."""
