"""The page in a real browser, and the tables in a real LaTeX: programs of Debian's chromium and texlive."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nemesis_sweep.report.page.build import write_report

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
LATEX = shutil.which("pdflatex")
OWN = ("google.com", "googleapis.com", "gstatic.com", "gvt1.com")
"""Hosts that the browser itself asks, whatever it shows."""
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")

pytestmark = pytest.mark.slow


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """The address of a proxy that answers nothing, and what a page asked of it."""
    asked: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def answer(self) -> None:
            if not any(host in self.path for host in OWN):
                asked.append(self.path)
            self.send_error(502)

        do_GET = do_POST = do_CONNECT = answer  # noqa: N815 - names of the standard library

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", asked
        server.shutdown()


def opened(page: Path, proxy: str, profile: Path) -> tuple[str, str]:
    """What the browser makes of a page, and the lines that the page's console got."""
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", *QUIET, f"--user-data-dir={profile}"]
    command += ["--window-size=1280,1000"]
    command += [f"--proxy-server={proxy}", "--enable-logging=stderr", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


@pytest.mark.skipif(BROWSER is None, reason="needs chromium")
def test_a_browser_opens_it_without_an_error_or_a_request(report, proxy, tmp_path) -> None:
    address, asked = proxy
    dom, console = opened(report / "report.html", address, tmp_path / "profile")
    assert console == ""
    assert asked == []
    assert "Every method on every task" in dom


@pytest.mark.skipif(BROWSER is None, reason="needs chromium")
def test_a_page_that_does_ask_and_err_is_noticed(proxy, tmp_path) -> None:
    address, asked = proxy
    page = tmp_path / "other.html"
    page.write_text("<img src='http://example.org/x.png'><script>console.error('wrong')</script>")
    _, console = opened(page, address, tmp_path / "profile")
    assert "wrong" in console
    assert "http://example.org/x.png" in asked


@pytest.mark.skipif(BROWSER is None, reason="needs chromium")
def test_no_table_of_two_sweeps_is_wider_than_the_page(home, proxy, tmp_path) -> None:
    other = shutil.copytree(home, tmp_path / "another-sweep-of-a-long-name")
    page = write_report([home, other], tmp_path / "both")
    script = """<script>for (const each of document.querySelectorAll(".table"))
        if (each.scrollWidth > each.clientWidth) console.error(each.parentElement.id)</script>"""
    page.write_text(page.read_text().replace("</body>", f"{script}</body>"))
    _, console = opened(page, proxy[0], tmp_path / "profile")
    assert console == ""


@pytest.mark.skipif(LATEX is None, reason="needs pdflatex with booktabs")
def test_latex_sets_every_table_within_the_page(report, tmp_path) -> None:
    tables = sorted((report / "tables").glob("*.tex"))
    assert tables
    body = "\n".join(rf"\input{{{table}}}\clearpage" for table in tables)
    (tmp_path / "all.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs,graphicx}\n"
        f"\\begin{{document}}\n{body}\n\\end{{document}}\n"
    )
    command = [LATEX, "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull \\hbox" not in done.stdout
    assert (tmp_path / "all.pdf").is_file()
