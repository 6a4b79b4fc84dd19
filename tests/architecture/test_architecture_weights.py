"""Where numbers come from networks, the networks come from files: no chance, no download, no pickle that runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
METRICS = sorted((ROOT / "metrics").rglob("*.py"))
# what draws numbers, in torch's global generator or one of its own, or fills a network with them
CHANCE = re.compile(
    r"(manual_seed|seed|rand\w*|normal_?|standard_normal|uniform_?|kaiming_\w+|xavier_\w+|trunc_normal_|orthogonal_|"
    r"default_rng|RandomState|Generator|reset_parameters|permutation|shuffle|choice)"
)
LOADS = re.compile(r"(load_state_dict_from_url|load_url|download_url_to_file|urlopen|urlretrieve|hf_hub_download)")


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """The last name of what is called, and the call."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node


def argument(call: ast.Call, name: str) -> object:
    """The constant given for a keyword; None where it is not given."""
    return next((getattr(k.value, "value", "?") for k in call.keywords if k.arg == name), None)


@pytest.mark.parametrize("path", METRICS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_metric_makes_weights_up(path: Path) -> None:
    drawn = [(name, call.lineno) for name, call in calls(path) if CHANCE.fullmatch(name)]
    assert not drawn, drawn
    for name, call in calls(path):
        assert not LOADS.fullmatch(name), f"line {call.lineno}: {name} downloads"
        for word in ("pretrained", "weights"):  # torchvision's and lpips' own way to get weights: a download
            assert argument(call, word) is not True, f"line {call.lineno}: {word}=True"
        if name == "load_state_dict":  # what a file lacks would stay as it was made: by chance
            assert argument(call, "strict") is None, f"line {call.lineno}: strict"
        if name == "LPIPS":  # the package fills a trunk with random numbers where it may not load one
            assert argument(call, "pretrained") is False and _on_no_device(path, call), f"line {call.lineno}"


def _on_no_device(path: Path, call: ast.Call) -> bool:
    """Whether a call stands inside `with torch.device("meta")`, where tensors have a shape and no values."""
    return any(
        isinstance(node, ast.With)
        and node.lineno <= call.lineno <= (node.end_lineno or 0)
        and any(ast.unparse(item.context_expr) == "torch.device('meta')" for item in node.items)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


@pytest.mark.parametrize("package", ["avct", "bench", "metrics"])
def test_pickles_are_read_as_tensors_alone(package: str) -> None:
    """Executors apart: what they pickle are tasks and results of the one program, between processes that it started."""
    for path in sorted((ROOT / package).rglob("*.py")):
        where = path.relative_to(ROOT).as_posix()
        if where.startswith("bench/executors/"):
            continue
        for name, call in calls(path):
            if isinstance(call.func, ast.Attribute) and ast.unparse(call.func) in ("torch.load", "torch.jit.load"):
                assert name == "load" and argument(call, "weights_only") is True, f"{where}:{call.lineno}"
            assert name != "Unpickler" and "pickle" not in ast.unparse(call.func), f"{where}:{call.lineno}"


def test_no_option_and_no_variable_asks_for_random_weights() -> None:
    asked = re.compile(
        r"(random|seeded|untrained|dummy)[-_ ]?weights|weights[-_ ](random|seeded)|pnet_rand=(?!True)", re.I
    )
    for package in ("avct", "bench", "metrics", "protocols"):
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix in (".py", ".toml"):
                found = asked.search(path.read_text(encoding="utf-8"))
                assert found is None, f"{path.relative_to(ROOT)}: {found and found[0]}"


def test_every_network_of_a_metric_reads_its_weights_checked() -> None:
    """Who names a weight reads it through metrics.weights, which compares its sha256."""
    for path in METRICS:
        text = path.read_text(encoding="utf-8")
        if path.name != "weights.py" and re.search(
            r"\b(load_state_dict|load_file|torch\.load|readNet|shape_pred)", text
        ):
            assert re.search(r"\b(locate_intact|load_state)\b", text), path.relative_to(ROOT)
