"""The panel in real Chromium: with a known picture by itself, and in the running app.

That its displayed sums add up for any network is tested in `scripts/sums.test.mjs`; here, that they are the network's.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np
import pytest
from helpers import SEVEN, ZERO, draw, launched, open_app
from playwright.sync_api import Browser, Page, expect
from scipy.stats import spearmanr

from mnist_mlp import load
from mnist_mlp.explain import explanation
from mnist_mlp.learning_step import learn_from
from mnist_mlp.nearest import load_neighbours, nearest
from mnist_mlp.network import Forward
from mnist_mlp.page.panel import Panel, pack, questions
from mnist_mlp.page.panel.arrays import encode
from mnist_mlp.picture import read_data_url
from mnist_mlp.snapshots import load_snapshots
from mnist_mlp.training.mnist import Digits

expect.set_options(timeout=20_000)  # two cores may be busy with other tests

BLUE, ORANGE = (0, 103, 178), (213, 94, 0)  # for and against, in light
LAYERS = {"h1": ("x", "z1", 8, 16), "h2": ("h1", "z2", 16, 16)}  # input, sum, columns, rows
STORY = {"text": "7", "p": 0.994, "number": 0.945}


@pytest.fixture(scope="module")
def x(mnist: Digits) -> np.ndarray:
    """A seven, (28, 28) float32, of which no pixel is a whole number of grey levels."""
    seven = mnist.images[mnist.labels == 7][0]
    return (seven * np.float32(0.997 / 255)).astype(np.float32)


@pytest.fixture(scope="module")
def steps(x: np.ndarray) -> Forward:
    return load().forward(x)


@pytest.fixture(scope="module")
def shown(browser: Browser, x: np.ndarray) -> Iterator[Page]:
    """A panel by itself, with what the ReLU network makes of x, in a wide window."""
    with gr.Blocks() as demo:
        Panel(pack(load(), x, 0, STORY), elem_id="inside")
    context = browser.new_context(viewport={"width": 1280, "height": 1900}, color_scheme="light")
    with launched(demo) as url:
        page = context.new_page()
        page.goto(url)
        expect(page.locator("#inside .sum li").first).to_contain_text("×", timeout=60_000)
        yield page
    context.close()


def colours(page: Page, name: str) -> np.ndarray:
    """A picture of the panel as it is drawn: (values, 4) of RGBA."""
    script = "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
    return np.array(page.locator(f"#inside [data-name={name}] canvas").evaluate(script)).reshape(-1, 4)


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", "").strip("%> "))


def numbers(page: Page, selector: str) -> list[float]:
    return [number(text) for text in page.locator(f"#inside {selector} .number").all_inner_texts()]


def point(page: Page, layer: str, unit: int) -> None:
    """Point at a hidden unit and wait for the next frame."""
    _, _, columns, rows = LAYERS[layer]
    box = page.locator(f"#inside [data-name={layer}]").bounding_box()
    assert box
    x, y = (unit % columns + 0.5) / columns, (unit // columns + 0.5) / rows
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.evaluate("() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


def assert_forward_pass(page: Page, x: np.ndarray, steps: Forward) -> None:
    for name, values in {"x": x, "h1": steps.h1, "h2": steps.h2}.items():
        assert np.abs(colours(page, name)[:, 3] - 255 * values / max(values.max(), 1e-9)).max() < 4
    shown = np.array(numbers(page, "[role=radio]")).reshape(10, 2)
    assert np.allclose(shown[:, 0], steps.logits, atol=0.006)
    assert np.allclose(shown[:, 1] / 100, steps.probabilities, atol=0.001)


def assert_two_colours(picture: np.ndarray, values: np.ndarray, weak: float = 0.1) -> None:
    """Blue where it is positive, orange where negative, the stronger the more."""
    strong = np.abs(values) > weak * np.abs(values).max()
    assert strong.sum() > 10
    to_blue = np.linalg.norm(picture[:, :3] - BLUE, axis=1) < np.linalg.norm(picture[:, :3] - ORANGE, axis=1)
    assert np.array_equal(to_blue[strong], values[strong] > 0)
    assert spearmanr(np.abs(values)[strong], picture[strong, 3]).statistic > 0.9


# ---- The stages, and one unit


def test_the_forward_pass_is_shown_as_it_is(shown: Page, x: np.ndarray, steps: Forward) -> None:
    expect(shown.locator("#inside")).to_contain_text("h1 = relu(z1)")
    assert_forward_pass(shown, x.ravel(), steps)
    expect(shown.locator("#inside .story")).to_contain_text("99.4% × (1 − 5.5%) = 93.9%")
    none = numbers(shown, ".none")[1] / 100
    assert none == pytest.approx(
        1 / (1 + np.exp(steps.logits).sum()), abs=0.001
    )  # the energy, with a logit of 0
    expect(shown.locator("#inside [role=status]")).to_contain_text(f"a logit of {steps.logits[7]:.2f}")


def test_a_unit_that_matters_most_is_chosen_and_the_page_says_so(shown: Page, x: np.ndarray) -> None:
    shown.mouse.move(5, 5)
    unit = int(explanation(load(), x)["h1_contributions"][7].argmax())
    expect(shown.locator("#inside .unit h3")).to_contain_text(f"h1[{unit}]")
    expect(shown.locator("#inside .unit .about")).to_contain_text("the unit that does most for the 7")


@pytest.mark.parametrize(("layer", "unit"), [("h1", 37), ("h1", 127), ("h2", 200)])
def test_a_unit_pointed_at_shows_its_sum_its_weights_and_what_it_adds(
    shown: Page, x: np.ndarray, steps: Forward, layer: str, unit: int
) -> None:
    point(shown, layer, unit)
    expect(shown.locator("#inside .unit h3")).to_contain_text(f"{layer}[{unit}]")
    feeding, total, *_ = LAYERS[layer]
    inputs = x.ravel() if feeding == "x" else steps.h1
    weights = load().weights["w1" if layer == "h1" else "w2"][:, unit]
    script = "rows => rows.map(row => [...row.children].map(part => part.textContent))"
    lines = shown.locator("#inside .sum li:not([hidden])").evaluate_all(script)
    terms = [number(line[2]) for line in lines if "×" in line[1]]
    largest = sorted(inputs * weights, key=abs, reverse=True)[: len(terms)]
    assert np.allclose(terms, largest, atol=0.012)
    assert number(lines[-2][2]) == pytest.approx(getattr(steps, total)[unit], abs=0.00501)
    assert number(lines[-1][2]) == pytest.approx(getattr(steps, layer)[unit], abs=0.00501)
    assert_two_colours(colours(shown, "w1" if layer == "h1" else "w2"), weights, weak=0.2)
    added = explanation(load(), x)[f"{layer}_contributions"][:, unit]
    assert np.allclose(numbers(shown, ".contributions"), added, atol=0.006)
    assert shown.locator("#inside .lines path").count() >= 8  # to what feeds it, and to what it feeds
    shown.mouse.move(5, 5)
    expect(shown.locator("#inside .unit h3")).not_to_contain_text(f"{layer}[{unit}]")


def test_a_digit_pointed_at_shows_its_softmax(shown: Page, steps: Forward) -> None:
    shown.locator("#inside [role=radio]").nth(9).hover()
    expect(shown.locator("#inside .unit h3")).to_contain_text("logits[9]")
    assert np.allclose(numbers(shown, ".contributions"), np.exp(steps.logits - steps.logits.max()), atol=1e-6)
    top, bottom = shown.locator("#inside .quotient").inner_text().split("Σe = ")[1].split(" / ")
    assert number(top) / number(bottom) == pytest.approx(steps.probabilities[9], abs=1e-5)
    shown.mouse.move(5, 5)


def test_evidence_for_any_digit_clicked(shown: Page, x: np.ndarray) -> None:
    for digit in [3, 7]:
        shown.locator("#inside [role=radio]").nth(digit).click()
        expect(shown.locator("#inside .evidence h3")).to_have_text(f"Evidence for a {digit}")
        evidence, bias, logit = load().explain(x, digit)
        picture = colours(shown, "evidence")
        assert_two_colours(picture, evidence.ravel())
        assert not picture[x.ravel() == 0].any()
        plus, minus = re.findall(r"by ([\d.]+)", shown.locator("#inside .evidence .about").inner_text())
        assert number(plus) == pytest.approx(evidence.clip(0).sum(), abs=0.03)
        assert number(minus) == pytest.approx(-evidence.clip(max=0).sum(), abs=0.03)
        most = np.abs(explanation(load(), x)["evidence"]).max()  # the scale of all ten
        legend = shown.locator("#inside .evidence .legend span").all_inner_texts()
        assert [number(text) for text in legend] == pytest.approx([-most, most], abs=0.006)
        told = re.findall(r"−?[\d.]+\d", shown.locator("#inside .evidence .readout").inner_text())
        assert [number(n) for n in told] == pytest.approx([logit, logit - bias, bias], abs=0.0101)


def test_the_keyboard_reaches_every_value(shown: Page, x: np.ndarray) -> None:
    shown.locator("#inside summary").first.focus()
    seen = []
    for _ in range(10):  # x, h1, h2, the digits, the weights, the evidence, the four folds
        shown.keyboard.press("Tab")
        seen.append(shown.evaluate("() => document.activeElement.role ?? document.activeElement.localName"))
    assert seen == ["gridcell"] * 3 + ["radio"] + ["gridcell"] * 2 + ["summary"] * 4
    focus = "() => document.activeElement.getAttribute('aria-label') ?? ''"
    evidence = load().explain(x, 7).evidence.ravel()
    shown.locator("#inside [data-name=evidence] [role=gridcell]").focus()
    shown.keyboard.press("Control+Home")
    strongest = int(evidence.argmax())
    for key, times in (("ArrowDown", strongest // 28), ("ArrowRight", strongest % 28)):
        for _ in range(times):
            shown.keyboard.press(key)
    label = shown.evaluate(focus)
    assert label.startswith(f"x[{strongest // 28}, {strongest % 28}]: +")
    assert float(label.split("+")[1]) == pytest.approx(evidence[strongest], abs=0.006)
    shown.locator("#inside [aria-checked=true]").focus()
    shown.keyboard.press("ArrowDown")
    assert shown.evaluate(focus).startswith("8: logit")
    shown.keyboard.press("ArrowUp")
    expect(shown.locator("#inside .evidence h3")).to_have_text("Evidence for a 7")


def test_the_focus_is_not_lost_to_keys_quicker_than_the_screen(shown: Page) -> None:
    shown.locator("#inside [data-name=h1]").click()
    shown.mouse.move(5, 5)
    shown.locator("#inside [data-name=h2] [role=gridcell]").focus()
    expect(shown.locator("#inside [data-name=w2]")).to_be_visible()
    # On to its weights before the next frame, in which those of a unit of h1 take their place
    shown.evaluate("""() => {
        document.querySelector("#inside .evidence [role=gridcell]").focus();
        document.querySelector("#inside [data-name=w2] [role=gridcell]").focus();
    }""")
    expect(shown.locator("#inside [data-name=w2]")).to_be_hidden()
    expect(shown.locator("#inside [data-name=w1] [role=gridcell]")).to_be_focused()


# ---- The folds


def test_the_smallest_change_is_shown_with_its_size(shown: Page, x: np.ndarray) -> None:
    shown.locator("#inside .change summary").click()
    shown.locator("#inside .change select").select_option("3")
    changed = load().smallest_change(x, 3)
    difference = np.abs(changed - x)
    outcome = shown.locator("#inside .change .outcome")
    expect(outcome).to_contain_text(f"L2 {np.linalg.norm(difference):.2f}.")
    expect(outcome).to_contain_text("and is a 3, ")
    of_black, share = re.findall(r"[\d.]+", shown.locator("#inside .change .figure").inner_text())
    altered = difference >= 0.5 / 255
    assert float(of_black) == pytest.approx(100 * difference[altered].mean(), abs=0.06)
    assert float(share) == pytest.approx(100 * altered.sum() / 784, abs=0.06)
    assert np.abs(colours(shown, "after")[:, 3] - 255 * changed.ravel()).max() < 2
    assert_two_colours(colours(shown, "change"), (changed - x).ravel(), weak=0.5)
    expect(shown.locator("#inside .change .faint")).to_be_visible()
    shown.locator("#inside .change select").select_option("7")
    expect(shown.locator("#inside .change .figure")).to_have_text("Nothing to change")
    expect(shown.locator("#inside .change .faint")).to_be_hidden()
    shown.locator("#inside .change summary").click()


def test_the_slider_shows_the_answer_epoch_by_epoch(shown: Page, x: np.ndarray, steps: Forward) -> None:
    snapshots = load_snapshots("relu")
    assert snapshots
    shown.locator("#inside .epochs summary").click()
    slider, outcome = shown.locator("#inside .epochs input"), shown.locator("#inside .epochs .outcome")
    expect(shown.locator("#inside .chart polyline")).to_have_count(10)
    expect(shown.locator("#inside .names span").first).to_have_text("7")  # the line of the digit read
    expect(outcome).to_contain_text(f"After {snapshots.epochs[-1]:,} epochs: a 7")
    assert np.allclose(np.array(numbers(shown, ".then")) / 100, steps.probabilities, atol=0.001)
    slider.focus()
    shown.keyboard.press("Home")
    first = snapshots.predict_proba(x)[0]
    expect(outcome).to_contain_text(
        f"After 0 epochs: {'an' if first.argmax() == 8 else 'a'} {first.argmax()}, "
    )
    expect(outcome).to_contain_text(f"{snapshots.validation_errors[0]:,} of {snapshots.validation_images:,}")
    assert np.allclose(np.array(numbers(shown, ".then")) / 100, first, atol=0.001)
    assert (slider.get_attribute("aria-valuetext") or "").startswith("After 0 epochs: 0 ")
    match = re.fullmatch(r"Weights of (\w+)\[(\d+)\] then", shown.locator("#inside .epochs .of").inner_text())
    assert match
    layer, unit = match.groups()
    name = {"h1": "epoch1", "h2": "epoch2", "logits": "epoch3"}[layer]
    assert_two_colours(colours(shown, name), snapshots.incoming(layer, int(unit))[0], weak=0.3)
    shown.locator("#inside .epochs button").click()
    expect(shown.locator("#inside .epochs button")).to_have_text("Pause")
    expect(outcome).to_contain_text(f"After {snapshots.epochs[-1]:,} epochs", timeout=30_000)
    expect(shown.locator("#inside .epochs button")).to_have_text("Play")
    shown.locator("#inside .epochs summary").click()


def test_the_ten_nearest_are_shown_with_their_labels(shown: Page, x: np.ndarray) -> None:
    among = load_neighbours()
    assert among
    found = nearest(load(), x, among)
    shown.locator("#inside .nearest summary").click()
    expect(shown.locator("#inside .nearest li")).to_have_text(
        [f"{each.label} {each.cosine:.2f}" for each in found]
    )
    script = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data]"
    first = np.array(shown.locator("#inside .nearest canvas").first.evaluate(script)).reshape(-1, 4)
    assert np.array_equal(first[:, 3], found[0].image.ravel())
    shown.locator("#inside .nearest summary").click()


def test_what_it_would_learn_is_shown_step_by_step(shown: Page, x: np.ndarray) -> None:
    shown.locator("#inside .learning summary").click()
    shown.locator("#inside .learning select").select_option("1")
    slider = shown.locator("#inside .learning input")
    slider.focus()
    for key in ("End", "ArrowLeft"):
        shown.keyboard.press(key)
    rate = float(shown.locator("#inside .learning output").inner_text())
    assert rate > 0.05
    found = learn_from(load(), x, 1, rate)
    expect(shown.locator("#inside .learning .figure")).to_contain_text(f"= {found['loss']:.2f}")
    expect(shown.locator("#inside .learning tbody tr")).to_have_count(5)
    last = shown.locator("#inside .learning tbody tr").last  # of this rate, not of the one before
    expect(last.locator("td").nth(2)).to_have_text(f"{abs(found['losses'][-1]):.2f}")
    for row, p, loss in zip(
        shown.locator("#inside .learning tbody tr").all(), found["probabilities"], found["losses"]
    ):
        cells = row.locator("td").all_inner_texts()
        assert number(cells[1]) / 100 == pytest.approx(p[1], abs=0.001)
        assert number(cells[2]) == pytest.approx(loss, abs=0.006)
        assert cells[3].startswith(f"{p.argmax()}, ")
    assert np.allclose(numbers(shown, ".gradient"), found["dlogits"], atol=6e-4)
    told = shown.locator("#inside .learning .outcome").inner_text()
    assert (
        f"of {found['kept']} training digits" in told
        and ("none" if not found["lost"] else str(found["lost"])) in told
    )
    shown.locator("#inside .learning summary").click()


def test_a_change_of_theme_recolours_the_pictures(shown: Page) -> None:
    light = colours(shown, "x")
    shown.evaluate("document.body.classList.add('dark')")
    shown.wait_for_timeout(200)
    dark = colours(shown, "x")
    shown.evaluate("document.body.classList.remove('dark')")
    inked = light[:, 3] > 200
    assert light[inked, :3].max() < 64 and dark[inked, :3].min() > 192


# ---- The questions


def test_the_exact_weights_are_less_than_400_kb() -> None:
    for network in ("relu", "sigmoid"):
        reply = questions.panel_weights({"network": network})
        assert reply["type"] == "float16"
        for name, tensor in load(network).weights.items():
            sent = np.frombuffer(base64.b64decode(reply[name]), "<f2").astype(np.float32)
            assert np.array_equal(sent.reshape(tensor.shape), tensor)
        assert sum(len(value) for value in reply.values()) < 400_000


def test_what_there_is_not_is_said_in_a_sentence(
    page: Page, x: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "serving_snapshots", lambda name: None)
    monkeypatch.setattr(questions, "load_neighbours", lambda: None)
    with gr.Blocks() as demo:
        Panel(pack(load(), x, 0, STORY), elem_id="inside")
    with launched(demo) as url:
        page.goto(url)
        for fold, sentence in (("epochs", questions.NO_SNAPSHOTS), ("nearest", questions.NO_NEIGHBOURS)):
            page.locator(f"#inside .{fold} summary").click()
            expect(page.locator(f"#inside .{fold} .note")).to_have_text(sentence)
            expect(page.locator(f"#inside .{fold} .body")).to_be_hidden()


X = encode(np.zeros(784))
NO_REQUESTS: list[Any] = [None, 7, "relu", [], {}, {"network": "tanh"}, {"network": ["relu"]}]
NO_PICTURES: list[Any] = [
    X[:-4],
    X.replace("A", "!", 1),
    encode(np.full(784, 1.01)),
    encode(np.full(784, np.nan)),
    [0],
]


@pytest.mark.parametrize("ask", questions.QUESTIONS)
def test_a_strangers_question_is_refused_with_what_was_expected(ask: Any) -> None:
    asked = {"network": "relu", "digit": 3, "unit": "h1[0]", "rate": 0.01}
    pictures = [] if ask is questions.panel_weights else [{**asked, "x": x} for x in NO_PICTURES]
    for request in [*NO_REQUESTS, *pictures]:
        assert re.search(r"got|float32|in 0\.\.1", ask(request)["refused"]), request


@pytest.mark.parametrize(
    ("ask", "key", "wrong", "said"),
    [
        (questions.panel_change, "digit", [10, -1, "3", 3.5, None, True], "0 to 9; got"),
        (questions.panel_learning, "digit", [10, "3", None], "0 to 9; got"),
        (questions.panel_learning, "rate", [0, 1e9, "1", None, True], "a rate is a number"),
        (questions.panel_epochs, "unit", ["h1[128]", "h3[0]", "w1", None, 7, "h1[0]; "], "a unit is"),
    ],
)
def test_a_question_s_other_parts_are_checked(ask: Any, key: str, wrong: list[Any], said: str) -> None:
    asked = {"network": "relu", "x": X, "digit": 3, "unit": "h1[0]", "rate": 0.01}
    for value in wrong:
        assert said in ask({**asked, key: value})["refused"], value


def test_too_many_questions_at_once_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "EXPLAINING", threading.BoundedSemaphore(1))
    questions.EXPLAINING.acquire()
    assert questions.panel_nearest({"network": "relu", "x": X}) == {"busy": True}
    questions.EXPLAINING.release()
    assert "images" in questions.panel_nearest({"network": "relu", "x": X})


# ---- In the app


def seen(page: Page) -> np.ndarray:
    """The 28×28 that the preview shows, (784,)."""
    source = page.locator("#preview img").first.get_attribute("src")
    assert source
    return (read_data_url(source) / np.float32(255)).reshape(784)


def test_the_panel_follows_the_drawing_and_the_network(page: Page, app: str) -> None:
    page.emulate_media(color_scheme="light")
    open_app(page, app)
    page.locator("#inside .change summary").click()
    expect(page.locator("#inside .change .figure")).to_contain_text("of black, on")
    before = {name: colours(page, name) for name in ["x", "h1", "h2", "evidence", "after"]}
    page.locator("#pad .clear").click()
    expect(page.locator("#preview img")).to_have_count(0)
    page.wait_for_timeout(300)
    assert not any(colours(page, name).any() for name in ["x", "h1", "h2", "evidence"])
    expect(page.locator("#inside .change .note")).to_have_text("Draw something first.")
    draw(page, ZERO)
    expect(page.locator("#label h2")).to_have_text("0")
    expect(page.locator("#inside .change .outcome")).to_contain_text("It was a 0")
    page.wait_for_timeout(500)
    assert all((colours(page, name) != before[name]).any() for name in before)
    assert_forward_pass(page, seen(page), load().forward(seen(page)))
    page.get_by_label("Sigmoid").first.click()
    expect(page.locator("#inside")).to_contain_text("h1 = sigmoid(z1)")
    page.wait_for_timeout(800)
    assert_forward_pass(page, seen(page), load("sigmoid").forward(seen(page)))
    found = explanation(load("sigmoid"), seen(page))
    assert_two_colours(colours(page, "evidence"), found["evidence"][found["logits"].argmax()].ravel())


def test_a_training_digit_that_is_clicked_is_on_the_pad(page: Page, app: str) -> None:
    open_app(page, app)
    draw(page, ZERO)
    expect(page.locator("#label h2")).to_have_text("0")
    page.wait_for_timeout(800)
    page.locator("#inside .nearest summary").click()
    first = page.locator("#inside .nearest li").first
    expect(first).to_contain_text(re.compile(r"\d\.\d\d"))
    label, before = first.locator("b").inner_text(), page.locator("#preview img").get_attribute("src")
    first.locator("button").click()
    expect(page.locator("#preview img")).not_to_have_attribute("src", before or "")
    expect(page.locator("#label h2")).to_have_text(label)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#preview img")).to_have_attribute("src", before or "")


def test_closed_on_a_phone_and_drawn_once_it_is_opened(browser: Browser, app: str) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, color_scheme="light"
    )
    page = context.new_page()
    open_app(page, app)
    draw(page, SEVEN)
    expect(page.locator("#label h2")).to_have_text("7")
    page.wait_for_timeout(500)
    summary = page.locator("#inside summary").first
    expect(page.locator("#inside .stages")).to_be_hidden()
    assert not colours(page, "evidence").any()  # nothing is drawn that nobody sees
    summary.tap()
    expect(page.locator("#inside .stages")).to_be_visible()
    expect(page.locator("#inside .evidence h3")).to_have_text("Evidence for a 7")
    page.wait_for_timeout(300)
    assert_forward_pass(page, seen(page), load().forward(seen(page)))
    page.locator("#inside [data-name=h1]").tap(position={"x": 5, "y": 5})
    expect(page.locator("#inside .unit h3")).to_contain_text("h1[0]")
    for fold in ("change", "epochs", "nearest", "learning"):
        page.locator(f"#inside .{fold} summary").tap()
        expect(page.locator(f"#inside .{fold} .body")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for part in page.locator("#inside section, #inside .body").all():
        box = part.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 360
    context.close()
