"""The machinery that carries guides out: what a guide gets wrong is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from blocks import Block, carry_out, compare, lacking, read_blocks, write_file

GUIDE = """# Title

<!-- needs ray, dlib -->
```sh
echo one
```

```toml
# a/b.toml
x = 1
```

```
not carried out
```
"""


def block(kind: str, text: str) -> Block:
    return Block(kind, text, (), 1)


def test_blocks_are_read_in_order_with_what_they_need(tmp_path: Path) -> None:
    path = tmp_path / "guide.md"
    path.write_text(GUIDE)
    found = read_blocks(path)
    assert [(b.kind, b.needs, b.line) for b in found] == [("sh", ("ray", "dlib"), 4), ("toml", (), 8), ("", (), 13)]
    assert write_file(found[1], tmp_path).read_text() == "# a/b.toml\nx = 1\n"
    path.write_text(GUIDE + "```sh\nnever closed\n")
    with pytest.raises(AssertionError, match="not closed"):
        read_blocks(path)
    with pytest.raises(AssertionError, match="nobody knows"):
        lacking("luck")
    for text in ("x = 1\n", "# ../out.toml\n"):
        with pytest.raises(AssertionError):
            write_file(block("toml", text), tmp_path / "place")


def test_commands_end_the_test_where_they_fail_and_keep_folder_and_variables(tmp_path: Path) -> None:
    def said(text: str) -> str:
        return carry_out(block("sh", text), tmp_path, programs=tmp_path, variables={"GIVEN": "g"})

    assert said("export MINE=m\nmkdir deep\ncd deep\n") == ""
    assert said('echo $GIVEN $MINE "$(basename $PWD)"\n') == "g m deep\n"
    for text in ("false\necho on\n", "no-such-command\n"):
        with pytest.raises(AssertionError, match="ended with"):
            said(text)


def test_lines_that_are_not_printed_are_found() -> None:
    said = "score: 2 cells,   0 reused\npage   results/mine/index.html\n"
    compare(block("text", "score: 2 cells, 0 reused\n…\npage …index.html\n"), said)
    for wrong in ("score: 3 cells\n", "page …other.html\n", "results page\n"):
        with pytest.raises(AssertionError, match="is not in"):
            compare(block("text", wrong), said)
