"""A link to a drawing, made and opened in real Chromium."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers import ONE, draw, open_app
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect
from test_pad import FORTY_TWO, TWO, canvas, expect_text

from mnist_mlp import to_mnist


def copy_link(page: Page) -> str:
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#pad .notice")).not_to_be_empty()
    return str(page.evaluate("location.href"))


def open_link(browser: Browser, link: str) -> Page:
    page = browser.new_context().new_page()
    page.goto(link)
    page.locator("#pad canvas").wait_for()
    return page


def assert_same_drawing(one: Page, other: Page) -> None:
    assert np.abs(to_mnist(canvas(one)) - to_mnist(canvas(other))).mean() < 0.01


def test_a_link_shows_the_same_drawing_answered_and_it_can_be_drawn_on(
    page: Page, browser: Browser, app: str
) -> None:
    open_app(page, app)
    page.get_by_label("Sigmoid").click()
    for stroke in FORTY_TWO:
        draw(page, stroke)
    expect_text(page, "42")
    page.locator("#preview button").first.click()
    link = copy_link(page)
    assert len(link) <= 2000
    other = open_link(browser, link + "&utm_source=somewhere")
    expect_text(other, "42")
    # Points lie on the link's grid: the answer is the same, to a percent.
    ours, theirs = (each.locator("#label").inner_text().split("\n")[:3] for each in (page, other))
    assert ours[:2] == theirs[:2] and abs(int(ours[2].strip("%")) - int(theirs[2].strip("%"))) <= 1
    expect(other.get_by_label("Sigmoid")).to_be_checked()
    expect(other.locator("#preview button").first).to_have_attribute("aria-pressed", "true")
    assert_same_drawing(page, other)
    other.keyboard.press("Control+z")
    expect_text(other, "4")
    draw(other, TWO)
    expect_text(other, "42")
    assert "#" not in other.url  # the address no longer names what is drawn
    other.context.close()


def test_a_link_is_short_however_much_is_drawn(page: Page, browser: Browser, app: str) -> None:
    open_app(page, app)
    waves = [
        [at for i in range(100) for at in (0.13 + 0.0106 * i, 0.1 + 0.1 * turn + 0.05 * (i % 7) / 7)]
        for turn in range(8)
    ]
    marks = [{"width": 0.07, "points": points} for points in waves]
    kept = json.dumps({"marks": marks, "network": "relu"})
    page.evaluate("kept => sessionStorage.setItem(`pad ${location.pathname}`, kept)", kept)
    page.reload()  # the page has the drawing that it kept
    expect(page.get_by_role("img", name="Drawing pad, with a drawing")).to_have_count(1)
    link = copy_link(page)
    assert len(link) <= 8100
    other = open_link(browser, link)
    expect(other.get_by_role("img", name="Drawing pad, with a drawing")).to_have_count(1)
    assert_same_drawing(page, other)
    other.context.close()


@pytest.mark.parametrize(
    "fragment",
    [
        "#drawing=",
        "#drawing=AAAA&network=relu",
        "#drawing=____&network=sigmoid&digit=9",
        "#drawing=AP__AAAAAA&network=relu",
        "#drawing=ZAEx&network=relu",  # an example that there is not
        "#drawing=AAAAAAAAAA&network=convolutional",
        "#drawing=AAAAAAAAAA&network=relu&digit=<script>",
        "#drawing=" + "A" * 20_000 + "&network=relu",
        "#drawing=ZQ&network=relu",
    ],
)
def test_a_link_that_holds_no_drawing_says_so_and_leaves_the_pad_ready(
    page: Page, app: str, fragment: str
) -> None:
    errors: list[ConsoleMessage | Exception] = []
    page.on("pageerror", lambda error: errors.append(error))
    page.goto(app + fragment)
    expect(page.locator("#pad .notice")).to_have_text("This link holds no drawing.")
    for stroke in FORTY_TWO:
        draw(page, stroke)
    expect_text(page, "42")
    assert not errors


def test_an_answer_leaves_the_notice_of_the_link(page: Page, app: str) -> None:
    open_app(page, app)
    held: list[Route] = []
    silent = True

    def answer(route: Route) -> None:
        if silent:
            held.append(route)
        else:
            route.continue_()

    page.route("**/component_server/", answer)
    draw(page, TWO)
    page.wait_for_timeout(300)
    copy_link(page)
    notice = page.locator("#pad .notice").inner_text()
    silent = False
    for route in held:
        route.continue_()
    expect(page.locator("#label h2")).not_to_have_text("–")
    expect(page.locator("#pad .notice")).to_have_text(notice)


def test_a_link_opened_in_the_same_tab_keeps_the_drawing_before_for_undo(page: Page, app: str) -> None:
    open_app(page, app)
    for stroke in FORTY_TWO:
        draw(page, stroke)
    expect_text(page, "42")
    fragment = copy_link(page).partition("#")[2]
    page.locator("#pad .clear").click()
    draw(page, ONE)
    expect_text(page, "1")
    page.evaluate("fragment => (location.hash = fragment)", fragment)
    expect_text(page, "42")
    for _ in FORTY_TWO:
        page.keyboard.press("Control+z")
    expect_text(page, "1")
    for _ in FORTY_TWO:
        page.keyboard.press("Control+y")
    expect_text(page, "42")
