"""The pad in real Chromium, against the running app."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise

import gradio as gr
import numpy as np
import psutil
import pytest
from helpers import ONE, SEVEN, ZERO, Points, Server, draw, launched, on_canvas, open_app
from playwright.sync_api import Browser, CDPSession, Page, expect

from mnist_mlp import load, to_mnist
from mnist_mlp.page.answer import to_data_url
from mnist_mlp.page.pad import EXAMPLES, Live, Pad, Preview
from mnist_mlp.picture import read_data_url, read_picture

BAR: Points = [(0.38, 0.5), (0.66, 0.5)]


def canvas(page: Page) -> np.ndarray:
    """What the visitor sees on the sheet: RGBA."""
    return read_data_url(page.locator("#pad canvas").evaluate("canvas => canvas.toDataURL()"))


def ink(page: Page) -> float:
    """The share of the sheet that is inked."""
    return float((canvas(page)[..., 3] > 128).mean())


def digit(page: Page) -> str:
    heading = page.locator("#label h2")
    return heading.inner_text() if heading.count() else ""


def expect_digit(page: Page, wanted: int) -> None:
    expect(page.locator("#label h2")).to_have_text(str(wanted))


def expect_answer_for_the_drawing(page: Page) -> None:
    """The preview is what MNIST's recipe makes of the sheet as the visitor sees it."""
    difference = math.inf
    for _ in range(50):
        source = (
            page.locator("#preview img").get_attribute("src")
            if page.locator("#preview img").count()
            else None
        )
        if source:
            seen = read_data_url(source).astype(np.float32) / 255
            difference = float(np.abs(seen - to_mnist(canvas(page))).mean())
            if difference < 0.01:  # the sheet has finer edges than what was sent
                return
        page.wait_for_timeout(100)
    raise AssertionError(
        f"the last answer is not for the last drawing: a difference of {difference:.3f} a pixel"
    )


def nothing_answered(page: Page) -> None:
    expect(page.locator("#label h2")).to_have_count(0)
    expect(page.locator("#preview img")).to_have_count(0)
    expect(page.locator("#hint")).to_have_text("Draw a digit.")


# ---- Drawing


def test_the_pen_is_ready_and_answers_come_while_it_moves(page: Page, app: str) -> None:
    open_app(page, app)
    page.evaluate(
        "() => { window.answers = 0; document.addEventListener('pad:answered', () => window.answers++); }"
    )
    draw(page, SEVEN, up=False, pause=150)
    while_drawing = page.evaluate("answers")
    assert digit(page) and while_drawing >= 3
    page.mouse.up()
    expect_digit(page, 7)
    expect_answer_for_the_drawing(page)
    for stroke, wanted in ((ZERO, 0), (ONE, 1)):
        page.keyboard.press("Escape")
        nothing_answered(page)
        draw(page, stroke)
        expect_digit(page, wanted)
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
    draw(page, ZERO[:18])  # what it is to become, the two see differently
    expect_answer_for_the_drawing(page)
    seen = read_data_url(page.locator("#preview img").get_attribute("src") or "") / np.float32(255)
    relu, sigmoid = (load(name).predict_proba(seen.reshape(784)) for name in ("relu", "sigmoid"))
    assert np.abs(relu - sigmoid).max() > 0.05
    for name, wanted in (("ReLU", relu), ("Sigmoid", sigmoid), ("ReLU", relu)):
        page.get_by_label(name).click()
        expect(page.locator("#label")).to_contain_text(f"{100 * wanted.max():.0f}%")
        expect_digit(page, int(wanted.argmax()))
        shown = re.findall(r"(\d)\s+(\d+)%", page.locator("#label").inner_text())
        assert len(shown) == 3
        for label, percent in shown:
            assert int(percent) == pytest.approx(100 * wanted[int(label)], abs=0.6)


def test_what_is_sent_is_small_and_grey(page: Page, app: str) -> None:
    sent: list[str] = []
    page.on(
        "request",
        lambda request: sent.append(request.post_data or "") if "queue/join" in request.url else None,
    )
    open_app(page, app)
    scribble = [(0.5 + 0.45 * math.sin(3.1 * i), 0.5 + 0.45 * math.cos(1.7 * i)) for i in range(60)]
    draw(page, scribble, pause=0)
    page.wait_for_timeout(500)
    assert len(sent) > 3 and max(map(len, sent)) < 5500  # the call's own fields are 300 characters
    picture = read_data_url(sent[-1].split('"')[sent[-1].split('"').index("data") + 2])
    assert picture.ndim == 2 or np.ptp(picture[..., :3], axis=-1).max() == 0


def test_a_tap_is_a_dot(page: Page, app: str) -> None:
    open_app(page, app)
    page.mouse.click(*on_canvas(page, 0.5, 0.5))
    page.wait_for_timeout(100)
    assert 0.001 < ink(page) < 0.02
    middle = canvas(page)[..., 3][190:230, 190:230]
    assert (middle > 128).mean() > 0.3


def test_a_stroke_that_leaves_the_pad_and_comes_back_is_one(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, [(0.5, 0.5), (1.3, 0.5), (1.3, 0.8), (0.5, 0.8)])
    page.wait_for_timeout(100)
    right_edge = canvas(page)[..., 3][:, -1] > 128
    assert right_edge[200:220].any() and right_edge[325:345].any()
    page.get_by_role("button", name="Undo").click()
    nothing_answered(page)
    assert ink(page) == 0


def test_a_stroke_that_begins_beside_the_pad_is_picked_up_at_its_edge(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, [(0.5, -0.05), (0.5, 0.5), (0.5, 0.8)])
    expect_digit(page, 1)
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
    expect_digit(page, 1)
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
    expect_digit(page, 1)
    assert ink(page) == one
    page.keyboard.press("Meta+z")
    nothing_answered(page)
    draw(page, ONE)  # the pen is ready after each
    expect_digit(page, 1)


def test_the_keys_leave_other_fields_alone(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, ONE)
    page.evaluate("document.body.append(Object.assign(document.createElement('input'), {id: 'other'}))")
    page.locator("#other").press("Delete")
    page.locator("#other").press("Control+z")
    page.wait_for_timeout(50)
    assert ink(page) > 0


def test_names_for_a_screen_reader(page: Page, app: str) -> None:
    open_app(page, app)
    sheet = page.get_by_role("img", name="Drawing pad, empty")
    expect(sheet).to_have_accessible_description(
        "Draw with mouse, finger or pen. Escape or Delete clears, Control Z undoes."
    )
    for role, name in (
        ("button", "Undo"),
        ("button", "Clear"),
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
    expect(page.get_by_role("img", name="What the network sees")).to_have_count(1)


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
    expect_digit(phone, 7)
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
    expect_digit(phone, 1)
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
    assert side[0] >= 300 and side[1:] == [3 * side[0], 3 * side[0]]  # sharp on its screen
    label = phone.locator("#label").bounding_box()
    assert label and label["y"] + label["height"] <= 740  # seen while drawing, without scrolling
    for button in phone.locator("#pad button, #pad label").all():
        box = button.bounding_box()
        assert box and box["width"] >= 40 and box["height"] >= 40


# ---- What keeps the drawing


def test_an_example_can_be_drawn_over_and_undone(page: Page, app: str) -> None:
    open_app(page, app)
    for name in ("2", "7", "8"):
        page.get_by_role("button", name=f"Example: {name}").click()
        expect_digit(page, int(name))
        expect_answer_for_the_drawing(page)
    eight = ink(page)
    draw(page, BAR)
    page.wait_for_timeout(50)
    assert ink(page) > eight
    expect_answer_for_the_drawing(page)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect_digit(page, 7)


def test_a_resize_keeps_the_drawing(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, SEVEN)
    expect_digit(page, 7)
    before = to_mnist(canvas(page))
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_timeout(300)
    small = canvas(page)
    assert small.shape[0] < 330
    assert np.abs(to_mnist(small) - before).mean() < 0.01
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_timeout(300)
    assert np.abs(to_mnist(canvas(page)) - before).mean() < 0.001


def test_the_dark_theme_keeps_the_drawing_and_sends_the_same(page: Page, app: str) -> None:
    open_app(page, app + "/?__theme=light")
    draw(page, SEVEN)
    expect_digit(page, 7)
    page.wait_for_timeout(200)
    light = page.locator("#preview img").get_attribute("src")
    page.goto(app + "/?__theme=dark")  # as Gradio's own settings do it
    expect_digit(page, 7)
    assert page.locator("#preview img").get_attribute("src") == light
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
    expect_digit(page, 7)
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
    hint = page.locator("p[role=status]", has_text="Upload a picture of a digit, or draw one.")
    answer = page.locator(".answer-label:visible h2")
    for wanted in (7, 2):
        expect(hint).to_be_visible(timeout=30000)
        expect(answer).to_have_count(0)
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
    expect_digit(second, 0)
    first.bring_to_front()
    expect_digit(first, 7)
    expect_answer_for_the_drawing(first)
    second.bring_to_front()
    expect_answer_for_the_drawing(second)
    context.close()


# ---- A slow server, a failing one, one that is gone


@pytest.fixture
def serve() -> Iterator[Callable[[gr.Blocks], str]]:
    with ExitStack() as served:

        def launch(blocks: gr.Blocks) -> str:
            blocks.queue(default_concurrency_limit=10)
            return served.enter_context(launched(blocks))

        yield launch


def live(function: Callable[[np.ndarray | None], str | None]) -> gr.Blocks:
    return Live(
        function,
        Pad(elem_id="pad"),
        Preview(elem_id="preview"),
        live=True,
        clear_btn=None,
        flagging_mode="never",
        show_progress="hidden",
    )


def test_one_call_at_a_time_and_the_last_answer_for_the_last_drawing(
    page: Page, serve: Callable[[gr.Blocks], str]
) -> None:
    calls: list[tuple[float, float]] = []

    def slow(picture: np.ndarray | None) -> str | None:
        start = time.monotonic()
        time.sleep(0.4)
        calls.append((start, time.monotonic()))
        return None if picture is None else to_data_url(to_mnist(picture))

    page.goto(serve(live(slow)))
    page.locator("#pad canvas").wait_for()
    page.wait_for_timeout(1000)
    calls.clear()
    start = time.monotonic()
    for i in range(10):
        draw(page, [(0.2 + 0.06 * i, 0.2), (0.25 + 0.06 * i, 0.5 + 0.03 * i)], pause=0)
    strokes_done = time.monotonic()
    expect_answer_for_the_drawing(page)
    assert strokes_done - start < 3  # many strokes in the time of few answers
    assert all(later[0] >= earlier[1] for earlier, later in pairwise(calls)), "two calls at once"
    page.wait_for_timeout(1000)
    assert calls[-1][0] <= strokes_done + 1, "calls were queued up"


def test_a_slow_server_is_told_of_and_a_failing_one_asked_again(
    page: Page, serve: Callable[[gr.Blocks], str]
) -> None:
    state = {"seconds": 0.0, "fail": False}

    def moody(picture: np.ndarray | None) -> str | None:
        time.sleep(state["seconds"])
        if state["fail"]:
            raise gr.Error("out of order", duration=1, print_exception=False)
        return None if picture is None else to_data_url(to_mnist(picture))

    page.goto(serve(live(moody)))
    page.locator("#pad canvas").wait_for()
    draw(page, ONE)
    expect_answer_for_the_drawing(page)
    notice, sheet, below = (page.locator(f"#pad .{part}") for part in ("notice", "sheet", "below"))
    place = below.bounding_box()
    state["seconds"] = 4
    draw(page, BAR)
    expect(notice).to_contain_text("takes its time")
    words, paper = notice.bounding_box(), sheet.bounding_box()
    assert words and paper and words["y"] >= paper["y"] + paper["height"]  # it covers no ink
    assert below.bounding_box() == place  # and moves nothing
    expect(page.get_by_role("button", name="Example: 7")).to_be_hidden()
    state["seconds"] = 0
    expect(notice).to_be_empty(timeout=6000)
    expect_answer_for_the_drawing(page)
    state["fail"] = True
    draw(page, [(0.3, 0.3), (0.6, 0.7)])
    expect(notice).to_contain_text("could not answer")
    state["fail"] = False  # from here on, nobody touches the page
    expect(notice).to_be_empty(timeout=10000)
    expect_answer_for_the_drawing(page)


def test_a_value_from_python_appears_and_can_be_drawn_over(
    page: Page, serve: Callable[[gr.Blocks], str]
) -> None:
    picture = np.full((100, 60), 255, np.uint8)
    picture[20:80, 26:34] = 0
    with gr.Blocks() as blocks:
        interface = live(lambda canvas: None if canvas is None else to_data_url(to_mnist(canvas)))
        assert interface.input_components
        pad = interface.input_components[0]
        gr.Button("show").click(lambda: picture, None, pad)
        gr.Button("none").click(lambda: None, None, pad)
    page.goto(serve(blocks))
    page.locator("#pad canvas").wait_for()
    page.get_by_role("button", name="show").click()
    expect_answer_for_the_drawing(page)
    drawn = canvas(page)[..., 3] > 128
    rows, columns = np.flatnonzero(drawn.any(1)) / len(drawn), np.flatnonzero(drawn.any(0)) / len(drawn)
    assert np.allclose(
        [rows.min(), rows.max(), columns.min(), columns.max()], [0.2, 0.8, 0.46, 0.54], atol=0.02
    )
    draw(page, BAR)
    page.wait_for_timeout(100)
    assert (canvas(page)[..., 3] > 128).sum() > drawn.sum()
    expect_answer_for_the_drawing(page)
    page.get_by_role("button", name="none").click()
    page.wait_for_timeout(500)
    assert ink(page) == 0


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "stopped"])
def test_a_server_that_goes_and_comes_back(page: Page, start_app: Callable[..., Server], kill: bool) -> None:
    app = start_app()
    open_app(page, app.url)
    draw(page, ONE)
    expect_digit(page, 1)
    draw(page, BAR, up=False)  # it goes while the pen moves
    app.process.kill() if kill else app.process.terminate()
    app.process.wait(timeout=20)
    page.mouse.move(*on_canvas(page, 0.6, 0.7), steps=8)
    page.mouse.up()
    draw(page, [(0.3, 0.9), (0.7, 0.9)])
    expect(page.get_by_text("Connection to the server was lost")).to_be_visible(timeout=15000)
    page.wait_for_timeout(100)
    drawn = ink(page)
    page.wait_for_timeout(2500)
    assert ink(page) == drawn
    again = start_app(int(app.url.rsplit(":", 1)[1]))
    expect(page.get_by_text("Connection to the server was lost")).to_be_hidden(timeout=20000)
    page.locator("#pad canvas").wait_for()
    expect_answer_for_the_drawing(page)  # by itself
    assert ink(page) == drawn
    page.keyboard.press("Escape")
    draw(page, ZERO)
    expect_digit(page, 0)
    again.process.kill()


# ---- Nothing accumulates


def test_300_answers_leave_no_file_and_no_memory(page: Page, running_app: Server) -> None:
    def resident() -> float:
        return psutil.Process(running_app.process.pid).memory_info().rss / 2**20

    def files() -> int:
        return sum(path.is_file() for path in running_app.cache.rglob("*"))

    def answers(count: int) -> None:
        page.evaluate("() => { window.answers = 0; }")
        turn = 0.0
        page.mouse.move(*on_canvas(page, 0.5, 0.2))
        page.mouse.down()
        while page.evaluate("answers") < count:
            for _ in range(5):
                turn += 0.07
                page.mouse.move(*on_canvas(page, 0.5 + 0.2 * math.sin(turn), 0.5 - 0.3 * math.cos(turn)))
                page.wait_for_timeout(10)
            if turn > 6:
                turn = 0
                page.mouse.up()
                page.keyboard.press("Escape")
                page.mouse.down()
        page.mouse.up()

    open_app(page, running_app.url)
    page.evaluate("() => document.addEventListener('pad:answered', () => window.answers++)")
    answers(50)  # what a first use takes once
    memory, cached = resident(), files()
    answers(300)
    assert files() == cached
    assert resident() - memory < 8
