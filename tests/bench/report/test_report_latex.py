"""table.tex: booktabs alone, rows of equal length, groups that close, and no name that LaTeX would act upon."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from report_run import WHY_FAILED, make_protocol, make_run, make_table

from bench.report.tables.latex import render_latex
from bench.report.tables.tex import escape

HOSTILE = r"[x] *\input{/etc/passwd} $a_b^c & 50% #1 ~ {}} 中 é -- " + '"'
KNOWN = {
    "begin", "end", "centering", "footnotesize", "setlength", "tabcolsep", "caption", "label", "texttt", "par",
    "medskip", "linewidth", "raggedright", "scriptsize", "toprule", "midrule", "bottomrule", "shortstack", "tiny",
    "mathrm", "textbf", "emph", "dag", "cmidrule", "multicolumn", "addlinespace", "addtocounter", "smallskip",
    "textbackslash", "textasciicircum", "textasciitilde", "uparrow", "downarrow", "rightarrow", "times",
}  # fmt: skip


def lint(text: str) -> None:
    """Fails where TeX would: unknown commands, open groups, environments or formulas, bare specials, ragged rows."""
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert body.isascii()
    assert set(re.findall(r"\\([a-zA-Z]+)", body)) <= KNOWN
    stack: list[str] = []
    for word, name in re.findall(r"\\(begin|end)\{([a-z*]+)\}", body):
        assert word == "begin" or stack.pop() == name
        stack += [name] if word == "begin" else []
    assert not stack
    # a note's number is tied to its text
    bare = re.sub(r"\\.", "", body.replace(r"\\", "")).replace("$~", "$")
    depth = 0
    for char in bare:
        depth += (char == "{") - (char == "}")
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0 and not set(bare) & set('#~"')
    assert "%" not in bare
    assert "_" not in bare and "^" not in re.sub(r"(\$|10)\^\{", "", bare)
    for columns, rows in re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", body, re.S):
        lines = [line for line in rows.splitlines() if " & " in line]
        assert len(lines) > 1
        for line in lines:
            assert len(re.sub(r"\\&", "", line).split("&")) == len(columns), line
            assert not line.lstrip().startswith(("[", "*")), "an option of the line break before it"


def test_the_table_is_sound_and_whole(tmp_path: Path) -> None:
    text = render_latex(make_table(make_run(tmp_path / "run")))
    lint(text)
    assert r"\label{tab:tiny-1}" in text and r"% \usepackage{booktabs}" in text
    assert r"\shortstack[r]{0.990 \\ {\tiny [0.964, 1.015]}}" in text
    assert r"still & --$^{\mathrm{a}}$ &" in text
    assert f"Failed: loudness, f32: stage generate: {WHY_FAILED} (1 clip)." in text
    assert "$n$ & Coverage" in text and r"0--3 & 0.00--1.00 \\" in text


def test_no_name_reaches_latex_unescaped(tmp_path: Path) -> None:
    setting = {**make_protocol()["settings"][0], "name": HOSTILE + "1"}
    protocol = make_protocol(
        methods=[HOSTILE, "avct"], title=HOSTILE, settings=[make_protocol()["settings"][0], setting], id=r"x\y%{@1"
    )
    table = make_table(make_run(tmp_path / "run", protocol))
    text = render_latex(replace(table, remarks=(HOSTILE,), notes=(HOSTILE,) * 30))
    # \'{e} is the one command that is no word
    lint(text.replace(r"\'{e}", "e"))
    assert r"\input" not in text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a_b", r"a\_b"),
        ("50 %", r"50 \%"),
        ("--", "-{}-"),
        ("2–3", "2--3"),
        ("[a]", "{[}a{]}"),
        ("é", r"\'{e}"),
        ("e\u0301", r"\'{e}"),
        ("ß", r"\ss{}"),
        ("中", "{[}U+4E2D{]}"),
        ("\x07", "{[}U+0007{]}"),
        ("a\n\nb", "a b"),
    ],
)
def test_escape(text: str, wanted: str) -> None:
    assert escape(text) == wanted


def test_large_numbers_have_powers_of_ten(tmp_path: Path) -> None:
    table = make_table(make_run(tmp_path / "run"))
    columns = tuple(replace(column, form=".2e") for column in table.columns)
    text = render_latex(replace(table, columns=columns))
    lint(text)
    assert r"$9.90 \times 10^{-1}$" in text


def test_real_latex_sets_it(tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex here (Debian: texlive-latex-base, texlive-latex-recommended)")
    many = [f"{family}/x@1" for family in ("lmd", "lvd", "fid", "ssim", "csim", "odd", "jitter", "cpbd", "pose_error")]
    settings = [{**make_protocol()["settings"][0], "name": name} for name in ("truth_pose", "audio-pose")]
    protocol = make_protocol(
        metrics=[*make_protocol()["metrics"], *many],
        methods=["ground-truth", "avct", *(f"method-{n}" for n in range(9)), HOSTILE],
        settings=settings,
        published=["styletalk-2023-mead", "sadtalker-2023-hdtf", "avct-2022-hdtf"],
        title=HOSTILE,
    )
    table = make_table(make_run(tmp_path / "run", protocol))
    (tmp_path / "table.tex").write_text(render_latex(replace(table, overlap=(HOSTILE,))))
    (tmp_path / "paper.tex").write_text(
        r"\documentclass[twocolumn]{article}\usepackage[letterpaper,margin=0.75in]{geometry}"
        r"\usepackage{booktabs}\begin{document}\input{table.tex}\end{document}"
    )
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    log = (tmp_path / "paper.log").read_text(errors="replace")
    assert ran.returncode == 0 and (tmp_path / "paper.pdf").stat().st_size > 10_000, log[-2000:]
    assert "Float too large" not in log, "a float is taller than a page"
    assert "Missing character" not in log
