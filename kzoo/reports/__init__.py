"""Reports on finished runs and on data: comparisons and votes of runs, tables and pictures of examples."""
