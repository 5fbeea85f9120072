"""The documentation as a site: it builds without a warning, and what its pages name is there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site."""
    root = tmp_path_factory.mktemp("docs")
    for name in ("docs", "config"):
        shutil.copytree(REPOSITORY / name, root / name, symlinks=True)
    for name in ("zensical.toml", "CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(REPOSITORY / name, root)
    zensical = Path(sys.executable).with_name("zensical")
    run = subprocess.run([zensical, "build", "--strict"], cwd=root, capture_output=True, text=True)
    assert run.returncode == 0 and run.stderr == "No issues found\n", run.stdout + run.stderr
    return root / "site"


def test_every_page_of_the_documentation_is_in_the_menu():
    menu = set(re.findall(r'"([\w-]+\.md)"', (REPOSITORY / "zensical.toml").read_text(encoding="utf-8")))
    assert menu == {page.name for page in (REPOSITORY / "docs").glob("*.md")}


def test_what_pages_link_to_and_show_is_there(site):
    """Zensical checks links between pages in Markdown; this one also images, and the site as it is built."""
    missing = [
        f"{page.name}: {target}"
        for page in site.glob("*.html")
        for target in re.findall(r'(?:href|src)="(?!https?:|data:)([^"#?]+)', page.read_text(encoding="utf-8"))
        if page.name != "404.html" and not (page.parent / target).exists()
    ]
    assert not missing


def test_pages_load_nothing_from_elsewhere(site):
    for page in site.glob("*.html"):
        assert not re.findall(
            r"<(?:script|img|link)[^>]+(?:src|href)=[\"']?https?:", page.read_text(encoding="utf-8")
        ), page
