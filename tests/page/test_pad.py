"""The pad in real Chromium, against the running app."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import gradio as gr
import numpy as np
import pytest
from helpers import LAPTOP, ONE, PHONE, SEVEN, ZERO, Points, Server, draw, on_canvas, open_app
from playwright.sync_api import Browser, CDPSession, Page, Request, Response, Route, expect

from mnist_mlp import read, to_mnist
from mnist_mlp.page.hint import Hint
from mnist_mlp.page.pad import Pad
from mnist_mlp.page.panel import Panel
from mnist_mlp.page.part import Part
from mnist_mlp.page.preview import Preview
from mnist_mlp.picture import read_data_url, read_picture

expect.set_options(timeout=20_000)  # two cores may be busy with other tests

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
    expect(page.locator("#label h2")).to_have_text(wanted)


def expect_answer_for_the_drawing(page: Page, network: str = "relu") -> None:
    """Label and preview are what `read` makes of the sheet as the visitor sees it."""
    told = ""
    for _ in range(100):
        reading = read(canvas(page), network)
        sources = page.locator("#preview img").evaluate_all("images => images.map((image) => image.src)")
        seen, wanted = [read_data_url(source) for source in sources], [d.pixels for d in reading.digits]
        if len(seen) == len(wanted):
            # The sheet has finer edges than what was sent.
            apart = max((float(np.abs(a / 255 - b).mean()) for a, b in zip(seen, wanted)), default=0)
            told = f"a difference of {apart:.3f} a pixel"
            if apart < 0.025 and page.locator("#label h2").inner_text() == (reading.text or "?"):
                return
        page.wait_for_timeout(100)
    raise AssertionError(f"the last answer is not for the last drawing: {told}")


def nothing_answered(page: Page) -> None:
    expect_text(page, "–")
    expect(page.locator("#preview img")).to_have_count(0)
    expect(page.locator("#hint")).to_have_text("Draw a digit or a number.")


def is_answer(message: Request | Response) -> bool:
    """Whether it is the pad's question, or the answer to one; the panel has questions of its own."""
    request = message.request if isinstance(message, Response) else message
    return '"fn_name":"answer"' in (request.post_data or "")


# ---- The page opens


def test_the_page_opens_with_an_example_and_its_answer(page: Page, app: str) -> None:
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if request.method == "POST" else None)
    page.add_init_script("""window.shift = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
        }).observe({ type: "layout-shift", buffered: true });""")
    page.goto(app)
    expect_text(page, "7")
    expect(page.locator("#preview img")).to_have_count(1)
    expect(page.locator("#inside .story")).to_contain_text("To the label")
    expect(page.locator("#inside .sum li").first).to_contain_text("×")
    expect(page.locator("#pad .sample")).to_be_visible()
    expect_answer_for_the_drawing(page)
    for _ in range(2):  # the panel may open later than the example comes
        page.locator("#inside .panel > summary").click()
    page.wait_for_timeout(500)
    assert not asked, [request.url for request in asked]  # the answer has come with the page
    assert page.evaluate("shift") < 0.02
    draw(page, ZERO)  # the first stroke takes the example's place
    expect_text(page, "0")
    expect_answer_for_the_drawing(page)
    expect(page.locator("#pad .sample")).to_be_hidden()
    page.keyboard.press("Control+z")
    nothing_answered(page)
    expect(page.locator("#pad .invitation")).to_be_visible()


def test_the_pad_is_there_for_the_pen_as_soon_as_it_is_seen(page: Page, app: str) -> None:
    page.add_init_script("""
        window.seen = [];
        const look = () => {
            const sheet = document.querySelector("#pad canvas");
            if (!sheet) return;
            const { left, top, width } = sheet.getBoundingClientRect();
            const first = document.elementFromPoint(left + width / 2, top + width / 2);
            seen.push([first?.tagName, left, top, width]);
        };
        new MutationObserver(look).observe(document, { childList: true, subtree: true });
        """)
    open_app(page, app)
    seen = page.evaluate("seen")
    assert len(seen) > 1
    assert {first for first, *_ in seen} == {"CANVAS"}
    assert len({tuple(place) for _, *place in seen}) == 1


# ---- Drawing


def test_answers_come_while_the_pen_moves_and_the_last_is_for_the_last_drawing(page: Page, app: str) -> None:
    open_app(page, app)
    answers: list[Response] = []
    page.on("response", lambda response: answers.append(response) if is_answer(response) else None)
    draw(page, SEVEN, up=False, pause=150)
    assert len(answers) >= 3
    page.mouse.up()
    expect_text(page, "7")
    expect_answer_for_the_drawing(page)
    for stroke, wanted in ((ZERO, "0"), (ONE, "1")):
        page.keyboard.press("Escape")
        nothing_answered(page)
        draw(page, stroke)
        expect_text(page, wanted)
        expect_answer_for_the_drawing(page)
    page.get_by_label("Sigmoid").first.click()
    expect_answer_for_the_drawing(page, "sigmoid")


def test_a_runner_up_is_shown_where_it_is_likely(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, ONE)
    expect_text(page, "1")
    expect_answer_for_the_drawing(page)
    shown = page.locator("#label dl").count()
    readings = list(read(canvas(page)).readings.values())
    assert shown == 1 + sum(p >= 0.005 for p in readings[1:3])
    assert " 0%" not in page.locator("#label").inner_text().replace("\n", " ")


def test_an_answer_is_one_small_request_while_the_panel_is_closed(page: Page, app: str) -> None:
    open_app(page, app)
    page.locator("#inside .panel > summary").click()
    requests: list[Request] = []
    page.on(
        "request", lambda request: requests.append(request) if not request.url.startswith("data:") else None
    )
    for stroke in FORTY_TWO:
        draw(page, stroke)
    page.wait_for_timeout(1000)
    sizes = [request.sizes() for request in requests[::4]]
    assert np.median([each["requestHeadersSize"] + each["requestBodySize"] for each in sizes]) < 5000
    scribble = [(0.5 + 0.45 * math.sin(3.1 * i), 0.5 + 0.45 * math.cos(1.7 * i)) for i in range(40)]
    draw(page, scribble, pause=0)
    page.wait_for_timeout(1000)
    assert len(requests) > 5 and all(map(is_answer, requests))
    largest = sorted(requests, key=lambda request: len(request.post_data or ""))[-10:]
    sizes = [request.sizes() for request in largest]
    assert max(each["requestHeadersSize"] + each["requestBodySize"] for each in sizes) < 41_000
    assert max(each["responseHeadersSize"] + each["responseBodySize"] for each in sizes) < 6000
    picture = read_data_url(json.loads(requests[-1].post_data or "")["data"]["picture"])
    assert np.ptp(picture[..., :3], axis=-1).max() == 0


def test_a_stroke_may_leave_the_pad_or_begin_beside_it(page: Page, app: str) -> None:
    open_app(page, app)
    page.mouse.click(*on_canvas(page, 0.5, 0.5))  # a tap is a dot
    page.wait_for_timeout(100)
    assert 0.001 < ink(page) < 0.02
    page.keyboard.press("Escape")
    draw(page, [(0.5, 0.5), (1.3, 0.5), (1.3, 0.8), (0.5, 0.8)])
    page.wait_for_timeout(100)
    right_edge = np.flatnonzero(canvas(page)[..., 3][:, -1] > 128) / canvas(page).shape[0]
    assert np.abs(right_edge - 0.5).min() < 0.02 and np.abs(right_edge - 0.8).min() < 0.02
    page.get_by_role("button", name="Undo").click()  # it is one stroke
    nothing_answered(page)
    draw(page, [(0.5, -0.05), (0.5, 0.5), (0.5, 0.8)])  # picked up at the edge
    expect_text(page, "1")
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


def test_pens_clear_undo_and_redo_by_button_and_key(page: Page, app: str) -> None:
    open_app(page, app)
    inked = []
    for name in ("Thin pen", "Thick pen", "Medium pen"):
        page.get_by_role("radio", name=name).check(force=True)
        page.keyboard.press("Delete")
        draw(page, ONE)
        page.wait_for_timeout(50)
        inked.append(ink(page))
    assert inked[0] * 1.3 < inked[2] and inked[2] * 1.2 < inked[1]
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
    page.get_by_role("button", name="Undo").click()  # a clearing too
    expect_text(page, "1")
    page.keyboard.press("Control+y")
    nothing_answered(page)
    page.keyboard.press("Meta+z")
    expect_text(page, "1")
    page.get_by_role("button", name="Redo").click()
    nothing_answered(page)
    expect(page.get_by_role("button", name="Clear")).to_have_attribute("aria-disabled", "true")
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), {id: 'other'}))")
    draw(page, ONE)
    page.locator("#other").press("Delete")  # other fields have keys of their own
    page.locator("#other").press("Control+z")
    page.locator("#inside .panel > summary").press("Escape")
    page.wait_for_timeout(50)
    assert ink(page) > 0


def test_names_for_a_screen_reader(page: Page, app: str) -> None:
    open_app(page, app)
    page.keyboard.press("Escape")
    expect(page.get_by_role("img", name="Drawing pad, empty")).to_have_accessible_description(
        "Draw with mouse, finger or pen. Escape or Delete clears, Control Z undoes, Control Y does it again."
    )
    for role, names in (
        ("button", ["Undo", "Redo", "Clear", "Copy link", "Example: 7"]),
        ("radio", ["Thin pen", "Medium pen", "Thick pen", "ReLU", "Sigmoid"]),
        ("status", [""]),
    ):
        for name in names:
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
    context = browser.new_context(**PHONE)
    page = context.new_page()
    open_app(page, app)
    yield page
    context.close()


def test_fingers_write_42_on_a_phone_that_has_room_for_all_of_it(phone: Page) -> None:
    width, height = PHONE["viewport"]["width"], PHONE["viewport"]["height"]
    assert phone.evaluate("document.documentElement.scrollWidth") == width
    side, across, down = phone.locator("#pad canvas").evaluate("it => [it.clientWidth, it.width, it.height]")
    assert side >= 300 and across == pytest.approx(3 * side, abs=4)  # sharp on its screen
    assert down == pytest.approx(across * 3 / 4, abs=4)
    label = phone.locator("#label").bounding_box()
    assert label and label["y"] + label["height"] <= height  # seen while drawing, without scrolling
    for button in phone.locator("#pad button, #pad label").all():
        box = button.bounding_box()
        assert box and box["width"] >= 40 and box["height"] >= 40
    fingers = Fingers(phone)
    for stroke in FORTY_TWO:
        fingers.draw(stroke)
    expect_text(phone, "42")
    expect_answer_for_the_drawing(phone)
    assert phone.evaluate("scrollY") == 0
    # Sooner after a swipe, Chromium makes no click of a touch; no finger is as quick.
    phone.wait_for_timeout(400)
    phone.locator("#preview button").first.tap()
    expect(phone.locator("#preview button").first).to_have_attribute("aria-pressed", "true")
    phone.get_by_role("button", name="Undo").tap()
    expect_text(phone, "4")


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


@pytest.mark.parametrize("size", [(640, 450), (640, 360)])  # a small window; 1,280 × 720 at 200 %
def test_a_small_window_shows_pad_and_answer(browser: Browser, app: str, size: tuple[int, int]) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    open_app(page, app)
    for part in ("#pad canvas", "#label h2"):
        box = page.locator(part).bounding_box()
        assert box and box["y"] >= 0 and box["y"] + box["height"] <= size[1], (part, box)
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    context.close()


# ---- Numbers


def test_42_its_digits_and_why(page: Page, app: str) -> None:
    open_app(page, app)
    for stroke in FORTY_TWO:
        draw(page, stroke)
    expect_text(page, "42")
    expect_answer_for_the_drawing(page)
    buttons = page.locator("#preview button")
    expect(buttons).to_have_count(2)
    for number in (0, 1):
        buttons.nth(number).click()
        expect(buttons.nth(number)).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#inside .which")).to_have_text(f"digit {number + 1} of 42")
        expect(page.locator("#pad .box")).to_be_visible()  # round the digit under the pointer
        box, sheet = page.locator("#pad .box").bounding_box(), page.locator("#pad canvas").bounding_box()
        assert box and sheet
        middle = (box["x"] + box["width"] / 2 - sheet["x"]) / sheet["width"]
        assert (middle < 0.5) == (number == 0)
    page.locator("#preview .why summary").click()
    expect(page.locator("#preview .why tbody tr")).to_have_count(2)
    told = page.locator("#preview .why p").inner_text()
    share = page.locator("#label dd").first.inner_text().strip("%")
    assert told.endswith("as the label says.")
    assert float(told.split(" = ")[-1].split("%")[0].lstrip(">")) == pytest.approx(float(share), abs=0.6)
    page.locator("#preview button").first.hover()
    page.keyboard.press("Escape")
    nothing_answered(page)
    expect(page.locator("#pad .box")).to_be_hidden()


def test_a_question_mark_has_its_why(page: Page, app: str) -> None:
    open_app(page, app)
    for stroke in ([(0.3, 0.8), (0.5, 0.2), (0.7, 0.8)], [(0.38, 0.55), (0.62, 0.55)]):  # A
        draw(page, stroke)
    for x in np.linspace(0.25, 0.75, 7):  # and hatched
        draw(page, [(x, 0.15), (1 - x, 0.85)])
    expect_text(page, "?")
    if read(canvas(page)).digits:
        expect(page.locator("#preview .why summary")).to_have_text("Why ?")


def test_marks_that_are_left_out_are_told(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, [(0.12, 0.5), (0.3, 0.5)])  # −1
    draw(page, [(0.55, 0.15), (0.55, 0.85)])
    expect_text(page, "1")
    expect(page.locator("#hint")).to_contain_text("left out")
    page.keyboard.press("Escape")  # 1.1
    for stroke in ([(0.3, 0.2), (0.3, 0.8)], [(0.45, 0.79), (0.452, 0.792)], [(0.6, 0.2), (0.6, 0.8)]):
        draw(page, stroke)
    expect_text(page, "11")
    expect(page.locator("#hint")).to_contain_text("left out")


def keep(page: Page, lines: list[list[float]], width: float) -> None:
    """Open the page with lines on the pad, [x0, y0, x1, y1] each in shares of its height."""
    items = [{"width": width, "points": points} for points in lines]
    kept = json.dumps({"items": items, "network": "relu", "width": width})
    page.evaluate("kept => sessionStorage.setItem('pad /', kept)", kept)
    page.reload()
    expect(page.locator("#pad .sample")).to_be_hidden()
    page.wait_for_function("!document.querySelector('#pad .link[aria-disabled=true]')")


def test_a_long_reading_is_cut_and_whole_in_its_title(page: Page, app: str) -> None:
    open_app(page, app)
    page.get_by_role("button", name="Example: 1000007").click()
    expect_text(page, "1000007")
    expect(page.locator("#preview img")).to_have_count(7)
    heading = page.locator("#label h2")
    assert heading.evaluate("it => it.scrollWidth <= it.clientWidth")
    keep(page, [[x / 16, y + 0.04, x / 16, y + 0.16] for x in range(1, 21) for y in np.arange(5) / 5], 0.03)
    text = read(canvas(page)).text
    assert len(text) > 60
    expect(heading).to_have_attribute("title", text)
    assert len(heading.inner_text()) < len(text)
    assert heading.evaluate(
        "it => it.scrollWidth <= it.clientWidth && it.scrollHeight <= it.clientHeight + 4"
    )
    parts = page.locator("#label h2, #label dl")
    boxes = [box for part in parts.all() if (box := part.bounding_box())]
    assert all(upper["y"] + upper["height"] <= lower["y"] + 2 for upper, lower in pairwise(boxes))


# ---- The server


def test_what_the_server_refuses_is_said_and_a_busy_one_is_asked_again(page: Page, app: str) -> None:
    replies: list[dict[str, object]] = [{"busy": True}] * 3

    def reply(route: Route) -> None:
        route.fulfill(json=replies.pop(0)) if replies else route.continue_()

    open_app(page, app)
    page.route("**/component_server/", reply)
    draw(page, SEVEN)
    expect_text(page, "7")
    expect_answer_for_the_drawing(page)
    replies += [{"refused": "Expected a smaller drawing; got this one."}] * 100
    draw(page, BAR)
    expect(page.locator("#pad .notice")).to_contain_text("Expected a smaller drawing")
    replies.clear()
    draw(page, BAR)
    expect_answer_for_the_drawing(page)
    expect(page.locator("#pad .notice")).to_be_empty()


def test_a_server_that_stops_and_one_that_comes_back(page: Page, start_app: Callable[..., Server]) -> None:
    first = start_app()
    open_app(page, first.url)
    draw(page, SEVEN)
    expect_text(page, "7")
    first.process.kill()
    first.process.wait()
    draw(page, BAR)
    expect(page.locator("#pad .notice")).to_contain_text("Your drawing is kept")
    start_app(port=int(first.url.rpartition(":")[2]))
    expect(page.locator("#pad .notice")).to_be_empty()  # any copy answers: none has the drawing's session
    expect_answer_for_the_drawing(page)


# ---- What keeps the drawing


def test_a_reload_keeps_drawing_network_pen_and_what_is_open(page: Page, app: str) -> None:
    open_app(page, app)
    page.get_by_label("Sigmoid").first.click()
    page.get_by_role("radio", name="Thick pen").check(force=True)
    draw(page, SEVEN)
    expect_text(page, "7")
    page.locator("#inside .fold.nearest > summary").click()
    page.locator("#inside .nearest li").first.wait_for()
    page.reload()
    expect_answer_for_the_drawing(page, "sigmoid")
    expect(page.get_by_label("Sigmoid").first).to_be_checked()
    expect(page.get_by_role("radio", name="Thick pen")).to_be_checked()
    expect(page.locator("#inside .fold.nearest")).to_have_attribute("open", "")
    expect(page.locator("#pad .sample")).to_be_hidden()


def test_a_link_holds_the_drawing_the_network_and_the_digit(browser: Browser, page: Page, app: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_app(page, app)
    page.get_by_label("Sigmoid").first.click()
    for stroke in FORTY_TWO:
        draw(page, stroke)
    expect_text(page, "42")
    page.locator("#preview button").first.click()
    expect(page.locator("#inside .which")).to_have_text("digit 1 of 42")
    examples = page.locator("#pad .examples").bounding_box()
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#pad .notice")).to_have_text("Link copied.")
    assert page.locator("#pad .examples").bounding_box() == examples  # a notice moves nothing
    link = page.evaluate("navigator.clipboard.readText()")
    context = browser.new_context(viewport=LAPTOP)
    other = context.new_page()
    other.goto(link)
    expect_text(other, "42")
    expect(other.locator("#inside .which")).to_have_text("digit 1 of 42")
    expect(other.get_by_label("Sigmoid").first).to_be_checked()
    assert np.abs(canvas(other).astype(int) - canvas(page)).mean() < 0.5
    other.goto(app + "/#drawing=nothing!&network=relu")
    other.reload()
    expect(other.locator("#pad .notice")).to_have_text("This link holds no drawing.")
    context.close()


def test_what_a_link_cannot_hold_is_said(page: Page, app: str) -> None:
    open_app(page, app)
    dots = [[x, y, x, y + 0.01] for x in np.linspace(0.1, 1.2, 50) for y in np.linspace(0, 0.98, 40)]
    keep(page, dots, 0.05)
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#pad .notice")).to_have_text("This drawing has too many strokes for a link.")


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
    for name in ("2", "8"):
        page.get_by_role("button", name=f"Example: {name}").click()
        expect_text(page, name)
        expect_answer_for_the_drawing(page)
    draw(page, BAR)
    expect_answer_for_the_drawing(page)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect_text(page, "2")
    page.get_by_role("button", name="Clear").click()
    nothing_answered(page)
    page.keyboard.press("Control+z")
    expect_text(page, "2")


def test_a_resize_and_the_dark_theme_keep_the_drawing_and_send_the_same(page: Page, app: str) -> None:
    open_app(page, app + "/?__theme=light")
    draw(page, SEVEN)
    expect_text(page, "7")
    expect_answer_for_the_drawing(page)
    before, light = to_mnist(canvas(page)), page.locator("#preview img").get_attribute("src")
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_timeout(300)
    small = canvas(page)
    assert small.shape[1] < 330
    assert np.abs(to_mnist(small) - before).mean() < 0.01
    page.set_viewport_size(LAPTOP)
    page.goto(app + "/?__theme=dark")  # as Gradio's own settings do it
    expect_text(page, "7")
    expect(page.locator("#preview img")).to_have_attribute("src", light or "")
    grey = read_picture(page.locator("#pad .sheet").screenshot())[..., :3].mean(-1)
    assert np.median(grey) < 60 and np.percentile(grey, 99) > 200  # light ink on a dark sheet
    draw(page, BAR)
    expect_answer_for_the_drawing(page)


@pytest.mark.parametrize("made", [Pad, Panel, Preview, Hint, lambda: Panel("{}", opened=False)])
def test_a_part_describes_itself_as_gradio_describes_it(made: Callable[[], Part]) -> None:
    part = made()
    for value in (part.value, "another"):
        part.value = value
        assert part.get_config() == gr.HTML.get_config(part)
