"""torch.compile held to its word: whole graphs, fixed shapes, and an error where it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from avct.errors import AvctError


def compiled(work: Callable[..., Any], mode: str) -> Callable[..., Any]:
    """The work compiled in a mode of torch.compile, as one graph without breaks, for the shapes of its first call.

    Raises AvctError at its first call, with torch's first line, where it cannot be compiled; and at once where torch is
    told to hide such failures, since a figure would then be that of something else.
    """
    import torch._dynamo as dynamo

    if dynamo.config.suppress_errors:
        raise AvctError("compile: torch hides compile errors (TORCHDYNAMO_SUPPRESS_ERRORS); expected them to be shown")

    def run(*given: Any) -> Any:
        return work(*given)

    # code of its own: programs of other engines and other sizes do not count towards its limit of recompilations
    run.__code__ = run.__code__.replace()
    made = torch.compile(run, mode=mode, fullgraph=True, dynamic=False)

    def checked(*given: Any) -> Any:
        try:
            return made(*given)
        except (dynamo.exc.TorchDynamoException, dynamo.exc.FailOnRecompileLimitHit) as error:
            said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise AvctError(f"compile: torch could not compile the painters in mode {mode!r}: {said}") from error

    return checked


def compilations() -> int:
    """Graphs that torch has compiled in this process so far."""
    from torch._dynamo.utils import counters

    return int(counters["stats"]["unique_graphs"])
