"""table.tex: booktabs alone, rows of equal length, groups that close, and no name that LaTeX would act upon."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from report_run import WHY_FAILED, make_protocol, make_run, make_table

from bench.report.latex import escape, render_latex, split

HOSTILE = r"[x] *\input{/etc/passwd} $a_b^c & 50% #1 ~ {}} 中 é -- " + '"'
KNOWN = {
    "begin", "end", "centering", "footnotesize", "setlength", "tabcolsep", "caption", "label", "texttt", "par",
    "medskip", "linewidth", "raggedright", "scriptsize", "toprule", "midrule", "bottomrule", "shortstack", "tiny",
    "mathrm", "textbackslash", "textasciicircum", "textasciitilde", "uparrow", "downarrow", "rightarrow", "times",
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
    assert r"\shortstack[r]{0.990 \\ {\tiny [0.980, 1.000]}}" in text
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


def test_many_columns_are_split_evenly() -> None:
    assert split(3) == [[0, 1, 2]]
    assert [len(part) for part in split(8)] == [4, 4]
    assert [len(part) for part in split(14)] == [5, 4, 5]
    assert [index for part in split(14) for index in part] == list(range(14))


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
