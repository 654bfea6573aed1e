"""The page is one inert file: no script, no request, every attack shown as text, and small even for a long study."""

import base64
import hashlib
import re
import time
from datetime import timedelta, timezone
from html.parser import HTMLParser

import pytest
from tests.controller.report import factory
from tests.controller.report.golden import check_golden

from nightlab.controller.report.html import render_html

VIEWS = (
    "good_night",
    "gated_night",
    "several_actions",
    "no_gain",
    "unknown_floor",
    "all_crashed",
    "empty",
    "running",
    "multi_objective",
    "hostile",
)
VOID_TAGS = {"meta", "br", "path", "rect", "line", "circle"}


class Page(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.words, self.open = set(), [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID_TAGS:
            assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.mark.parametrize("name", ["good_night", "gated_night", "several_actions", "all_crashed", "empty"])
def test_the_page_is_the_golden_one(name):
    check_golden(f"{name}.html", render_html(getattr(factory, name)()))


@pytest.mark.parametrize("name", VIEWS)
def test_the_page_is_balanced_and_loads_nothing(name):
    page = Page(render_html(getattr(factory, name)()))
    assert page.open == []
    assert not page.tags & {
        "script",
        "img",
        "iframe",
        "object",
        "embed",
        "link",
        "form",
        "base",
        "audio",
        "video",
        "foreignobject",
    }
    for key, value in page.attributes:
        assert not key.startswith("on") and key not in ("src", "style", "srcset", "action", "xlink:href")
        if key == "href":
            assert re.fullmatch(r"#\w+", value)


def test_the_policy_allows_only_the_one_style_sheet():
    html = render_html(factory.good_night())
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'" in html
    assert "url(" not in style and "@import" not in style


def test_hostile_text_is_shown_and_inert():
    html = render_html(factory.hostile())
    assert html.replace("\n", "").replace("\t", "").isprintable()
    text = Page(html).text
    assert "\\x1b[2J" in text and "<script>alert(1)</script>" in text and "{{7*7}}" in text and "\\u202e" in text
    assert "49}" not in text


def test_links_inside_the_page_lead_somewhere():
    page = Page(render_html(factory.good_night()))
    ids = {value for key, value in page.attributes if key == "id"}
    assert {value[1:] for key, value in page.attributes if key == "href"} <= ids


def test_the_story_is_on_the_page():
    text = Page(render_html(factory.good_night())).text
    for words in (
        "Trial 5 lowers val_bpb by 0.0476 bits/byte",
        "confirmed on 2 fresh seeds",
        "RuntimeError: mat1 and mat2 shapes",
        "Undefined name `WARMUP_STEPS`",
        "last match of /val_bpb",
        "repeats of likely winners on fresh seeds",
        "the night had 1 h 40 min",
        "with uncommitted changes",
    ):
        assert words in text


def test_moments_are_in_the_zone_asked():
    html = render_html(factory.good_night(), zone=timezone(timedelta(hours=-5), "EST"))
    assert "Mon 23 Nov 2026, 18:00 EST" in html and ">18:15<" in html


def test_a_long_study_stays_small_and_quick():
    view = factory.big()
    start = time.process_time()
    html = render_html(view)
    assert len(html.encode()) < 5_000_000
    assert time.process_time() - start < 20
    assert "more lines: <code>nightlab trial diff 77</code>" in html and 'id="t499"' in html
