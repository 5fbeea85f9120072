"""What a browser makes of a page, where Chromium is installed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium to open the page with")


def shown(page: Path, profile: Path, then: str = "", size: tuple[int, int] = (1400, 1000)) -> str:
    """The elements of a page in HTML, without its scripts, once these have run, and `then`, a script of the test's.

    `size` is that of the window, in pixels.
    """
    text = page.read_text(encoding="utf-8")
    opened = page.with_name(f"opened-{page.name}")
    opened.write_text(f"{text}<script>setTimeout(() => {{ {then} }}, 2000)</script>", encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    options.append(f"--window-size={size[0]},{size[1]}")
    command = [CHROMIUM, *options, "--virtual-time-budget=20000", "--dump-dom", opened.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    return re.sub(r"<script.*?</script>", "", dom, flags=re.DOTALL)
