"""Records the reduced goldens syncnet.* and mfcc.*: `python tests/golden/metrics/record_syncnet.py`, once.

post* (vectors with a planted shift and what the read-out must give) and mfcc's cases are some of those in
../shared/metrics/golden, whose README says by which packages they were made. The small clip is ours: made-up blocks of
colour, 28x28, enlarged eight times, and what syncnet_python 0.2.3's network gives for it with seeded weights.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SHARED = HERE.parents[3] / "shared" / "metrics" / "golden"
POSTS, CASES = ("post1", "post2", "post4"), ("silence", "len_403", "len_399", "len_7777", "dc")
FRAMES, KEPT, SEED, REACH = 12, 128, 303, 3


def small_clip() -> tuple[dict[str, np.ndarray], dict]:
    """Blocks of colour and sound, and the vectors and numbers by the package's network and formulas."""
    import torch
    from python_speech_features import mfcc
    from seeded_weights import seeded_state, shapes_of, state_sha256
    from syncnet_python.SyncNetInstance import calc_pdist
    from syncnet_python.SyncNetModel import S

    rng = np.random.default_rng(SEED)
    blocks = rng.integers(0, 256, (FRAMES, 28, 28, 3)).astype(np.uint8)
    audio = rng.normal(0, 3000, 640 * FRAMES).astype(np.int16)
    network = S().eval()
    state = seeded_state(shapes_of(network), SEED)
    network.load_state_dict(state)
    pictures = torch.from_numpy(blocks.repeat(8, 1).repeat(8, 2)).float().permute(3, 0, 1, 2)
    rows = torch.from_numpy(mfcc(audio, 16_000).T.copy()).float()
    windows = FRAMES - 5
    with torch.inference_mode():
        lips = network.forward_lip(torch.stack([pictures[:, k : k + 5] for k in range(windows)]))
        sound = network.forward_aud(torch.stack([rows[None, :, 4 * k : 4 * k + 20] for k in range(windows)]))
        means = torch.stack(calc_pdist(lips, sound, vshift=REACH), 1).mean(1)
    told = {
        "seed": SEED,
        "state_sha256": state_sha256(state),
        "n_windows": windows,
        "small_clip_vshift3": {
            "offset": REACH - int(means.argmin()),
            "conf": float(means.median() - means.min()),
            "min_dist": float(means.min()),
            "mdist": means.tolist(),
        },
    }
    arrays = {
        "blocks_bgr_uint8": blocks,
        "audio_int16_16k": audio,
        "expected_lip_embed": lips[:, :KEPT].numpy(),
        "expected_aud_embed": sound[:, :KEPT].numpy(),
    }
    return arrays, told


def main() -> None:
    """Write both pairs of files where they are lacking."""
    sys.path.insert(0, str(HERE.parents[1] / "metrics"))
    if not (HERE / "syncnet.json").exists():
        arrays, told = small_clip()
        given = json.loads((SHARED / "syncnet.json").read_text())
        with np.load(SHARED / "syncnet.npz") as held:
            arrays |= {name: held[name] for name in held.files if name.partition("__")[0] in POSTS}
        told |= {name: given[name] for name in POSTS}
        np.savez_compressed(HERE / "syncnet.npz", **arrays)
        (HERE / "syncnet.json").write_text(json.dumps(told, indent=1) + "\n")
    if not (HERE / "mfcc.json").exists():
        given = json.loads((SHARED / "mfcc.json").read_text())
        with np.load(SHARED / "mfcc.npz") as held:
            np.savez_compressed(HERE / "mfcc.npz", **{n: held[n] for n in held.files if n.rpartition("__")[0] in CASES})
        given["shapes"] = {name: given["shapes"][name] for name in CASES}
        (HERE / "mfcc.json").write_text(json.dumps(given, indent=1) + "\n")


if __name__ == "__main__":
    main()
