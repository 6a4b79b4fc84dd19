"""The one error type of the metric room, and its cases for unknown names and missing weights."""


class MetricError(ValueError):
    """An input that a metric cannot use: says what was expected and what came."""


class UnknownVariant(MetricError):
    """A metric id that is not registered; the message suggests near names."""


class MissingWeights(MetricError):
    """A metric's network weights that are not there."""
