"""The panel in real Chromium, against the running app, and /explain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import numpy as np
import pytest
from helpers import SEVEN, ZERO, draw, launched, open_app
from playwright.sync_api import Browser, Page, expect

from mnist_mlp import load
from mnist_mlp.explain import Contributions, contributions
from mnist_mlp.network import Forward
from mnist_mlp.page.panel import Panel
from mnist_mlp.picture import read_data_url

BLUE, ORANGE = (0, 103, 178), (213, 94, 0)  # for and against, in light


def colours(page: Page, name: str) -> np.ndarray:
    """A picture of the panel as it is drawn: (values, 4) of RGBA."""
    script = "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
    return np.array(page.locator(f"#inside [data-name={name}] canvas").evaluate(script)).reshape(-1, 4)


def truth(page: Page, network: str = "relu") -> tuple[np.ndarray, Forward, Contributions]:
    """What NumPy makes of the 28×28 that the page shows: x, the forward pass, the contributions."""
    source = page.locator("#preview img").get_attribute("src")
    assert source
    x = (read_data_url(source) / np.float32(255)).reshape(784)
    steps = load(network).forward(x)
    return x, steps, contributions(load(network), x, steps)


def assert_forward_pass(page: Page, network: str) -> None:
    x, steps, _ = truth(page, network)
    for name, values in {"x": x, "h1": steps.h1, "h2": steps.h2}.items():
        assert np.abs(colours(page, name)[:, 3] - 255 * values / values.max()).max() < 4
    for digit in range(10):
        logit, probability = (
            page.locator("#inside [role=radio]").nth(digit).locator(".number").all_inner_texts()
        )
        assert float(logit.replace("−", "-")) == pytest.approx(steps.logits[digit], abs=0.006)
        shown = float(probability.strip(">%")) / 100
        assert shown == pytest.approx(steps.probabilities[digit], abs=0.001)


def assert_two_colours(picture: np.ndarray, values: np.ndarray, weak: float = 0.1) -> None:
    """Blue where it is positive, orange where negative, the stronger the more."""
    strong = np.abs(values) > weak * np.abs(values).max()
    assert strong.sum() > 10
    to_blue = np.linalg.norm(picture[:, :3] - BLUE, axis=1) < np.linalg.norm(picture[:, :3] - ORANGE, axis=1)
    assert np.array_equal(to_blue[strong], values[strong] > 0)
    assert np.corrcoef(np.abs(values)[strong], picture[strong, 3])[0, 1] > 0.8


@pytest.fixture(scope="module")
def drawn(browser: Browser, app: str) -> Iterator[Page]:
    """A wide window in which a seven has been drawn."""
    context = browser.new_context(viewport={"width": 1280, "height": 1700}, color_scheme="light")
    page = context.new_page()
    open_app(page, app)
    draw(page, SEVEN)
    expect(page.locator("#label h2")).to_have_text("7")
    page.wait_for_timeout(1000)
    yield page
    context.close()


def test_the_forward_pass_is_shown_as_it_is(drawn: Page) -> None:
    expect(drawn.locator("#inside")).to_contain_text("h1 = relu(z1)")
    assert_forward_pass(drawn, "relu")


def test_evidence_for_the_digit_read_and_for_any_other_clicked(drawn: Page) -> None:
    x, steps, evidence = truth(drawn)
    digits = drawn.locator("#inside [role=radio]")
    expect(digits.nth(7)).to_have_attribute("aria-checked", "true")
    pictures = {}
    for digit in [7, 3, 9]:
        digits.nth(digit).click()
        expect(drawn.locator("#inside .evidence h3")).to_have_text(f"Evidence for a {digit}")
        pictures[digit] = colours(drawn, "evidence")
        assert_two_colours(pictures[digit], evidence.pixels[digit])
        assert not pictures[digit][x == 0].any()
        against, plus = drawn.locator("#inside .evidence .legend span").all_inner_texts()
        shown = float(plus), float(against.strip("−"))
        for sign, amount in zip([1, -1], shown):
            assert amount == pytest.approx((sign * evidence.pixels[digit]).clip(0).sum(), abs=0.2)
        logit = f"{steps.logits[digit]:.2f}".replace("-", "−")
        expect(drawn.locator("#inside .evidence .readout")).to_contain_text(f"logit {logit} =")
    assert (pictures[7] != pictures[3]).any() and (pictures[3] != pictures[9]).any()
    digits.nth(7).click()


@pytest.mark.parametrize(("layer", "columns", "rows", "unit"), [("h1", 8, 16, 37), ("h2", 16, 16, 200)])
def test_pointing_at_a_unit_shows_its_weights_and_contributions(
    drawn: Page, layer: str, columns: int, rows: int, unit: int
) -> None:
    _, steps, evidence = truth(drawn)
    box = drawn.locator(f"#inside [data-name={layer}]").bounding_box()
    assert box
    x, y = (unit % columns + 0.5) / columns, (unit // columns + 0.5) / rows
    drawn.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    value = (steps.h1 if layer == "h1" else steps.h2)[unit]
    scale = float((steps.h1 if layer == "h1" else steps.h2).max())
    heading = drawn.locator("#inside .unit h3")
    expect(heading).to_contain_text(f"{layer}[{unit}]")
    assert float(heading.inner_text().split("=")[1]) == pytest.approx(value, abs=scale / 127)
    weights = (load().w1 if layer == "h1" else load().w2)[:, unit]
    assert_two_colours(colours(drawn, "w1" if layer == "h1" else "w2"), weights, weak=0.2)
    says = evidence.units1 if layer == "h1" else evidence.units2
    shown = [
        float(text.replace("−", "-")) for text in drawn.locator("#inside .says .number").all_inner_texts()
    ]
    assert np.abs(np.array(shown) - says[:, unit]).max() < np.abs(says).max() / 127 + 0.006
    drawn.mouse.move(5, 5)
    expect(heading).not_to_contain_text(f"{layer}[{unit}]")


def test_the_keyboard_reaches_every_value(drawn: Page) -> None:
    evidence = truth(drawn)[2]
    drawn.locator("#inside summary").focus()
    focus = "() => document.activeElement.getAttribute('aria-label') ?? ''"
    seen = []
    for _ in range(6):  # x, h1, h2, the digits, the weights, the evidence
        drawn.keyboard.press("Tab")
        seen.append(drawn.evaluate("() => document.activeElement.getAttribute('role')"))
    assert seen == ["gridcell", "gridcell", "gridcell", "radio", "gridcell", "gridcell"]

    drawn.locator("#inside [data-name=evidence] [role=gridcell]").focus()
    drawn.keyboard.press("Control+Home")
    strongest = int(evidence.pixels[7].argmax())
    for _ in range(strongest // 28):
        drawn.keyboard.press("ArrowDown")
    for _ in range(strongest % 28):
        drawn.keyboard.press("ArrowRight")
    label = drawn.evaluate(focus)
    assert label.startswith(f"x[{strongest // 28}, {strongest % 28}]: +")
    assert float(label.split("+")[1]) == pytest.approx(evidence.pixels[7, strongest], rel=0.02)
    cell = drawn.locator("#inside [data-name=evidence] [role=gridcell]")
    expect(cell).to_have_attribute("aria-colindex", str(strongest % 28 + 1))

    drawn.locator("#inside [data-name=h2] [role=gridcell]").focus()
    drawn.keyboard.press("Control+End")
    assert drawn.evaluate(focus).startswith("h2[255] = ")
    expect(drawn.locator("#inside .unit h3")).to_contain_text("h2[255]")

    drawn.locator("#inside [aria-checked=true]").focus()
    drawn.keyboard.press("ArrowDown")
    assert drawn.evaluate(focus).startswith("8: logit")
    expect(drawn.locator("#inside .evidence h3")).to_have_text("Evidence for an 8")
    drawn.keyboard.press("ArrowUp")
    expect(drawn.locator("#inside .evidence h3")).to_have_text("Evidence for a 7")


def test_the_focus_is_not_lost_to_keys_quicker_than_the_screen(drawn: Page) -> None:
    drawn.locator("#inside [data-name=h1]").click()
    drawn.mouse.move(5, 5)
    drawn.locator("#inside [data-name=h2] [role=gridcell]").focus()
    expect(drawn.locator("#inside [data-name=w2]")).to_be_visible()
    # On to its weights before the next frame, in which those of a unit of h1 take their place
    drawn.evaluate("""() => {
        document.querySelector("#inside [aria-checked=true]").focus();
        document.querySelector("#inside [data-name=w2] [role=gridcell]").focus();
    }""")
    expect(drawn.locator("#inside [data-name=w2]")).to_be_hidden()
    expect(drawn.locator("#inside [data-name=w1] [role=gridcell]")).to_be_focused()


def test_looking_about_makes_no_request(drawn: Page) -> None:
    requests: list[str] = []
    note: Callable[[Any], None] = lambda request: requests.append(request.url)  # noqa: E731
    drawn.on("request", note)
    for digit in [1, 4, 7]:
        drawn.locator("#inside [role=radio]").nth(digit).click()
    for name in ["h1", "h2", "evidence"]:
        drawn.locator(f"#inside [data-name={name}]").hover()
        drawn.locator(f"#inside [data-name={name}]").click()
    drawn.wait_for_timeout(700)
    drawn.remove_listener("request", note)
    assert requests == []


def test_the_pictures_follow_the_drawing_and_the_network(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, SEVEN)
    expect(page.locator("#label h2")).to_have_text("7")
    page.wait_for_timeout(800)
    before = {name: colours(page, name) for name in ["x", "h1", "h2", "evidence"]}
    page.keyboard.press("Escape")
    expect(page.locator("#label h2")).to_have_count(0)
    page.wait_for_timeout(300)
    assert not any(colours(page, name).any() for name in before)
    draw(page, ZERO)
    expect(page.locator("#label h2")).to_have_text("0")
    page.wait_for_timeout(800)
    assert all((colours(page, name) != before[name]).any() for name in before)
    assert_forward_pass(page, "relu")

    page.get_by_label("Sigmoid").first.check()
    expect(page.locator("#inside")).to_contain_text("h1 = sigmoid(z1)")
    page.wait_for_timeout(800)
    assert_forward_pass(page, "sigmoid")
    _, steps, evidence = truth(page, "sigmoid")
    assert_two_colours(colours(page, "evidence"), evidence.pixels[steps.logits.argmax()])


def test_closed_on_a_phone_and_drawn_once_it_is_opened(browser: Browser, app: str) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, color_scheme="light"
    )
    page = context.new_page()
    open_app(page, app)
    draw(page, SEVEN)
    expect(page.locator("#label h2")).to_have_text("7")
    page.wait_for_timeout(500)
    summary = page.locator("#inside summary")
    expect(summary).to_be_visible()
    expect(page.locator("#inside .stages")).to_be_hidden()
    assert not colours(page, "evidence").any()  # nothing is drawn that nobody sees
    summary.tap()
    expect(page.locator("#inside .stages")).to_be_visible()
    page.wait_for_timeout(300)
    assert_forward_pass(page, "relu")

    unit = page.locator("#inside [data-name=h1]")
    unit.tap(position={"x": 5, "y": 5})
    expect(page.locator("#inside .unit h3")).to_contain_text("h1[0]")
    page.locator("#inside [role=radio]").nth(2).tap()
    expect(page.locator("#inside .evidence h3")).to_have_text("Evidence for a 2")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for part in page.locator("#inside section").all():
        box = part.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 360
    context.close()


def test_a_change_of_theme_recolours_the_pictures(page: Page, app: str) -> None:
    page.emulate_media(color_scheme="light")
    open_app(page, app)
    draw(page, SEVEN)
    expect(page.locator("#label h2")).to_have_text("7")
    page.wait_for_timeout(800)
    light = colours(page, "x")
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_timeout(300)
    dark = colours(page, "x")
    inked = light[:, 3] > 200
    assert light[inked, :3].max() < 64 and dark[inked, :3].min() > 192


def test_it_says_what_it_shows_once_the_pen_rests(drawn: Page) -> None:
    steps = truth(drawn)[1]
    expect(drawn.locator("#inside [role=status]")).to_contain_text("Read as a 7")
    expect(drawn.locator("#inside [role=status]")).to_contain_text(f"a logit of {steps.logits[7]:.2f}")


def test_a_panel_by_itself_is_open_and_empty(page: Page) -> None:
    with gr.Blocks() as demo:
        Panel(elem_id="inside")
    with launched(demo) as url:
        page.goto(url)
        expect(page.locator("#inside .stages")).to_be_visible()
        page.wait_for_timeout(300)
        assert not colours(page, "evidence").any()
