"""Networks whose weights are drawn from a seed: speed does not depend on what was learnt, and nobody looks at values.

Files are named as the published ones, in the place where torch hub keeps those, so that a package that would download
its own finds these (TORCH_HOME).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TRUNKS = ("inception2015", "alexnet", "syncnet_v2", "s3fd")
"""Weights that `write` draws, by their names in weights.toml."""


def fill(module: Any, seed: int = 0) -> Any:
    """The module in evaluation mode, its tensors drawn from a seed and of sizes that keep activations near 1."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point():
            continue
        drawn = torch.randn(tensor.shape, generator=generator)
        if tensor.ndim >= 2:
            drawn *= (2 / tensor[0].numel()) ** 0.5
        elif name.endswith(("running_var", "weight")):
            drawn = 1 + 0.1 * drawn.abs()
        else:
            drawn *= 0.05
        tensor.copy_(drawn)
    return module.eval().requires_grad_(False)


def path(home: Path, name: str) -> Path:
    """Where the file of those weights lies below a folder that takes TORCH_HOME's place."""
    from metrics.weights import entry

    return home / "hub" / "checkpoints" / entry(name).file


def write(home: Path, *, seed: int = 0) -> None:
    """Files of every network of TRUNKS under `home`."""
    import torch

    from metrics import inception, lpips_distance, syncnet
    from metrics.faces import s3fd

    (home / "hub" / "checkpoints").mkdir(parents=True, exist_ok=True)
    trunk = fill(lpips_distance.empty(lpips_distance.TRUNKS["alex"]).net.to_empty(device="cpu"), seed)
    # torchvision's numbers of layers, without the name of the stage before them
    features = {f"features.{name.split('.', 1)[1]}": value for name, value in trunk.state_dict().items()}
    faces = fill(s3fd.build_network(), seed)
    for head in faces.conf:  # nothing is a face: of a trained network too, few places are
        head.bias[:-1], head.bias[-1] = 20.0, -20.0
    states = {
        "inception2015": fill(inception.build_network(), seed).state_dict(),
        "alexnet": features,
        "syncnet_v2": fill(syncnet.build_network(), seed).state_dict(),
        "s3fd": faces.state_dict(),
    }
    for name in TRUNKS:
        torch.save(states[name], path(home, name))


@contextmanager
def networks(home: Path) -> Iterator[None]:
    """Meanwhile, our metrics' networks are those under `home`; before and after, none that was loaded is kept."""
    from metrics import inception, lpips_distance, shelf, syncnet, weights

    plain = weights.load_state

    def read(name: str) -> dict[str, Any]:
        import torch

        return torch.load(path(home, name), weights_only=True) if name in TRUNKS else plain(name)

    def forget() -> None:
        for kept in (inception.load_trunk, lpips_distance.network, syncnet.load, shelf._load):
            kept.cache_clear()

    forget()
    weights.load_state = lpips_distance.load_state = read
    try:
        yield
    finally:
        weights.load_state = lpips_distance.load_state = plain
        forget()
