"""The one error type of the generator, and its case for weights that are not there."""


class AvctError(ValueError):
    """An input that the generator cannot use: says what was expected, what came and from where."""


class MissingWeights(AvctError):
    """A checkpoint or a front end's model that is not there."""
