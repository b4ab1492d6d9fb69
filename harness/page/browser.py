"""A browser without a window, which draws the page: for pictures of it, and for the test that looks at it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from html import escape, unescape
from pathlib import Path
from typing import Any, Final

import msgspec

#: Looked for on the PATH in this order, after `$CHROMIUM`.
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: Its start takes one to three seconds.
SECONDS: Final = 120


class BrowserNotFound(Exception):
    """There is no Chromium on this machine."""


def find_browser() -> str:
    """The command of a Chromium; `BrowserNotFound`, with what to install, if there is none."""
    for command in (os.environ.get("CHROMIUM", ""), *BROWSERS):
        found = shutil.which(command) if command else None
        if found is not None:
            return found
    raise BrowserNotFound("no Chromium found: install it (apt-get install chromium), or set $CHROMIUM")


def ask(html: str, script: str, width: int, dark: bool = False) -> Any:
    """What the expression `script` of JavaScript, evaluated in the page at `width` pixels, gives as JSON."""
    # In a frame, since a window is never narrower than 500 pixels.
    inner = f"<script>parent.document.all.answer.textContent = JSON.stringify({script})</script></body>"
    framed = escape(html.replace("</body>", inner))
    style = f"width: {width}px; height: 1000px; border: 0"
    outer = f'<pre id="answer"></pre><iframe style="{style}" srcdoc="{framed}"></iframe>'
    with tempfile.TemporaryDirectory(prefix="warpsmith-browser-") as folder:
        page = Path(folder) / "page.html"
        page.write_text(f"<!DOCTYPE html><meta charset=utf-8>{outer}", encoding="utf-8")
        said = _run(folder, [*_size(width + 100, 1100), *_scheme(dark), "--dump-dom", page.as_uri()])
    found = re.search(r'<pre id="answer">(.+?)</pre>', said, re.DOTALL)
    if found is None:
        raise RuntimeError(f"the browser did not draw the page: {said[-300:]}")
    return msgspec.json.decode(unescape(found.group(1)))


def picture(html: str, width: int, out: Path, dark: bool = False) -> None:
    """A PNG of the whole page at `width` pixels."""
    height = ask(html, "document.documentElement.scrollHeight", width, dark)
    with tempfile.TemporaryDirectory(prefix="warpsmith-browser-") as folder:
        page, image = Path(folder) / "page.html", Path(folder) / "page.png"
        page.write_text(html, encoding="utf-8")
        said = _run(folder, [*_size(width, height), *_scheme(dark), f"--screenshot={image}", page.as_uri()])
        if not image.exists():
            raise RuntimeError(f"the browser took no picture: {said[-300:]}")
        shutil.copyfile(image, out)


def _size(width: int, height: int) -> list[str]:
    return [f"--window-size={width},{height}", "--hide-scrollbars"]


def _scheme(dark: bool) -> list[str]:
    return ["--blink-settings=preferredColorScheme=0"] if dark else ["--blink-settings=preferredColorScheme=1"]


def _run(folder: str, options: Sequence[str]) -> str:
    command = [find_browser(), "--headless", "--disable-gpu", f"--user-data-dir={folder}/profile"]
    # Root has no sandbox of its own to offer, and the page is ours.
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--no-sandbox")
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=SECONDS, check=False)
    return done.stdout or done.stderr
