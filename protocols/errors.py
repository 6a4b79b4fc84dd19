"""The one error type of the protocol room: a data file that cannot be used."""


class ProtocolError(ValueError):
    """A protocol, method or dataset file that is missing or wrong: file, key, what was expected, what came."""
