"""Search over settings; empty until `kzoo tune` exists."""
