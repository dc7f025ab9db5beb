"""Export formats, one in each file; `kzoo.export.registry` finds them."""
