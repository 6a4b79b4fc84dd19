"""Seventeen generators without their networks: each takes exactly the command line, and the inputs, that the real one
takes, and leaves a video where the real one would.

A flag too many or too few ends with exit code 2, as argparse does; an input that is not what the program expects ends
with 3. STUB_DO: "good", "nothing" (all goes well, no video), "short" (half of the frames), "fail" (a video, exit 4).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import wave
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

GREY = 128
SMALLER = 8
"""Videos are made smaller than the real ones, to be quick; the method files allow another size."""


@dataclass(frozen=True)
class Video:
    """What a program leaves: `panels` pictures side by side, grey where the result is and black elsewhere."""

    path: Path
    frames: int
    side: int
    fps: Fraction | int = 25
    panels: int = 1
    result: int = 0


@dataclass(frozen=True)
class Program:
    """flags: names, with the value that each must have where only one is right. switches: flags without a value."""

    script: str
    flags: str
    make: Callable[[argparse.Namespace], list[Video]]
    switches: str = ""
    positional: int = 0


def wrong(message: str) -> None:
    print(message)
    sys.exit(3)


def need(held: bool, message: str) -> None:
    if not held:
        wrong(message)


def heard(path: str, *, rate: int = 16_000) -> int:
    """Frames at 25 a second that a mono 16-bit WAV lasts."""
    with wave.open(path) as sound:
        need((sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (rate, 1, 2), f"{path}: wrong sound")
        return sound.getnframes() * 25 // rate


def seen(path: str, side: int, kind: str = "PNG") -> None:
    from PIL import Image

    with Image.open(path) as picture:
        need((picture.format, picture.size) == (kind, (side, side)), f"{path}: {picture.format} {picture.size}")


def there(*paths: str) -> None:
    for path in paths:
        need(Path(path).exists(), f"{path}: not there")


def avct(args: argparse.Namespace) -> list[Video]:
    seen(args.img_path, 256)
    words = json.loads(Path(args.phoneme_path).read_text())
    need(set(words[0]["phones"][0]) == {"ph", "bg", "ed"}, "phones")
    there("checkpoint/generator.ckpt", "checkpoint/audio2pose.ckpt")
    Path("samples/tmp_dir").mkdir()
    Path("samples/temp.wav").touch()
    Path(args.save_dir, "temp").mkdir()
    name = Path(args.img_path).stem + "_" + Path(args.audio_path).stem + ".mp4"
    return [Video(Path(args.save_dir, name), heard(args.audio_path) - 1, 256)]


def wav2lip(args: argparse.Namespace) -> list[Video]:
    need(args.face.split(".")[1] in ("jpg", "png", "jpeg"), f"{args.face}: taken for a video")
    seen(args.face, 256)
    there(args.checkpoint_path)
    Path("temp/result.avi").touch()
    return [Video(Path(args.outfile), heard(args.audio) - 3, 256)]


def sadtalker(args: argparse.Namespace) -> list[Video]:
    seen(args.source_image, 512 if args.preprocess == "crop" else 256)
    there(args.checkpoint_dir)
    made = Path(args.result_dir, "2024_05_01_12.00.00.mp4")
    made.parent.mkdir(exist_ok=True)
    return [Video(made, heard(args.driven_audio), 256)]


def makeittalk(args: argparse.Namespace) -> list[Video]:
    here = Path("examples")
    sounds = sorted(path.name for path in here.glob("*.wav"))
    need(sounds == ["speech.wav"], f"would speak {sounds}")
    seen(f"examples/{args.jpg}", 256, "JPEG")
    there("examples/ckpt/ckpt_autovc.pth", "examples/dump/emb.pickle")
    (here / "dump/random_val_au.pickle").touch()
    Path("out.mp4").touch()
    count = heard("examples/speech.wav") * 5 // 2
    made = here / f"{Path(args.jpg).stem}_pred_fls_speech_audio_embed.mp4"
    return [Video(made, count, 256, Fraction(125, 2), panels=3, result=1)]


def audio2head(args: argparse.Namespace) -> list[Video]:
    seen(args.img_path, 256)
    there(args.model_path)
    Path("results/temp.wav").touch()
    name = Path(args.img_path).stem + "_" + Path(args.audio_path).stem + ".mp4"
    return [Video(Path(args.save_path, name), heard(args.audio_path) - 1, 256)]


def pcavs(args: argparse.Namespace) -> list[Video]:
    fields = Path(args.meta_path_vox).read_text().split()
    need(len(fields) == 8, f"{len(fields)} fields")
    person, _, pose, poses, audio, mouth, mouths, _ = fields
    count = heard(audio)
    need(len(list(Path(pose).glob("*.jpg"))) == int(poses) == int(mouths) == count, "frames")
    seen(f"{person}/000000.jpg", 224, "JPEG")
    there(f"{mouth}/{count - 1:06d}.jpg", "checkpoints/demo/latest_net_G.pth")
    folder = Path("results", f"id_{Path(person).name}_pose_{Path(pose).name}_audio_{Path(audio).stem}")
    folder.mkdir()
    names = ("Input_", "G_Fix_Pose_", "G_Pose_Driven_", "Pose_Source_", "Mouth_Source_")
    return [Video(folder / f"{name}.mp4", count - 4, 224) for name in names]


def styletalk(args: argparse.Namespace) -> list[Video]:
    ids = json.loads(Path(args.audio_path).read_text())
    need(all(isinstance(i, int) and 0 <= i < 41 for i in ids), "ids")
    need(len(ids) == -(-heard(args.wav_path) * 30 // 25), f"{len(ids)} ids")
    seen(args.src_img_path, 256)
    there(args.style_clip_path, args.pose_path, args.styletalk_checkpoint, args.renderer_checkpoint)
    Path("silent.mp4").touch()
    return [Video(Path(args.output_path), len(ids), 256, 30)]


def liveportrait(args: argparse.Namespace) -> list[Video]:
    from bench.io.decode import read_video

    seen(args.s, 512)
    count = len(read_video(args.d))
    name = f"{Path(args.s).stem}--{Path(args.d).stem}"
    one, three = Path(args.o, f"{name}.mp4"), Path(args.o, f"{name}_concat.mp4")
    return [Video(one, count, 512), Video(three, count, 512, panels=3)]


def hallo2(args: argparse.Namespace) -> list[Video]:
    seen(args.source_image, 512)
    there(args.config)
    made = Path("output_long/debug", Path(args.source_image).stem, "merge_video.mp4")
    made.parent.mkdir(parents=True)
    return [Video(made, heard(args.driving_audio), 512)]


def hallo3(args: argparse.Namespace) -> list[Video]:
    lines = Path(args.given[0]).read_text().splitlines()
    need(len(lines) == 1, "one line")
    prompt, portrait, audio = lines[0].split("@@")
    need(bool(prompt), "prompt")
    seen(portrait, 512)
    return [Video(Path(args.given[1], "0-speech.mp4"), heard(audio), 480)]


def tested(path: str, keys: int) -> tuple[str, str]:
    """Portrait and speech of a configuration's one test case."""
    text = Path(path).read_text()
    need(len(re.findall(r"^[a-z0-9_]+: \S", text, re.M)) == keys, "keys")
    case = re.search(r'test_cases:\n  "(.*)":\n    - "(.*)"\n', text)
    need(case is not None, "test case")
    return case[1], case[2]  # type: ignore[index]


def echomimic(args: argparse.Namespace) -> list[Video]:
    portrait, audio = tested(args.config, 9)
    seen(portrait, 512)
    there("pretrained_weights/denoising_unet.pth")
    folder = Path("output/20240501", f"1200--seed_{args.seed}-512x512")
    folder.mkdir(parents=True)
    count, name = min(int(args.L), heard(audio)), f"{Path(portrait).stem}_{Path(audio).stem}_512x512_2_1200"
    return [Video(folder / f"{name}.mp4", count, 512), Video(folder / f"{name}_withaudio.mp4", count, 512)]


def vexpress(args: argparse.Namespace) -> list[Video]:
    seen(args.reference_image_path, 512)
    duration = Fraction(heard(args.audio_path), 25)
    count = round((int(duration * 30) + 4) / 12) * 12 - 4
    return [Video(Path(args.output_path), count, 512, (count / duration).limit_denominator(1000))]


def aniportrait(args: argparse.Namespace) -> list[Video]:
    portrait, audio = tested(args.config, 11)
    seen(portrait, 512)
    folder = Path("output/20240501", f"1200--seed_{args.seed}-512x512")
    folder.mkdir(parents=True)
    name = f"{Path(portrait).stem}_{Path(audio).stem}_512x512_3_1200.mp4"
    return [Video(folder / name, heard(audio) * 30 // 25, 512, 30, panels=3, result=2)]


def sonic(args: argparse.Namespace) -> list[Video]:
    portrait, audio, made = args.given
    seen(portrait, 512)
    return [Video(Path(made), heard(audio), 512), Video(Path(made.replace(".mp4", "_noaudio.mp4")), heard(audio), 512)]


def musetalk(args: argparse.Namespace) -> list[Video]:
    from bench.io.decode import read_video

    task = re.fullmatch(
        r'\s*task_0:\n  video_path: "(.*)"\n  audio_path: "(.*)"\n', Path(args.inference_config).read_text()
    )
    need(task is not None, "task")
    video, audio = task[1], task[2]  # type: ignore[index]
    need(read_video(video).shape == (heard(audio), 256, 256, 3), "video")
    there(args.unet_model_path)
    Path("temp.mp4").touch()
    made = Path(args.result_dir, args.version, args.output_vid_name)
    made.parent.mkdir()
    return [Video(made, heard(audio), 256)]


def ditto(args: argparse.Namespace) -> list[Video]:
    seen(args.source_path, 512)
    there(args.data_root, args.cfg_pkl)
    count = heard(args.audio_path)
    return [Video(Path(args.output_path), count, 512), Video(Path(args.output_path + ".tmp.mp4"), count, 512)]


def latentsync(args: argparse.Namespace) -> list[Video]:
    from bench.io.decode import read_video

    count = heard(args.audio_path)
    need(read_video(args.video_path).shape == (count, 512, 512, 3), "video")
    there(args.inference_ckpt_path)
    Path("temp/video.mp4").touch()
    return [Video(Path(args.video_out_path), count // 16 * 16, 512)]


PROGRAMS = {
    "avct-official": Program("test_script.py", "--img_path --audio_path --phoneme_path --save_dir", avct),
    "wav2lip": Program("inference.py", "--checkpoint_path --face --audio --outfile --fps=25", wav2lip),
    "sadtalker": Program(
        "inference.py",
        "--driven_audio --source_image --checkpoint_dir --result_dir --size=256 --batch_size=2 --preprocess",
        sadtalker,
        switches="--still",
    ),
    "makeittalk": Program("main_end2end.py", "--jpg", makeittalk),
    "audio2head": Program("inference.py", "--audio_path --img_path --save_path --model_path", audio2head),
    "pc-avs": Program(
        "inference.py",
        """--name=demo --meta_path_vox --dataset_mode=voxtest --netG=modulate --netA=resseaudio --netA_sync=ressesync
        --netD=multiscale --netV=resnext --netE=fan --model=av --gpu_ids=0 --clip_len=1 --batchSize=8 --style_dim=2560
        --nThreads=4 --norm_D=spectralsyncbatch --generate_interval=1 --num_inputs=1 --use_audio=1 --list_start=0
        --list_end=1""",
        pcavs,
        switches="--input_id_feature --style_feature_loss --noise_pose --driving_pose --gen_video "
        "--generate_from_audio_only",
    ),
    "styletalk": Program(
        "inference_for_demo.py",
        """--styletalk_checkpoint --renderer_checkpoint --audio_path --style_clip_path --pose_path --src_img_path
        --wav_path --output_path""",
        styletalk,
    ),
    "liveportrait": Program("inference.py", "-s -d -o", liveportrait),
    "hallo2": Program("scripts/inference_long.py", "--config --source_image --driving_audio", hallo2),
    "hallo3": Program("scripts/inference_long_batch.sh", "", hallo3, positional=2),
    "echomimic": Program(
        "infer_audio2vid.py",
        "--config -W=512 -H=512 -L --fps=25 --sample_rate=16000 --facecrop_dilation_ratio=5 --seed=7",
        echomimic,
    ),
    "v-express": Program(
        "inference.py",
        """--reference_image_path --audio_path --kps_path= --output_path --retarget_strategy=fix_face --image_width=512
        --image_height=512 --fps=30.0 --seed=7""",
        vexpress,
    ),
    "aniportrait": Program("scripts/audio2vid.py", "--config -W=512 -H=512 --fps=30 --seed=7", aniportrait),
    "sonic": Program("demo.py", "--dynamic_scale=1.0 --seed=7", sonic, positional=3),
    "musetalk": Program(
        "scripts/inference.py",
        """--inference_config --result_dir --output_vid_name --unet_model_path --unet_config --version=v15 --fps=25
        --batch_size=8""",
        musetalk,
    ),
    "ditto": Program("inference.py", "--data_root --cfg_pkl --audio_path --source_path --output_path", ditto),
    "latentsync": Program(
        "scripts/inference.py",
        """--unet_config_path --inference_ckpt_path --inference_steps=20 --guidance_scale=1.5 --video_path --audio_path
        --video_out_path --seed=7""",
        latentsync,
        switches="--enable_deepcache",
    ),
}


def parse(name: str, argv: list[str]) -> argparse.Namespace:
    """The arguments. SystemExit 2 for any that is missing, unknown or not the value that belongs there."""
    program = PROGRAMS[name]
    parser = argparse.ArgumentParser(prog=name, allow_abbrev=False)
    if program.positional:
        parser.add_argument("given", nargs=program.positional)
    for text in program.flags.split():
        flag, fixed, value = text.partition("=")
        parser.add_argument(flag, required=True, choices=[value] if fixed else None)
    for flag in program.switches.split():
        # SadTalker's crop, for another program to be driven with, goes without --still.
        free = name == "sadtalker" and "crop" in argv
        parser.add_argument(flag, action="store_true", required=not free)
    return parser.parse_args(argv)


def run(name: str) -> None:
    args = parse(name, sys.argv[1:])
    do = os.environ.get("STUB_DO", "good") if name in os.environ.get("STUB_WHO", name).split() else "good"
    if do == "nothing":
        print("all went well")
        return
    import numpy as np

    from bench.io.encode import write_browser

    for video in PROGRAMS[name].make(args):
        side = video.side // SMALLER
        picture = np.zeros((side, side * video.panels, 3), np.uint8)
        picture[:, video.result * side : (video.result + 1) * side] = GREY
        count = max(1, video.frames // 2) if do == "short" else video.frames
        write_browser(video.path, (picture for _ in range(count)), fps=video.fps)
    sys.exit(4 if do == "fail" else 0)
