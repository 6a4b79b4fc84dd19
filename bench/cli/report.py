"""The verb `report`: a run as tables, plots and page, as one archive to send, and a look at somebody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from bench.cli.console import bar, console, copies_bar, emit

AsJson = Annotated[bool, typer.Option("--json", help="The outcome as JSON on standard output.")]


def report(
    folder: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="A run folder.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write here and leave the run folder as it is.")] = None,
    share: Annotated[
        Path | None, typer.Option("--share", help="Write a small copy of the run here: rows, tables and figures.")
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", metavar="FILE", help="Write one archive: rows, manifest, report and hashes."),
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option("--verify", metavar="FILE", help="Check a bundle by anybody, or the folder it was unpacked to."),
    ] = None,
    no_media: Annotated[
        bool, typer.Option("--no-media", help="Make no browser copies of videos; a bundle has none then.")
    ] = False,
    only_clean: Annotated[
        bool, typer.Option("--only-clean", help="Leave out methods that were trained on what they are tested on.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write tables, plots and page again from a run folder's rows alone: no network, no GPU, no torch.

    `--bundle` and `--verify` are for results that are sent: exit code 0 where every check is well, 1 where one failed,
    2 where FILE is no bundle, 3 where it is not there.
    """
    asked = [name for name, value in (("--out", out), ("--share", share), ("--bundle", bundle)) if value is not None]
    if verify is not None:
        given = [*(["RUN"] if folder is not None else []), *asked]
        given += [name for name, value in (("--no-media", no_media), ("--only-clean", only_clean)) if value]
        if given:
            raise typer.BadParameter(f"--verify looks at a bundle alone; expected no {given[0]} with it")
        _verify(verify, as_json=as_json)
    if folder is None:
        raise typer.BadParameter("expected a run folder, or --verify with a bundle")
    if len(asked) > 1:
        raise typer.BadParameter(f"expected {' or '.join(asked)}, not both")
    if bundle is not None:
        _bundle(folder, bundle, media=not no_media, only_clean=only_clean, as_json=as_json)
        return
    _write(folder, out, share, media=not no_media, only_clean=only_clean, as_json=as_json)


def _write(folder: Path, out: Path | None, share: Path | None, *, media: bool, only_clean: bool, as_json: bool) -> None:
    from bench import report as reports
    from bench.report.tables.terminal import terminal_table

    if share is not None:
        written = reports.share(folder, share, only_clean=only_clean)
    else:
        with copies_bar(quiet=as_json) as advance:
            written = reports.write(folder, out=out, media=media, only_clean=only_clean, progress=advance)
    if as_json:
        emit({"files": [str(p) for p in written.paths]})
        return
    screen = console()
    screen.print(terminal_table(folder, only_clean=only_clean))
    pages = [path for path in written.paths if path.name in ("index.html", "speeds.html")]
    for line in [f"copy   {share}"] if share else [f"page   {path}" for path in pages]:
        screen.print(line)


def _bundle(folder: Path, path: Path, *, media: bool, only_clean: bool, as_json: bool) -> None:
    from bench.io.digest import sha256_file
    from bench.report.bundle.making import bundle_run

    with _steps("bundle", quiet=as_json) as advance:
        written = bundle_run(folder, path, media=media, clean=only_clean, progress=advance)
    size, digest = written.stat().st_size, sha256_file(written)
    if as_json:
        emit({"file": str(written), "bytes": size, "sha256": digest})
        return
    console().print(f"bundle {written}\n       {size:,} bytes, sha256 {digest}")


def _verify(path: Path, *, as_json: bool) -> NoReturn:
    from bench.report.bundle.terminal import sum_up, verdict_table
    from bench.report.bundle.verifying import verify_bundle

    with _steps("verify", quiet=as_json) as advance:
        verdict = verify_bundle(path, progress=advance)
    if as_json:
        emit(verdict.as_dict())
    else:
        screen = console()
        screen.print(verdict_table(verdict))
        screen.print(sum_up(verdict))
    raise typer.Exit(0 if verdict.good else 1)


@contextmanager
def _steps(title: str, *, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A progress line: call what it yields with what is going on, how much of it is done and how much there is."""
    with bar(title, quiet=quiet) as shown:
        task = shown.add_task(title, total=None, note="")

        def advance(what: str, done: int, total: int) -> None:
            shown.update(task, description=f"{title}: {what}", completed=done, total=total)

        yield advance
