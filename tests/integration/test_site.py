# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site as ``make site`` makes it: whole, readable without a network and on a phone, in both languages."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
PHONE = 390  # CSS pixels across, as on many phones

# Stands in each page before its own scripts.
BEFORE = """<script>window.failures = [];
addEventListener("error", event => failures.push(event.message || event.target.src || event.target.href), true);
addEventListener("unhandledrejection", event => failures.push(String(event.reason)));</script>"""
# Opens one page after the other as on a phone, and searches. In a table no short word is broken that is
# code, or with which a row begins; the tables of generated pages are laid out by those who generate them.
LOOKS = """<!doctype html><body><script>
async function opened(address) {
  const frame = document.createElement("iframe");
  frame.style = "width: PHONEpx; height: 800px; border: 0";
  frame.src = address;
  document.body.append(frame);
  await new Promise(resolve => frame.onload = resolve);
  return frame;
}
function lines(element) {
  const range = element.ownerDocument.createRange();
  range.selectNodeContents(element);
  const ends = [...range.getClientRects()].map(part => part.bottom).sort((one, other) => one - other);
  return ends.filter((end, index) => index === 0 || end - ends[index - 1] > 10).length;
}
async function looked(address) {
  const frame = await opened(address), page = frame.contentDocument;
  const {scrollWidth, clientWidth} = page.documentElement;
  const cell = "table:not(.ansible-option-table) td";
  const words = [...page.querySelectorAll(`${cell} code, ${cell}:first-child`)]
    .filter(word => /^[^\\s（、-]{2,9}$/.test(word.textContent.trim()));
  const found = {beside: scrollWidth - clientWidth, failures: frame.contentWindow.failures,
    broken: words.filter(word => lines(word) > 1).map(word => word.textContent.trim()),
    missing: [...page.images].filter(image => !image.naturalWidth).map(image => image.src)};
  frame.remove();
  return found;
}
async function searched(address) {
  const frame = await opened(address), page = frame.contentDocument;
  const results = () => [...page.querySelectorAll("#search-results li a")].map(link => new URL(link.href).pathname);
  const ended = () => /[0-9]|not match|没有/.test(page.querySelector(".search-summary")?.textContent || "");
  while (!ended()) await new Promise(resolve => setTimeout(resolve, 50));
  const found = {found: results(), said: page.querySelector("#search-results h2").textContent,
    failures: frame.contentWindow.failures};
  frame.remove();
  return found;
}
(async () => {
  const report = {pages: {}, searches: {}}, todo = TODO;
  for (const address of todo.pages) report.pages[address] = await looked(address);
  for (const address of todo.searches) report.searches[address] = await searched(address);
  fetch("/report", {method: "POST", body: JSON.stringify(report)});
})();
</script></body>"""
SEARCHES = ("search.html?q=proxy+ARP", "search.zh.html?q=转发表", "search.zh.html?q=veth_pair")


class Page(HTMLParser):
    """A page's places, its links, and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.language = ""
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.places.add(values.get("id", ""))
        self.language = values.get("lang", "") if tag == "html" else self.language
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" and values.get("rel") in ("stylesheet", "icon", "preload", "prefetch"):
            self.loaded.append(values["href"])
        elif "src" in values:
            self.loaded.append(values["src"])


class Server(SimpleHTTPRequestHandler):
    """Serves the site, the page that looks at it, and takes what that one has found."""

    def __init__(self, *arguments: Any, looks: str, reports: Queue[dict[str, Any]], **named: Any) -> None:
        self.looks, self.reports = looks, reports
        super().__init__(*arguments, **named)

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if self.path == "/looks.html":
            self.answer(self.looks)
        elif path.suffix == ".html" and path.exists():
            self.answer(path.read_text().replace("<head>", f"<head>{BEFORE}", 1))
        else:
            super().do_GET()

    def answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self) -> None:
        self.reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer("")

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "site"
    subprocess.run([ROOT / "tools/site/build", folder], check=True, timeout=1200)
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """All pages by their addresses."""
    return {str(path.relative_to(site)): Page(path) for path in sorted(site.rglob("*.html"))}


@pytest.fixture(scope="module")
def seen(site: Path, pages: dict[str, Page], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What a browser finds: of one module and one role, and of all other pages."""
    alike = {
        name
        for name in pages
        if name.startswith("reference/") and not re.search(r"/(index|network_set_m|etcd_r)", name)
    }
    todo = {"pages": sorted({*pages} - alike - {"index.html"}), "searches": SEARCHES}
    looks = LOOKS.replace("PHONE", str(PHONE)).replace("TODO", json.dumps(todo))
    reports: Queue[dict[str, Any]] = Queue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, looks=looks, reports=reports, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    profile = tmp_path_factory.mktemp("profile")
    browser = subprocess.Popen([
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
        "--remote-debugging-port=0", "--window-size=1400,900", f"http://127.0.0.1:{server.server_port}/looks.html",
    ], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        yield reports.get(timeout=600)
    finally:
        browser.terminate()
        browser.wait()
        server.shutdown()
        server.server_close()


def test_all_pages_are_in_it(pages: dict[str, Page]):
    written = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/README.md")]
    expected = {str(path.relative_to(ROOT).with_suffix(".html")) for path in written}
    expected |= {f"reference/{path.stem}_module.html" for path in ROOT.glob("plugins/modules/*.py")}
    expected |= {f"reference/{path.name}_role.html" for path in ROOT.glob("roles/*")}
    assert expected <= set(pages)


def broken_links(site: Path, pages: dict[str, Page], name: str) -> list[str]:
    """Links and loaded files of the page that are not in the site, and places that their page has not."""
    found: list[str] = []
    for link in [*pages[name].links, *pages[name].loaded]:
        parts = urlsplit(link)
        if parts.scheme or link in ("#", ""):
            continue
        path = ((site / name).parent / unquote(parts.path)).resolve() if parts.path else site / name
        page = pages.get(str(path.relative_to(site)))
        if not path.is_file() or (page and parts.fragment and unquote(parts.fragment) not in page.places):
            found.append(link)
    return found


def test_no_link_is_broken(site: Path, pages: dict[str, Page]):
    assert {name: broken for name in pages if (broken := broken_links(site, pages, name))} == {}


def test_the_theme_finds_no_fault_with_a_page(site: Path):
    assert [path for path in site.rglob("*.html") if 'class="contents' in path.read_text()] == []


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[str, Page]):
    assert {link for page in pages.values() for link in page.loaded if urlsplit(link).netloc} == set()
    styles = [path.read_text() for path in site.rglob("*.css")]
    assert styles
    assert [
        address for style in styles for address in re.findall(r"(?:@import|url\()[\s\"']*(?:https?:)?//[^)]*", style)
    ] == []


def test_each_page_has_its_language_and_leads_to_the_other_one(pages: dict[str, Page]):
    for name, page in pages.items():
        chinese = "/zh/" in name or name.endswith(".zh.html")
        assert page.language == ("zh-CN" if chinese else "en"), name
    switch = {
        "docs/course/terms.html": "zh/terms.html",
        "docs/course/zh/terms.html": "../terms.html",
        "README.html": "README.zh.html",
        "README.zh.html": "README.html",
        "docs/weave.html": "zh/index.html",
        "search.zh.html": "search.html",
    }
    assert {name: target for name, target in switch.items() if target not in pages[name].links} == {}


def test_what_is_around_a_chinese_page_is_chinese(site: Path):
    around = (site / "docs/course/zh/calico_68.html").read_text()
    assert all(
        words in around
        for words in ('placeholder="搜索"', "本页内容", "回到顶部", "参与开发", "../../../search.zh.html")
    )
    assert not any(words in around for words in ("On this page", "Back to top", "To work on it"))
    assert not any(mark in around for mark in "\u201c\u201d"), "quotation marks are as they were typed"


def test_all_of_it_is_readable_on_a_phone(seen: dict[str, Any]):
    assert {"docs/index.html", "docs/course/zh/README.html", "reference/network_set_module.html"} <= set(seen["pages"])
    assert {name: found["failures"] for name, found in seen["pages"].items() if found["failures"]} == {}
    assert {name: found["missing"] for name, found in seen["pages"].items() if found["missing"]} == {}
    assert {name: found["beside"] for name, found in seen["pages"].items() if found["beside"]} == {}
    assert {name: found["broken"] for name, found in seen["pages"].items() if found["broken"]} == {}


def test_words_of_both_languages_are_found(seen: dict[str, Any]):
    arp, table, module = (seen["searches"][search] for search in SEARCHES)
    assert arp["failures"] == table["failures"] == module["failures"] == []
    assert "/docs/course/terms.html" in arp["found"]
    assert table["found"][0].startswith(("/docs/course/zh/", "/README.zh"))
    assert "/docs/course/zh/terms.html" in table["found"]
    assert "/reference/veth_pair_module.html" in module["found"]
    assert (arp["said"], table["said"]) == ("Search Results", "搜索结果")
