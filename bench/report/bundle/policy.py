"""Does a page forbid everything remote, and before anything else in it could load?"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from bench.report.bundle.checks import Flaw

_NEVER = frozenset(("iframe", "frame", "object", "embed", "base"))
_LOADING = _NEVER | {"script", "style", "link", "img", "audio", "video", "source", "track"}
"""Elements that load or run something; before them the policy has to stand."""
_HARMLESS = re.compile(r"'none'|'self'|'sha(256|384|512)-[A-Za-z0-9+/=]+'|file:|data:|blob:")
_REMOTE = re.compile(r"^\s*([a-z][a-z0-9+.-]*:)?//|^\s*(https?|ftp|wss?|javascript|vbscript):", re.IGNORECASE)
_ADDRESSES = ("src", "srcset", "poster", "data", "action", "formaction", "background")


class _Page(HTMLParser):
    """Reads a page for its policy and for what it names."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.policies: list[str] = []
        self.fault: str | None = None
        self.active: str | None = None
        self.early: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        if tag == "meta" and held.get("http-equiv", "").casefold() == "content-security-policy":
            self.policies.append(held.get("content", ""))
        elif tag == "meta" and held.get("http-equiv", "").casefold() == "refresh":
            self._say("it sends its reader to another page")
        if tag in _LOADING and tag != "style":
            self.active = self.active or tag
        if tag in _NEVER:
            self._say(f"it has an element <{tag}>")
        if tag in _LOADING and not self.policies:
            self.early = self.early or tag
        for name, value in held.items():
            if name.startswith("on"):
                self._say(f"an element <{tag}> has a script in its attribute {name}")
            if name in _ADDRESSES or (tag == "link" and name == "href"):
                self._look(tag, value)

    handle_startendtag = handle_starttag

    def _look(self, tag: str, address: str) -> None:
        if _REMOTE.search(address):
            self._say(f"an element <{tag}> names {address[:80]!r}")

    def _say(self, fault: str) -> None:
        self.fault = self.fault or fault


def check_policy(name: str, text: str, *, fragment: bool = False) -> None:
    """Flaw where a page has no content-security policy, one that lets anything remote in, or loads before it.

    fragment: a table to be put into other pages, which has no policy and must have nothing that needs one.
    """
    page = _Page()
    page.feed(text)
    page.close()
    if fragment and not page.policies:
        page.policies = ["default-src 'none'"]
        if page.active:
            raise Flaw(f"{name}: a table with an element <{page.active}>")
    elif not page.policies:
        raise Flaw(f"{name} has no content-security policy")
    elif page.early is not None:
        raise Flaw(f"{name}: its policy stands behind an element <{page.early}>")
    if page.fault is not None:
        raise Flaw(f"{name}: {page.fault}")
    for policy in page.policies:
        rules = [words for rule in policy.split(";") if (words := rule.split())]
        if ["default-src", "'none'"] not in rules:
            raise Flaw(f"{name}: its policy does not forbid by default")
        loose = [word for words in rules for word in words[1:] if not _HARMLESS.fullmatch(word)]
        if loose:
            raise Flaw(f"{name}: its policy lets in {loose[0]}")
