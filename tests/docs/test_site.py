"""The documentation's site: parts that people know, nothing cut, a copy button that takes what is typed."""

import re

from docs.pages import ROOT

CONFIG = (ROOT / "mkdocs.yml").read_text("utf-8")
STYLE = (ROOT / "docs/site.css").read_text("utf-8")


def test_the_four_parts() -> None:
    nav = CONFIG.partition("\nnav:\n")[2]
    assert re.findall(r"^  - ([^:]+):$", nav, re.MULTILINE) == ["Tutorials", "How to", "Explanation", "Reference"]


def test_every_page_leads_to_the_next() -> None:
    assert "navigation.footer" in CONFIG


def test_the_copy_button_leaves_prompt_and_output_out() -> None:
    assert "content.code.copy" in CONFIG and "extra_css: [site.css]" in CONFIG
    assert re.search(r"\[data-md-copying\] \.gp, \[data-md-copying\] \.go \{ display: none; \}", STYLE)


def test_long_lines_are_wrapped() -> None:
    assert re.search(r"pre > code \{ white-space: pre-wrap;", STYLE)


def test_the_picture_of_the_page_is_small_and_shown() -> None:
    picture = ROOT / "docs/images/dashboard.png"
    assert picture.stat().st_size < 300_000
    assert "docs/images/dashboard.png" in (ROOT / "README.md").read_text("utf-8")


def test_there_is_a_tutorial_for_each_way_in() -> None:
    tutorials = CONFIG.partition("- Tutorials:\n")[2].partition("- How to:")[0]
    assert re.findall(r"- In (?:the )?(\w+): ", tutorials) == ["browser", "terminal", "Python"]
