"""Turns TOML data into a checked model, with overrides applied, and says in one line what is wrong with it."""

from __future__ import annotations

import difflib
import tomllib
import types
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from protocols.errors import ProtocolError

M = TypeVar("M", bound=BaseModel)


def override(content: Mapping[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """A copy of TOML data with `a.b=value` applied in turn; a number in the path indexes a list.

    A value is read as TOML where it parses (`[0, 1]`, `3`, `true`, `"text"`) and is taken as plain text otherwise.
    """
    out = _copy(content)
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        steps = [step.strip() for step in key.split(".")]
        if not separator or not all(steps):
            raise ProtocolError(f"--set: expected key.path=value, got {assignment!r}")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text.strip()
        _assign(out, steps, value, assignment)
    return out


def validate(model: type[M], content: Mapping[str, Any], source: str) -> M:
    """The checked model; the error is one line with the source, the key, what was expected and what came."""
    try:
        return model.model_validate(dict(content))
    except ValidationError as error:
        # A misspelt key is often the reason why another one is missing: it is said first.
        issues = sorted(error.errors(include_url=False), key=lambda issue: issue["type"] != "extra_forbidden")
        more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
        raise ProtocolError(f"{source}: {_say(model, issues[0])}{more}") from None


def nearest(name: str, known: Sequence[str]) -> str:
    """' Did you mean ...?' for near names, else ' Known: ...' where there are few, else nothing."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    if near:
        return f" Did you mean {' or '.join(near)}?"
    return f" Known: {', '.join(known)}." if 0 < len(known) <= 24 else ""


def _say(model: type[BaseModel], issue: Mapping[str, Any]) -> str:
    where = [step for step in issue["loc"] if not (isinstance(step, str) and ("[" in step or step in ("list", "dict")))]
    key = ".".join(str(step) for step in where) or "the file"
    if issue["type"] == "extra_forbidden":
        return f"{key}: unknown key.{nearest(str(where[-1]), _keys(model, where[:-1]))}"
    if issue["type"] == "missing":
        return f"{key}: expected a value, got nothing"
    message = issue["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if issue["type"] == "value_error":
        return f"{key}: {message}" if where else message
    expected = message.replace("input should be ", "").replace("string should match", "a string that matches")
    return f"{key}: expected {expected}, got {issue['input']!r}"


def _keys(model: type[BaseModel], steps: Sequence[Any]) -> list[str]:
    """Field names of the model that a path of keys leads to."""
    current: Any = model
    for step in steps:
        if isinstance(step, int):
            continue
        current = _inner(current.model_fields[step].annotation)
        if current is None:
            return []
    return [name for name in current.model_fields if name not in ("name", "here") or current.__name__ == "SettingSpec"]


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The model inside `X`, `list[X]`, `Annotated[X, ...]` or `X | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, Union, types.UnionType) or hasattr(annotation, "__metadata__"):
        return next(filter(None, map(_inner, get_args(annotation))), None)
    return None


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _assign(content: dict[str, Any], steps: Sequence[str], value: Any, assignment: str) -> None:
    place: Any = content
    for position, step in enumerate(steps):
        last = position == len(steps) - 1
        if isinstance(place, list):
            if not step.isdigit() or int(step) >= len(place):
                raise ProtocolError(f"--set {assignment}: expected an index below {len(place)}, got {step!r}")
            index: Any = int(step)
        elif isinstance(place, dict):
            index = step
            if not last:
                place.setdefault(step, {})
        else:
            raise ProtocolError(f"--set {assignment}: {'.'.join(steps[:position])} holds a plain value, not a table")
        if last:
            place[index] = value
        else:
            place = place[index]
