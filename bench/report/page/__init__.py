"""The page: the run in one folder that opens from disk."""
