"""Export formats, each checked after writing."""
