"""Trains the corpus's judge of lip sync, which measures generators and never teaches one.

Its cast (`mouths`) shares neither identities nor voices with the expert's, and its seeds are others.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from avct.training.sync import SyncRecipe
from bench.datasets.puppets.corpus import PHOTOGRAPH, Puppets
from bench.training.mouths import casts, mouth_clip, prepare_mouths
from bench.training.prepare import Progress

if TYPE_CHECKING:
    from avct.shards import ShardClip

SYNC_JUDGE = SyncRecipe(seed=17)
Log = Callable[[dict[str, float]], None]


def strangers(split: str, *, clips: int) -> list[ShardClip]:
    """Mouths of a held-out split: each identity and each voice in turn; neighbours never say the same sentence."""
    data = Puppets(split)
    voices, names = data.speakers(), [n for n in data.references() if n != PHOTOGRAPH]
    found = []
    for k in range(clips):
        turn, voice = divmod(k, len(voices))
        said = data.drivers(voices[voice])
        found.append(mouth_clip(names[k % len(names)], data.speech(said[(turn + 7 * voice) % len(said)])))
    return found


def train_sync_judge(
    out: Path, state: Path, *, steps: int, seed: int, log: Log, progress: Progress, clips: int = 56
) -> Path:
    """The weights' file `out/puppet_sync.safetensors`, with a card of how the judge reads `clips` held-out clips."""
    import torch
    from safetensors.torch import save as serialise

    from avct.shards import Shards
    from avct.syncnet import SMALL, SyncNet
    from avct.training.stages import machine
    from avct.training.sync import read_out, train_sync

    recipe = replace(SYNC_JUDGE, steps=steps, seed=SYNC_JUDGE.seed + 100 * seed)
    cast = casts()["judge"]
    shards = Shards(prepare_mouths(cast, progress=progress))
    torch.manual_seed(recipe.seed)
    network = SyncNet(SMALL)
    loop = train_sync(network, shards, recipe, log=log, state=state)
    path = out / "puppet_sync.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(serialise({k: v.contiguous() for k, v in network.state_dict().items()}))
    card = {
        "what": "lip-sync judge of the embedded corpus; shares no weights, identities or voices with any sync expert "
        "that trains a generator",
        "recipe": asdict(recipe),
        "identities": len(cast.identities),
        "voices": list(cast.voices),
        "clips": len(shards),
        "machine": machine(),
        "seconds": round(loop.seconds),
        "held_out_identities_sentences_and_voices": read_out(network, strangers("test", clips=clips)),
        "losses": loop.history[:: max(1, len(loop.history) // 20)],
    }
    path.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n")
    return path
