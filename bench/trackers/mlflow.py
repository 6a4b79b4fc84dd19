"""The tracker `mlflow`: a run of MLflow for each entry, nested under the one of the run as a whole.

By default all lies in a database of this machine, FOLDER/mlflow.db, with the files beside it in FOLDER/artifacts; its
rows name that folder, so it is not to be moved. Nothing leaves this machine, MLflow's own count of who uses it
included (MLFLOW_DISABLE_TELEMETRY), unless the option `uri` names a server; MLFLOW_TRACKING_URI alone does not.

Estimates are metrics, hyperparameters are parameters. The values of clips are one more metric, `…/each`, whose steps
are the clips in the protocol's order. MLflow takes no "@" in a name: "psnr/mean-of-frames@1" is
"psnr/mean-of-frames.v1" there, and the table of clips (clips.json) keeps the names as they are.

MLflow can change no parameter and take back no point. So what was sent under a name is left alone where nothing has
changed; else its runs are deleted, which leaves them in MLflow's trash, and written anew.

Options: uri (of a tracking server or database), experiment (by default the protocol's id).
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import StorageError
from bench.store.files import make_folder
from bench.trackers.base import Entry, Feed, Sent, check_options, folder_name, require

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

OPTIONS = ("uri", "experiment")
PACKAGES = {"mlflow": "mlflow-skinny", "sqlalchemy": "sqlalchemy", "alembic": "alembic"}
DATABASE = "mlflow.db"
KEY, DIGEST = "avct_bench.key", "avct_bench.sha256"
"""Tags: what was sent under which name, and, once all of it was, what that was."""
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}
"""Where the user says nothing else. A server that is not there would be asked for minutes."""
_TOGETHER = {"metrics": 1000, "params": 100}
"""What MLflow takes in one request."""
_NOTE = 4000
"""Characters of a run's description; the files have all."""


def check(options: Mapping[str, str]) -> None:
    """Raises ConfigError: an unknown option, or MLflow is not installed."""
    check_options("mlflow", options, OPTIONS)
    require("mlflow", PACKAGES, extra="mlflow")


def send(feed: Feed, folder: Path, *, options: Mapping[str, str]) -> Sent:
    """Which runs there are now. Raises StorageError where MLflow refuses or cannot be reached."""
    uri = options.get("uri") or f"sqlite:///{make_folder(folder).resolve() / DATABASE}"
    local = "uri" not in options
    with _speaking(uri) as client:
        name = options.get("experiment") or feed.group or "avct-bench"
        experiment = _experiment(client, name, folder.resolve() / "artifacts" if local else None)
        key = hashlib.sha256(feed.name.encode()).hexdigest()
        fresh = not _is_there(client, experiment, key, feed)
        if fresh:
            _send(client, experiment, key, feed)
    # The package that shows runs is a large one of its own, and reads databases of its own version.
    look = f"uvx mlflow@{version(PACKAGES['mlflow'])} ui --backend-store-uri {uri}"
    return Sent(f"{uri}, experiment {name}, run {feed.name}", uri if uri.startswith("http") else look, fresh)


@contextmanager
def _speaking(uri: str) -> Iterator[MlflowClient]:
    """A client of that store; what goes wrong with it is a StorageError in one line."""
    for variable, value in _QUIET.items():
        os.environ.setdefault(variable, value)
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient
    from sqlalchemy.exc import SQLAlchemyError

    for module in ("mlflow", "alembic"):  # a line for each table that is made
        logging.getLogger(module).setLevel(logging.WARNING)
    try:
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)
    except (MlflowException, SQLAlchemyError) as error:
        raise StorageError(f"tracker 'mlflow': {uri}: {(str(error).splitlines() or ['refused'])[0]}") from None


def _experiment(client: MlflowClient, name: str, artifacts: Path | None) -> str:
    """The id of the experiment of that name, made where it is not there."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        if found.lifecycle_stage != "active":
            client.restore_experiment(found.experiment_id)
        return found.experiment_id
    place = None if artifacts is None else (artifacts / folder_name(name)).as_uri()
    # Without a kind MLflow opens the experiment as one of chats with language models.
    return client.create_experiment(name, place, tags={"mlflow.experimentKind": "custom_model_development"})


def _is_there(client: MlflowClient, experiment: str, key: str, feed: Feed) -> bool:
    """Whether just this was sent before. What was sent of it else, in part or with other rows, is deleted."""
    earlier: list[Any] = []
    token = None
    while True:
        page = client.search_runs([experiment], filter_string=f"tags.`{KEY}` = '{key}'", page_token=token)
        earlier += page
        token = page.token
        if not token:
            break
    if sum(run.data.tags.get(DIGEST) == feed.digest for run in earlier) == 1 and len(earlier) == len(feed.entries):
        return True
    for run in earlier:
        client.delete_run(run.info.run_id)
    return False


def _send(client: MlflowClient, experiment: str, key: str, feed: Feed) -> None:
    """Write the run as a whole, then the others within it. The digest comes last: without it nothing counts as sent."""
    moment = max(1, round(1000 * feed.moment))  # MLflow takes 0 for "now"
    parent = None
    for entry in feed.entries:
        tags = {KEY: key, "mlflow.note.content": _note(entry)}
        tags |= {"mlflow.parentRunId": parent} if parent else {}
        called = "/".join(entry.path) or feed.name
        run = client.create_run(experiment, start_time=moment, tags=tags, run_name=called).info.run_id
        _log(client, run, entry, moment)
        client.set_terminated(run, end_time=moment)
        parent = parent or run
    if parent:
        client.set_tag(parent, DIGEST, feed.digest)


def _log(client: MlflowClient, run: str, entry: Entry, moment: int) -> None:
    from mlflow.entities import Metric, Param

    # A metric's name is a path for some stores, and no path may lie within another.
    series = {f"{name}/each": points for name, points in entry.series.items()}
    facts, names = _keys(entry.facts), _keys([*entry.scalars, *series])
    for some in _some((Param(facts[name], str(value)) for name, value in entry.facts.items()), _TOGETHER["params"]):
        client.log_batch(run, params=some)
    points = [(name, 0, value) for name, value in entry.scalars.items()]
    points += [(name, step, value) for name, held in series.items() for step, value in held]
    metrics = (Metric(names[name], float(value), moment, step) for name, step, value in points)
    for some in _some(metrics, _TOGETHER["metrics"]):
        client.log_batch(run, metrics=some)
    if entry.grid:
        columns = zip(entry.grid.columns, zip(*entry.grid.rows, strict=True), strict=True)
        client.log_table(run, {name: list(cells) for name, cells in columns}, "clips.json")
    with tempfile.TemporaryDirectory() as scratch:
        files = {f"{name}.md": text.encode() for name, text in entry.texts.items()}
        files |= {f"figures/{name}.png": png for name, png in entry.figures.items()}
        for name, content in files.items():
            path = Path(scratch) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        if files:
            client.log_artifacts(run, scratch)


def _note(entry: Entry) -> str:
    """A run's description: its texts, cut where they are long."""
    text = "\n\n".join(f"**{name}**\n\n{text}" for name, text in entry.texts.items())
    return text if len(text) <= _NOTE else f"{text[:_NOTE].rstrip()} … (cut; the files have all)"


def _keys(names: Iterable[str]) -> dict[str, str]:
    """Names as MLflow takes them, different ones for different names."""
    made: dict[str, str] = {}
    for name in names:
        key = re.sub(r"[^\w.\- /]", "_", name.replace("@", ".v"))
        made[name] = f"{key}-{hashlib.sha256(name.encode()).hexdigest()[:8]}" if key in made.values() else key
    return made


def _some(things: Iterable[Any], count: int) -> Iterator[list[Any]]:
    waiting = iter(things)
    while some := list(itertools.islice(waiting, count)):
        yield some
