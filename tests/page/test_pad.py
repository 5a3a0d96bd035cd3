"""The pad in real Chromium, against the running app."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from itertools import pairwise

import gradio as gr
import numpy as np
import pytest
from helpers import ONE, SEVEN, ZERO, Points, draw, on_canvas, open_app
from playwright.sync_api import Browser, CDPSession, Page, Request, Response, Route, expect

from mnist_mlp import read, to_mnist
from mnist_mlp.page.hint import Hint
from mnist_mlp.page.pad import EXAMPLES, Pad
from mnist_mlp.page.panel import Panel
from mnist_mlp.page.part import Part
from mnist_mlp.page.preview import Preview
from mnist_mlp.picture import read_data_url, read_picture

BAR: Points = [(0.38, 0.5), (0.66, 0.5)]
FOUR: list[Points] = [
    [(0.2, 0.25), (0.14, 0.52), (0.15, 0.56), (0.4, 0.55)],
    [(0.32, 0.3), (0.31, 0.78)],
]
TWO: Points = [(0.56, 0.35), (0.6, 0.28), (0.68, 0.25), (0.77, 0.3), (0.76, 0.42), (0.66, 0.6), (0.56, 0.75)]
TWO += [(0.7, 0.745), (0.82, 0.75)]
FORTY_TWO: list[Points] = [*FOUR, TWO]


def canvas(page: Page) -> np.ndarray:
    """What the visitor sees on the sheet: RGBA."""
    return read_data_url(page.locator("#pad canvas").evaluate("canvas => canvas.toDataURL()"))


def ink(page: Page) -> float:
    """The share of the sheet that is inked."""
    return float((canvas(page)[..., 3] > 128).mean())


def expect_text(page: Page, wanted: str) -> None:
    expect(page.locator("#label h2")).to_have_text(wanted, timeout=15000)


def preview(page: Page) -> list[np.ndarray]:
    """The pictures of the strip: uint8 (28, 28) each."""
    sources = page.locator("#preview img").evaluate_all("images => images.map((image) => image.src)")
    return [read_data_url(source) for source in sources]


def expect_answer_for_the_drawing(page: Page) -> None:
    """Label and preview are what `read` makes of the sheet as the visitor sees it."""
    told = ""
    for _ in range(100):
        reading = read(canvas(page))
        seen, wanted = preview(page), [digit.pixels for digit in reading.digits]
        if len(seen) == len(wanted):
            # The sheet has finer edges than what was sent.
            apart = max((float(np.abs(a / 255 - b).mean()) for a, b in zip(seen, wanted)), default=0)
            told = f"a difference of {apart:.3f} a pixel"
            if apart < 0.025 and page.locator("#label h2").inner_text() == (reading.text or "?"):
                return
        page.wait_for_timeout(100)
    raise AssertionError(f"the last answer is not for the last drawing: {told}")


def nothing_answered(page: Page) -> None:
    expect(page.locator("#label h2")).to_have_text("–", timeout=15000)
    expect(page.locator("#preview img")).to_have_count(0)
    expect(page.locator("#hint")).to_have_text("Draw a digit or a number.")


def _is_sent(request: Request) -> bool:
    return not request.url.startswith("data:")


def is_answer(message: Request | Response) -> bool:
    """Whether it is the pad's question, or the answer to one; the panel has questions of its own."""
    request = message.request if isinstance(message, Response) else message
    return '"fn_name":"answer"' in (request.post_data or "")


# ---- Drawing


def test_the_pen_is_ready_and_answers_come_while_it_moves(page: Page, app: str) -> None:
    open_app(page, app)
    answers: list[Response] = []
    page.on("response", lambda response: answers.append(response) if is_answer(response) else None)
    draw(page, SEVEN, up=False, pause=150)
    assert len(answers) >= 3
    expect(page.locator("#label h2")).not_to_have_text("–")
    page.mouse.up()
    expect_text(page, "7")
    expect_answer_for_the_drawing(page)
    for stroke, wanted in ((ZERO, 0), (ONE, 1)):
        page.keyboard.press("Escape")
        nothing_answered(page)
        draw(page, stroke)
        expect_text(page, str(wanted))
        expect_answer_for_the_drawing(page)


def test_the_pad_is_there_for_the_pen_as_soon_as_it_is_seen(page: Page, app: str) -> None:
    page.add_init_script(
        """
        window.seen = [];
        const look = () => {
            const sheet = document.querySelector("#pad canvas");
            if (!sheet) return;
            const { left, top, width } = sheet.getBoundingClientRect();
            const first = document.elementFromPoint(left + width / 2, top + width / 2);
            seen.push([first?.tagName, left, top, width]);
        };
        new MutationObserver(look).observe(document, { childList: true, subtree: true });
        """
    )
    open_app(page, app)
    seen = page.evaluate("seen")
    assert len(seen) > 1
    assert {first for first, *_ in seen} == {"CANVAS"}
    assert len({tuple(place) for _, *place in seen}) == 1


def test_both_networks_answer(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, ZERO[:18])  # only begun, it is no digit; the two disagree on what it is nearest to
    expect_answer_for_the_drawing(page)
    wanted = {name: read(canvas(page), name).readings for name in ("relu", "sigmoid")}
    assert abs(wanted["relu"][""] - wanted["sigmoid"][""]) > 0.005
    for name in ("relu", "sigmoid", "relu"):
        page.get_by_label("ReLU" if name == "relu" else "Sigmoid").first.click()
        page.wait_for_timeout(700)
        shown = re.findall(r"(\d+|no digit)\s+(\d+)%", page.locator("#label").inner_text())
        assert len(shown) == 3
        for label, percent in shown:  # the sheet has finer edges than what was sent
            p = wanted[name].get("" if label == "no digit" else label, 0.0)
            assert int(percent) == pytest.approx(100 * p, abs=12)


def test_an_answer_is_one_small_request_while_the_panel_is_closed(page: Page, app: str) -> None:
    open_app(page, app)
    if page.locator("#inside details.panel").evaluate("details => details.open"):
        page.locator("#inside .panel > summary").click()
    page.wait_for_timeout(500)
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request) if _is_sent(request) else None)
    for stroke in FORTY_TWO:
        draw(page, stroke)
    page.wait_for_timeout(1000)
    sizes = [request.sizes() for request in requests]
    assert np.median([each["requestHeadersSize"] + each["requestBodySize"] for each in sizes]) < 5000
    scribble = [(0.5 + 0.45 * math.sin(3.1 * i), 0.5 + 0.45 * math.cos(1.7 * i)) for i in range(40)]
    draw(page, scribble, pause=0)
    page.wait_for_timeout(1000)
    assert len(requests) > 5 and all(map(is_answer, requests))
    sizes = [request.sizes() for request in requests]
    up = [each["requestHeadersSize"] + each["requestBodySize"] for each in sizes]
    down = [each["responseHeadersSize"] + each["responseBodySize"] for each in sizes]
    assert max(up) < 41_000 and max(down) < 6000
    picture = read_data_url(json.loads(requests[-1].post_data or "")["data"]["picture"])
    assert np.ptp(picture[..., :3], axis=-1).max() == 0


def test_a_tap_is_a_dot(page: Page, app: str) -> None:
    open_app(page, app)
    page.mouse.click(*on_canvas(page, 0.5, 0.5))
    page.wait_for_timeout(100)
    assert 0.001 < ink(page) < 0.02
    height, width = canvas(page).shape[:2]
    middle = canvas(page)[..., 3][height // 2 - 12 : height // 2 + 12, width // 2 - 12 : width // 2 + 12]
    assert (middle > 128).mean() > 0.3


def test_a_stroke_that_leaves_the_pad_and_comes_back_is_one(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, [(0.5, 0.5), (1.3, 0.5), (1.3, 0.8), (0.5, 0.8)])
    page.wait_for_timeout(100)
    right_edge = np.flatnonzero(canvas(page)[..., 3][:, -1] > 128) / canvas(page).shape[0]
    assert np.abs(right_edge - 0.5).min() < 0.02 and np.abs(right_edge - 0.8).min() < 0.02
    page.get_by_role("button", name="Undo").click()
    nothing_answered(page)
    assert ink(page) == 0


def test_a_stroke_that_begins_beside_the_pad_is_picked_up_at_its_edge(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, [(0.5, -0.05), (0.5, 0.5), (0.5, 0.8)])
    expect_text(page, "1")
    expect_answer_for_the_drawing(page)
    draw(page, [(0.2, -0.05), (0.2, 0.1)], up=False)
    page.keyboard.press("Escape")  # ends the stroke, which nothing but a new press begins again
    page.mouse.move(*on_canvas(page, 0.5, 0.5))
    page.mouse.move(*on_canvas(page, 1.1, 0.5), steps=4)
    page.mouse.move(*on_canvas(page, 0.5, 0.5), steps=4)
    nothing_answered(page)
    page.mouse.up()
    page.mouse.move(*on_canvas(page, 0.5, 1.1))
    page.mouse.move(*on_canvas(page, 0.5, 0.5), steps=4)  # no button
    page.wait_for_timeout(200)
    assert ink(page) == 0


def test_pen_widths(page: Page, app: str) -> None:
    open_app(page, app)
    inked = []
    for name in ("Thin pen", "Medium pen", "Thick pen"):
        page.get_by_role("radio", name=name).check(force=True)
        draw(page, SEVEN)
        page.wait_for_timeout(50)
        inked.append(ink(page))
        page.keyboard.press("Delete")
    assert inked[0] * 1.3 < inked[1] and inked[1] * 1.2 < inked[2]


def test_clear_and_undo_as_buttons_and_keys(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, ONE)
    expect_text(page, "1")
    one = ink(page)
    draw(page, BAR)
    page.wait_for_timeout(50)
    assert ink(page) > one
    page.keyboard.press("Control+z")
    page.wait_for_timeout(50)
    assert ink(page) == one
    page.get_by_role("button", name="Clear").click()
    nothing_answered(page)
    assert ink(page) == 0
    page.get_by_role("button", name="Undo").click()  # a clearing too
    expect_text(page, "1")
    assert ink(page) == one
    page.keyboard.press("Meta+z")
    nothing_answered(page)
    expect(page.get_by_role("button", name="Undo")).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Control+y")
    expect_text(page, "1")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")
    expect_text(page, "1")
    page.get_by_role("button", name="Redo").click()  # the clearing
    nothing_answered(page)
    expect(page.get_by_role("button", name="Clear")).to_have_attribute("aria-disabled", "true")
    draw(page, ONE)  # the pen is ready after each
    expect_text(page, "1")


def test_the_keys_leave_other_fields_alone(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, ONE)
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), {id: 'other'}))")
    page.locator("#other").press("Delete")
    page.locator("#other").press("Control+z")
    page.locator("#inside .panel > summary").press("Escape")  # nor is the explanation a place to clear from
    page.wait_for_timeout(50)
    assert ink(page) > 0


def test_names_for_a_screen_reader(page: Page, app: str) -> None:
    open_app(page, app)
    sheet = page.get_by_role("img", name="Drawing pad, empty")
    expect(sheet).to_have_accessible_description(
        "Draw with mouse, finger or pen. Escape or Delete clears, Control Z undoes, Control Y does it again."
    )
    for role, name in (
        ("button", "Undo"),
        ("button", "Clear"),
        ("button", "Copy link"),
        ("radio", "Thin pen"),
        ("radio", "Medium pen"),
        ("radio", "Thick pen"),
        ("button", "Example: 7"),
        ("radio", "ReLU"),
        ("radio", "Sigmoid"),
        ("status", ""),
    ):
        assert page.get_by_role(role, name=name, exact=True).count(), f"{role} {name}"  # type: ignore[arg-type]
    draw(page, ONE)
    expect(page.get_by_role("img", name="Drawing pad, with a drawing")).to_have_count(1)
    expect(page.get_by_role("img", name="28 by 28 pixels, read as 1")).to_have_count(1)


# ---- Fingers


class Fingers:
    """A phone's screen, by Chromium's own protocol: Playwright has taps only."""

    def __init__(self, page: Page):
        self.page = page
        self.session: CDPSession = page.context.new_cdp_session(page)

    def send(self, kind: str, *points: tuple[float, float]) -> None:
        places = [on_canvas(self.page, *point) for point in points]
        touches = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def draw(self, points: Points) -> None:
        self.send("touchStart", points[0])
        for (x0, y0), (x1, y1) in pairwise(points):
            for part in (0.25, 0.5, 0.75, 1):
                self.send("touchMove", (x0 + part * (x1 - x0), y0 + part * (y1 - y0)))
            self.page.wait_for_timeout(8)
        self.send("touchEnd")


@pytest.fixture
def phone(browser: Browser, app: str) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, device_scale_factor=3, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    open_app(page, app)
    yield page
    context.close()


def test_a_finger_draws_and_does_not_scroll(phone: Page) -> None:
    Fingers(phone).draw(SEVEN)
    expect_text(phone, "7")
    expect_answer_for_the_drawing(phone)
    assert phone.evaluate("scrollY") == 0


def test_a_second_finger_does_no_harm(phone: Page) -> None:
    fingers = Fingers(phone)
    fingers.send("touchStart", ONE[0])
    fingers.send("touchMove", (0.5, 0.4))
    fingers.send("touchStart", (0.5, 0.4), (0.9, 0.9))  # the second one comes
    fingers.send("touchMove", (0.5, 0.6), (0.1, 0.9))
    fingers.send("touchMove", (0.5, 0.8), (0.1, 0.1))
    fingers.send("touchEnd", (0.5, 0.8))  # and goes
    fingers.send("touchEnd")
    expect_text(phone, "1")
    alpha = canvas(phone)[..., 3] > 128
    columns = np.flatnonzero(alpha.any(0)) / alpha.shape[1]
    rows = np.flatnonzero(alpha.any(1)) / alpha.shape[0]
    assert columns.min() > 0.4 and columns.max() < 0.6
    assert rows.min() < 0.25 and rows.max() > 0.7
    fingers.draw(BAR)  # the pen is free again
    phone.wait_for_timeout(50)
    assert (canvas(phone)[..., 3] > 128).sum() > alpha.sum()


def test_a_phone_has_room_for_all_of_it(phone: Page) -> None:
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    side = phone.locator("#pad canvas").evaluate(
        "canvas => [canvas.clientWidth, canvas.width, canvas.height]"
    )
    assert side[0] >= 300 and side[1] == pytest.approx(3 * side[0], abs=4)  # sharp on its screen
    assert side[2] == pytest.approx(side[1] * 3 / 4, abs=4)
    label = phone.locator("#label").bounding_box()
    assert label and label["y"] + label["height"] <= 740  # seen while drawing, without scrolling
    for button in phone.locator("#pad button, #pad label").all():
        box = button.bounding_box()
        assert box and box["width"] >= 40 and box["height"] >= 40


# ---- Numbers


def assert_42(page: Page) -> None:
    expect_text(page, "42")
    expect_answer_for_the_drawing(page)
    buttons = page.locator("#preview button")
    expect(buttons).to_have_count(2)
    expect(page.locator("#preview button[aria-pressed=true]")).to_have_count(1)


def test_42_is_read_and_each_of_its_digits_can_be_chosen(page: Page, app: str) -> None:
    open_app(page, app)
    for stroke in FORTY_TWO:
        draw(page, stroke)
    assert_42(page)
    for index in (0, 1):
        page.locator("#preview button").nth(index).click()
        expect(page.locator("#preview button").nth(index)).to_have_attribute("aria-pressed", "true")
        shown = page.locator("#pad .box").bounding_box()  # while it is pointed at
        sheet = page.locator("#pad .sheet").bounding_box()
        assert shown and sheet
        left, top, right, bottom = read(canvas(page)).digits[index].box
        height, width = canvas(page).shape[:2]
        assert shown["x"] - sheet["x"] == pytest.approx(sheet["width"] * left / width, abs=8)
        assert shown["y"] - sheet["y"] == pytest.approx(sheet["height"] * top / height, abs=8)
        assert shown["width"] == pytest.approx(sheet["width"] * (right - left) / width, abs=8)
        assert shown["height"] == pytest.approx(sheet["height"] * (bottom - top) / height, abs=8)
    page.mouse.move(0, 0)
    expect(page.locator("#pad .box")).to_be_hidden()
    page.keyboard.press("Control+z")
    expect_text(page, "4")
    expect_answer_for_the_drawing(page)


def test_the_label_does_not_follow_every_passing_reading_while_the_pen_moves(page: Page, app: str) -> None:
    served: list[str] = []

    def read_in_turns(route: Route) -> None:
        answered = route.fetch().json()
        served.append("17"[len(served) % 2])
        answered["label"] = {"label": served[-1], "confidences": [{"label": served[-1], "confidence": 1.0}]}
        route.fulfill(json=answered)

    open_app(page, app)
    page.route("**/component_server/", read_in_turns)
    page.evaluate(
        """() => {
          window.headings = [];
          const look = () => {
            const text = document.querySelector("#label h2").textContent.trim();
            if (headings.at(-1) !== text) headings.push(text);
            requestAnimationFrame(look);
          };
          look();
        }"""
    )
    draw(page, ZERO, up=False, pause=30)
    headings = page.evaluate("headings")
    assert headings[0] == "–" and {*headings[1:]} <= {"1", "7"} and len(headings) > 1
    assert len(headings) - 1 < len(served) / 2 > 4
    page.mouse.up()
    page.wait_for_timeout(1000)
    expect(page.locator("#label h2")).to_have_text(served[-1])
    page.unroute_all(behavior="ignoreErrors")


def test_why_42_adds_up(page: Page, app: str) -> None:
    open_app(page, app)
    for stroke in FORTY_TWO:
        draw(page, stroke)
    assert_42(page)
    page.locator("#preview .why > summary").click()
    rows = page.locator("#preview .why tbody tr")
    expect(rows).to_have_count(2)
    total = 0.0
    for label, row in zip("42", rows.all()):
        name, *numbers = row.locator("th, td").all_inner_texts()
        network, features, both = (float(number.replace("−", "-")) for number in numbers)
        assert name == label and network <= 0 and both == pytest.approx(network + features, abs=0.011)
        total += both
    told = page.locator("#preview .why p").inner_text().replace("−", "-")
    best, of_text, of_all = (float(n) for n in re.findall(r"(?:to|42:|all ways:) (-?[\d.]+\d)", told))
    assert best == pytest.approx(total, abs=0.02) and best <= of_text <= of_all
    line, number = (float(n) / 100 for n in re.findall(r"([\d.]+)%", told))
    assert line == pytest.approx(math.exp(of_text - of_all), abs=0.02)
    shown = re.search(r"42\s+(\d+)%", page.locator("#label").inner_text())
    assert shown and int(shown[1]) == pytest.approx(100 * line * number, abs=1)


def test_42_is_read_when_fingers_write_it(phone: Page) -> None:
    fingers = Fingers(phone)
    for stroke in FORTY_TWO:
        fingers.draw(stroke)
    assert_42(phone)
    # Sooner after a swipe, Chromium makes no click of a touch; no finger is as quick.
    phone.wait_for_timeout(400)
    phone.locator("#preview button").first.tap()
    expect(phone.locator("#preview button").first).to_have_attribute("aria-pressed", "true")
    phone.get_by_role("button", name="Undo").tap()
    expect_text(phone, "4")


def test_a_long_number_is_read_and_fits_its_place(page: Page, app: str) -> None:
    open_app(page, app)
    page.get_by_role("button", name="Example: 1000007").click()
    expect_text(page, "1000007")
    expect(page.locator("#preview img")).to_have_count(7)
    heading = page.locator("#label h2")
    assert heading.evaluate("heading => heading.scrollWidth <= heading.clientWidth")


def rows(digits: int, lines: int) -> list[Points]:
    """Ones, in lines of as many."""
    return [
        [((i + 1) / (digits + 1), (line + 0.2) / lines), ((i + 1) / (digits + 1), (line + 0.8) / lines)]
        for line in range(lines)
        for i in range(digits)
    ]


def test_four_rows_of_ten_digits_are_answered_and_fit_their_place(page: Page, app: str) -> None:
    refused: list[str] = []
    page.on("response", lambda answer: refused.extend([answer.url] if answer.status >= 400 else []))
    open_app(page, app)
    page.get_by_role("radio", name="Thin pen").check(force=True)
    for stroke in rows(10, 4):
        draw(page, stroke, pause=0, steps=1)
    expect_text(page, "\n".join(["1111111111"] * 4))
    heading = page.locator("#label h2")
    assert heading.evaluate(
        "it => it.scrollWidth <= it.clientWidth && it.scrollHeight <= it.clientHeight + 2"
    )
    expect(page.locator("#preview img")).to_have_count(40)
    assert not refused
    page.get_by_role("button", name="Clear").click()
    nothing_answered(page)
    draw(page, SEVEN)
    expect_text(page, "7")


def test_seventy_strokes_are_answered(page: Page, app: str) -> None:
    asked: list[int] = []
    page.on(
        "request", lambda request: asked.extend([len(request.post_data or "")] if is_answer(request) else [])
    )
    open_app(page, app)
    for i in range(70):
        y = 0.05 + 0.013 * i
        draw(page, [(0.1 + 0.01 * (i % 7), y), (0.9 - 0.01 * (i % 5), y)], pause=0, steps=1)
    page.wait_for_timeout(1500)
    expect(page.locator("#hint")).to_have_text(read(canvas(page)).hint)  # a blot, or no digit
    expect(page.locator("#pad .notice")).to_be_empty()
    assert max(asked) <= 40_500


def test_what_is_refused_is_said_and_not_asked_again(page: Page, app: str) -> None:
    asked = 0

    def refuse(route: Route) -> None:
        nonlocal asked
        asked += 1
        route.fulfill(json={"refused": "Expected a smaller drawing; got this one."})

    open_app(page, app)
    page.route("**/component_server/", refuse)
    draw(page, ONE)
    expect(page.locator("#pad .notice")).to_contain_text("Expected a smaller drawing")
    after = asked
    page.wait_for_timeout(3000)
    assert asked == after
    page.unroute("**/component_server/")
    draw(page, BAR)
    expect_answer_for_the_drawing(page)
    expect(page.locator("#pad .notice")).to_be_empty()


def test_a_busy_server_is_asked_again(page: Page, app: str) -> None:
    busy = 3

    def answer(route: Route) -> None:
        nonlocal busy
        busy -= 1
        route.fulfill(json={"busy": True}) if busy >= 0 else route.continue_()

    open_app(page, app)
    page.route("**/component_server/", answer)
    draw(page, SEVEN)
    expect_text(page, "7")


def test_no_box_is_left_on_an_empty_pad(page: Page, app: str) -> None:
    open_app(page, app)
    for stroke in FORTY_TWO:
        draw(page, stroke)
    assert_42(page)
    page.locator("#preview button").first.hover()
    expect(page.locator("#pad .box")).to_be_visible()
    page.keyboard.press("Escape")
    nothing_answered(page)
    expect(page.locator("#pad .box")).to_be_hidden()


# ---- What keeps the drawing


def test_a_reload_keeps_drawing_network_and_what_is_open(page: Page, app: str) -> None:
    open_app(page, app)
    page.get_by_label("Sigmoid").first.click()
    draw(page, SEVEN)
    expect_text(page, "7")
    page.locator("#inside .fold.nearest > summary").click()
    page.locator("#inside .nearest li").first.wait_for()
    page.reload()
    expect_text(page, "7")
    expect(page.get_by_label("Sigmoid").first).to_be_checked()
    expect(page.locator("#inside .fold.nearest")).to_have_attribute("open", "")
    expect_answer_for_the_drawing(page)


def test_what_is_cleared_before_the_kept_drawing_is_back_stays_cleared(page: Page, app: str) -> None:
    open_app(page, app)
    page.get_by_role("button", name="Example: 8").click()
    expect_text(page, "8")
    page.add_init_script("""
        const decode = Image.prototype.decode;
        window.decoded = 0;
        Image.prototype.decode = async function () {
          await new Promise((resolve) => setTimeout(resolve, 1500));
          await decode.call(this);
          window.decoded++;
        };""")
    page.reload()
    page.locator("#pad canvas").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_function("window.decoded > 0")
    page.wait_for_timeout(300)
    nothing_answered(page)
    assert ink(page) == 0


def test_an_example_can_be_drawn_over_and_undone(page: Page, app: str) -> None:
    open_app(page, app)
    for name in ("2", "7", "8"):
        page.get_by_role("button", name=f"Example: {name}").click()
        expect_text(page, name)
        expect_answer_for_the_drawing(page)
    eight = ink(page)
    draw(page, BAR)
    page.wait_for_timeout(50)
    assert ink(page) > eight
    expect_answer_for_the_drawing(page)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect_text(page, "7")
    page.get_by_role("button", name="Clear").click()
    nothing_answered(page)
    page.keyboard.press("Control+z")
    expect_text(page, "7")


def test_a_resize_keeps_the_drawing(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, SEVEN)
    expect_text(page, "7")
    before = to_mnist(canvas(page))
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_timeout(300)
    small = canvas(page)
    assert small.shape[1] < 330
    assert np.abs(to_mnist(small) - before).mean() < 0.01
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_timeout(300)
    assert np.abs(to_mnist(canvas(page)) - before).mean() < 0.001


def test_the_dark_theme_keeps_the_drawing_and_sends_the_same(page: Page, app: str) -> None:
    open_app(page, app + "/?__theme=light")
    draw(page, SEVEN)
    expect_text(page, "7")
    expect_answer_for_the_drawing(page)
    light = page.locator("#preview img").get_attribute("src")
    page.goto(app + "/?__theme=dark")  # as Gradio's own settings do it
    expect_text(page, "7")
    expect(page.locator("#preview img")).to_have_attribute("src", light or "")
    shot = page.locator("#pad .sheet").screenshot()
    grey = read_picture(shot)[..., :3].mean(-1)
    assert np.median(grey) < 60 and np.percentile(grey, 99) > 200  # light ink on a dark sheet
    draw(page, BAR)
    expect_answer_for_the_drawing(page)


def test_another_tab_and_back(page: Page, app: str) -> None:
    fetched: list[str] = []
    page.on("response", lambda response: fetched.append(response.url))
    open_app(page, app)
    draw(page, SEVEN)
    expect_text(page, "7")
    before, drawn = len([url for url in fetched if url.endswith(".js")]), ink(page)
    page.get_by_role("tab", name="Photo or picture").click()
    page.locator(".editor canvas").first.wait_for()
    page.wait_for_timeout(500)
    assert (
        len([url for url in fetched if url.endswith(".js")]) >= before + 5
    )  # the editor's code comes only now
    page.keyboard.press("Escape")  # not meant for a pad that is not seen
    page.get_by_role("tab", name="Draw").click()
    page.wait_for_timeout(200)
    assert ink(page) == drawn
    draw(page, BAR)
    expect_answer_for_the_drawing(page)


def test_the_editor_answers_every_picture_from_the_first_on(page: Page, app: str) -> None:
    open_app(page, app)
    page.get_by_role("tab", name="Photo or picture").click()
    page.locator(".editor canvas").first.wait_for()
    hint = page.locator("p[role=status]", has_text="Upload a picture of a digit or a number")
    answer = page.locator(".reading:visible h2")
    for wanted in (7, 2):
        expect(hint).to_be_visible(timeout=30000)
        expect(answer).to_have_text("–")
        picture = next(path for path in EXAMPLES if path.stem == str(wanted))
        page.locator(".editor input[type=file]").set_input_files(picture)
        expect(answer).to_have_text(str(wanted), timeout=30000)
        page.wait_for_timeout(1000)
        expect(answer).to_have_text(str(wanted))  # and stays
        expect(hint).to_have_count(0)
        page.get_by_role("button", name="Clear canvas").click()


def test_two_tabs_of_one_browser(browser: Browser, app: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    first, second = context.new_page(), context.new_page()
    for page in (first, second):
        open_app(page, app)
    first.bring_to_front()
    draw(first, SEVEN)
    second.bring_to_front()
    draw(second, ZERO)
    expect_text(second, "0")
    first.bring_to_front()
    expect_text(first, "7")
    expect_answer_for_the_drawing(first)
    second.bring_to_front()
    expect_answer_for_the_drawing(second)
    context.close()


@pytest.mark.parametrize("made", [Pad, Panel, Preview, Hint, lambda: Panel("{}", opened=False)])
def test_a_part_describes_itself_as_gradio_describes_it(made: Callable[[], Part]) -> None:
    part = made()
    for value in (part.value, part.value, "another"):
        part.value = value
        assert part.get_config() == gr.HTML.get_config(part)
