"""A page in the browser that shows a model at work: `kzoo explore`."""
