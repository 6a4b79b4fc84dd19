"""The errors a user can cause. Each is one clear line: what was expected, what came, from which file.

A leaf module: every room of `bench` may import it, it imports nothing of ours.
"""


class BenchError(Exception):
    """A mistake that the user can mend; the command line prints its one line and exits with `exit_code`."""

    exit_code = 2


class ConfigError(BenchError):
    """Bad configuration: unknown key, wrong type, impossible combination (exit code 2)."""


class MediaError(BenchError):
    """A media file that is there but cannot be used: truncated, empty, no stream, wrong kind (exit code 2)."""


class MissingError(BenchError):
    """Data or weights that are not there (exit code 3)."""

    exit_code = 3


class BusyError(BenchError):
    """Another process holds the run folder (exit code 2)."""


class StorageError(BenchError):
    """The output cannot be written: no permission, disk full, path taken by a file (exit code 2)."""
