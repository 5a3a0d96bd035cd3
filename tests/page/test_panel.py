"""The panel in real Chromium: with a known picture by itself, and in the running app."""

from __future__ import annotations

import base64
import itertools
import re
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import gradio as gr
import numpy as np
import pytest
from helpers import SEVEN, ZERO, draw, launched, open_app
from playwright.sync_api import Browser, Page, expect
from scipy.stats import spearmanr

from mnist_mlp import load
from mnist_mlp.explain import Contributions, contributions
from mnist_mlp.nearest import load_neighbours, nearest
from mnist_mlp.network import Forward
from mnist_mlp.page.panel import Panel, pack, questions
from mnist_mlp.page.panel.arrays import encode
from mnist_mlp.picture import read_data_url
from mnist_mlp.snapshots import load_snapshots
from mnist_mlp.training.data import Mnist

expect.set_options(timeout=20_000)  # two cores may be busy with other tests

BLUE, ORANGE = (0, 103, 178), (213, 94, 0)  # for and against, in light
LAYERS = {"h1": ("x", "z1", 8, 16), "h2": ("h1", "z2", 16, 16)}  # input, sum, columns, rows


@pytest.fixture(scope="module")
def x(mnist: Mnist) -> np.ndarray:
    """A seven, (28, 28) float32, of which no pixel is a whole number of grey levels."""
    seven = mnist.x_train[50_000:][mnist.y_train[50_000:] == 7][0]
    return (seven * np.float32(0.997 / 255)).astype(np.float32)


@pytest.fixture(scope="module")
def steps(x: np.ndarray) -> Forward:
    return load().forward(x)


@pytest.fixture(scope="module")
def shown(browser: Browser, x: np.ndarray) -> Iterator[Page]:
    """A panel by itself, with what the ReLU network makes of x, in a wide window."""
    with gr.Blocks() as demo:
        Panel(pack(load(), x, 0, "7"), elem_id="inside")
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


def number(text: str) -> Decimal:
    return Decimal(text.replace("−", "-").replace(",", "").strip())


def point(page: Page, layer: str, unit: int) -> None:
    """Point at a hidden unit and wait for the next frame."""
    _, _, columns, rows = LAYERS[layer]
    box = page.locator(f"#inside [data-name={layer}]").bounding_box()
    assert box
    x, y = (unit % columns + 0.5) / columns, (unit // columns + 0.5) / rows
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.evaluate("() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


def sum_lines(page: Page) -> list[tuple[str, str, str]]:
    script = "rows => rows.map(row => [...row.children].map(part => part.textContent))"
    return [tuple(line) for line in page.locator("#inside .sum li:not([hidden])").evaluate_all(script)]


def assert_adds_up(lines: list[tuple[str, str, str]], inputs: np.ndarray, weights: np.ndarray) -> Decimal:
    """As displayed: each term is its factors' product, and all lines above the total add up to it."""
    end = next(i for i, (_, factors, _) in enumerate(lines) if factors == "=")
    terms = [line for line in lines if "×" in line[1]]
    for name, factors, product in terms:
        value, weight = (number(factor) for factor in re.findall(r"[−\d.]+", factors))
        place = [int(i) for i in re.findall(r"\d+", name.split("[")[1])]
        i = place[0] * 28 + place[1] if len(place) == 2 else place[0]
        assert abs(float(value) - inputs[i]) < 6e-4 and abs(float(weight) - weights[i]) < 6e-4
        assert abs(value * weight - number(product)) <= Decimal("0.005")
    others = int((inputs != 0).sum()) - len(terms)
    assert any(factors == f"and {others} more:" for _, factors, _ in lines) or not others
    sizes = [abs(number(product)) for *_, product in terms]
    assert all(larger >= smaller - Decimal("0.01") for larger, smaller in itertools.pairwise(sizes))
    assert sum(number(amount) for *_, amount in lines[:end]) == number(lines[end][2])
    return number(lines[end][2])


@pytest.mark.parametrize("layer", ["h1", "h2"])
def test_the_sum_of_each_unit_pointed_at_adds_up(
    shown: Page, x: np.ndarray, steps: Forward, layer: str
) -> None:
    feeding, total, *_ = LAYERS[layer]
    inputs = x.ravel() if feeding == "x" else steps.h1
    weights = load().weights["w1" if layer == "h1" else "w2"]
    for unit in np.random.default_rng(1).choice(weights.shape[1], 50, replace=False).tolist():
        point(shown, layer, unit)
        lines = sum_lines(shown)
        displayed = assert_adds_up(lines, inputs, weights[:, unit])
        assert float(displayed) == pytest.approx(getattr(steps, total)[unit], abs=0.00501)
        assert lines[-1][0] == f"{layer}[{unit}]"
        assert float(number(lines[-1][2])) == pytest.approx(getattr(steps, layer)[unit], abs=0.00501)


def test_the_sum_and_the_softmax_of_each_digit_add_up(shown: Page, steps: Forward) -> None:
    for digit in range(10):
        shown.locator("#inside [role=radio]").nth(digit).hover()
        expect(shown.locator("#inside .unit h3")).to_contain_text(f"logits[{digit}]")
        displayed = assert_adds_up(sum_lines(shown), steps.h2, load().w3[:, digit])
        assert float(displayed) == pytest.approx(steps.logits[digit], abs=0.00501)
        shares = shown.locator("#inside .contributions .number").all_inner_texts()
        exponentials = [number(text) for text in shares]
        expected = np.exp(steps.logits - steps.logits.max())
        assert np.allclose([float(e) for e in exponentials], expected, atol=1e-6)
        quotient = shown.locator("#inside .quotient").inner_text().split("Σe = ")[1].split(" / ")
        assert number(quotient[0]) == exponentials[digit] and number(quotient[1]) == sum(exponentials)
        share = float(number(quotient[0]) / number(quotient[1]))
        assert share == pytest.approx(steps.probabilities[digit], abs=1e-5)


def test_the_forward_pass_is_shown_as_it_is(shown: Page, x: np.ndarray, steps: Forward) -> None:
    expect(shown.locator("#inside")).to_contain_text("h1 = relu(z1)")
    assert_forward_pass(shown, x.ravel(), steps)


def assert_forward_pass(page: Page, x: np.ndarray, steps: Forward) -> None:
    for name, values in {"x": x, "h1": steps.h1, "h2": steps.h2}.items():
        assert np.abs(colours(page, name)[:, 3] - 255 * values / max(values.max(), 1e-9)).max() < 4
    for digit in range(10):
        numbers = page.locator("#inside [role=radio]").nth(digit).locator(".number").all_inner_texts()
        assert float(number(numbers[0])) == pytest.approx(steps.logits[digit], abs=0.006)
        assert float(numbers[1].strip(">%")) / 100 == pytest.approx(steps.probabilities[digit], abs=0.001)


def assert_two_colours(picture: np.ndarray, values: np.ndarray, weak: float = 0.1) -> None:
    """Blue where it is positive, orange where negative, the stronger the more."""
    strong = np.abs(values) > weak * np.abs(values).max()
    assert strong.sum() > 10
    to_blue = np.linalg.norm(picture[:, :3] - BLUE, axis=1) < np.linalg.norm(picture[:, :3] - ORANGE, axis=1)
    assert np.array_equal(to_blue[strong], values[strong] > 0)
    assert spearmanr(np.abs(values)[strong], picture[strong, 3]).statistic > 0.9


def test_evidence_for_the_digit_read_and_for_any_other_clicked(
    shown: Page, x: np.ndarray, steps: Forward
) -> None:
    digits = shown.locator("#inside [role=radio]")
    expect(digits.nth(7)).to_have_attribute("aria-checked", "true")
    for digit in [3, 9, 7]:
        digits.nth(digit).click()
        expect(shown.locator("#inside .evidence h3")).to_have_text(f"Evidence for a {digit}")
        evidence, _, logit = load().explain(x, digit)
        picture = colours(shown, "evidence")
        assert_two_colours(picture, evidence.ravel())
        assert not picture[x.ravel() == 0].any()
        legend = shown.locator("#inside .evidence .legend span").all_inner_texts()
        against, plus = (number(text) for text in legend)
        assert float(plus) == pytest.approx(evidence.clip(0).sum(), abs=0.03)
        total, parts = (
            shown.locator("#inside .evidence .readout").inner_text().removeprefix("logit ").split(" = ")
        )
        ink, sign, constant = re.fullmatch(r"(\S+) ([+−]) bias (\S+)", parts).groups()  # type: ignore[union-attr]
        assert number(total) == number(ink) + number(f"{sign}{constant}") and against + plus == number(ink)
        assert float(number(total)) == pytest.approx(logit, abs=0.00501)


@pytest.mark.parametrize(("layer", "unit"), [("h1", 37), ("h2", 200)])
def test_pointing_at_a_unit_shows_its_weights_and_contributions(
    shown: Page, x: np.ndarray, steps: Forward, layer: str, unit: int
) -> None:
    point(shown, layer, unit)
    expect(shown.locator("#inside .unit h3")).to_contain_text(f"{layer}[{unit}]")
    name = "w1" if layer == "h1" else "w2"
    assert_two_colours(colours(shown, name), load().weights[name][:, unit], weak=0.2)
    found: Contributions = contributions(load(), x.reshape(784), steps)
    expected = (found.units1 if layer == "h1" else found.units2)[:, unit]
    texts = shown.locator("#inside .contributions .number").all_inner_texts()
    assert np.allclose([float(number(text)) for text in texts], expected, atol=0.006)
    shown.mouse.move(5, 5)
    expect(shown.locator("#inside .unit h3")).not_to_contain_text(f"{layer}[{unit}]")


def test_lines_lead_to_the_largest_terms_and_to_what_is_fed_most(shown: Page, steps: Forward) -> None:
    unit = int(steps.h1.argmax())
    point(shown, "h1", unit)
    expect(shown.locator("#inside .key")).to_be_visible()
    box = shown.locator("#inside .lines").bounding_box()
    assert box
    script = "paths => paths.map(path => [path.getAttribute('d'), path.classList.contains('minus')])"
    lines = shown.locator("#inside .lines path").evaluate_all(script)
    fed = steps.h1[unit] * load().w2[unit] * (steps.h2 > 0)
    strongest = np.argsort(-np.abs(fed))[:8]
    ends = {}
    picture = shown.locator("#inside [data-name=h2]").bounding_box()
    assert picture and len(lines) == 16
    for d, minus in lines[8:]:
        right, down = (float(at) for at in d.split(" ")[-2:])
        column = int((right + box["x"] - picture["x"]) / picture["width"] * 16)
        row = int((down + box["y"] - picture["y"]) / picture["height"] * 16)
        ends[row * 16 + column] = minus
    assert ends == {int(i): bool(fed[i] < 0) for i in strongest}
    shown.mouse.move(5, 5)


def test_the_keyboard_reaches_every_value(shown: Page, x: np.ndarray) -> None:
    evidence = load().explain(x, 7).evidence.ravel()
    shown.locator("#inside summary").first.focus()
    focus = "() => document.activeElement.getAttribute('aria-label') ?? ''"
    seen = []
    for _ in range(9):  # x, h1, h2, the digits, the weights, the evidence, the three folds
        shown.keyboard.press("Tab")
        seen.append(shown.evaluate("() => document.activeElement.role ?? document.activeElement.localName"))
    assert seen == ["gridcell"] * 3 + ["radio"] + ["gridcell"] * 2 + ["summary"] * 3

    shown.locator("#inside [data-name=evidence] [role=gridcell]").focus()
    shown.keyboard.press("Control+Home")
    strongest = int(evidence.argmax())
    for key, times in (("ArrowDown", strongest // 28), ("ArrowRight", strongest % 28)):
        for _ in range(times):
            shown.keyboard.press(key)
    label = shown.evaluate(focus)
    assert label.startswith(f"x[{strongest // 28}, {strongest % 28}]: +")
    assert float(label.split("+")[1]) == pytest.approx(evidence[strongest], abs=0.006)

    shown.locator("#inside [data-name=h2] [role=gridcell]").focus()
    shown.keyboard.press("Control+End")
    assert shown.evaluate(focus).startswith("h2[255] = ")
    expect(shown.locator("#inside .unit h3")).to_contain_text("h2[255]")
    expect(shown.locator("#inside .sum li").nth(-2)).to_contain_text("255")

    shown.locator("#inside [aria-checked=true]").focus()
    shown.keyboard.press("ArrowDown")
    assert shown.evaluate(focus).startswith("8: logit")
    expect(shown.locator("#inside .evidence h3")).to_have_text("Evidence for an 8")
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


def test_looking_about_makes_no_request(shown: Page) -> None:
    requests: list[str] = []
    note: Callable[[Any], None] = lambda request: requests.append(request.url)  # noqa: E731
    shown.on("request", note)
    for digit in [1, 4, 7]:
        shown.locator("#inside [role=radio]").nth(digit).click()
    for name in ["h1", "h2", "evidence"]:
        shown.locator(f"#inside [data-name={name}]").click()
    shown.wait_for_timeout(700)
    shown.remove_listener("request", note)
    assert requests == []


def test_the_exact_weights_are_less_than_400_kb() -> None:
    for network in ("relu", "sigmoid"):
        reply = questions.panel_weights({"network": network})
        assert reply["type"] == "float16"
        for name, tensor in load(network).weights.items():
            sent = np.frombuffer(base64.b64decode(reply[name]), "<f2").astype(np.float32)
            assert np.array_equal(sent.reshape(tensor.shape), tensor)
        assert sum(len(value) for value in reply.values()) < 400_000


def test_it_says_what_it_shows_once_nothing_changes(shown: Page, steps: Forward) -> None:
    expect(shown.locator("#inside [role=status]")).to_contain_text("Read as a 7")
    expect(shown.locator("#inside [role=status]")).to_contain_text(f"a logit of {steps.logits[7]:.2f}")


def test_the_smallest_change_is_shown_with_its_size(shown: Page, x: np.ndarray, steps: Forward) -> None:
    shown.locator("#inside .change summary").click()
    for digit in (int(np.argsort(steps.logits)[-2]), 3):
        shown.locator("#inside .change select").select_option(str(digit))
        changed = load().smallest_change(x, digit)
        difference = np.abs(changed - x)
        altered = difference >= 0.5 / 255
        said = shown.locator("#inside .change .figure")
        expect(said).to_have_text(re.compile(r"^[\d.]+% of black, on [\d.]+% of the pixels$"))
        expect(shown.locator("#inside .change .outcome")).to_contain_text(
            f"L2 {np.linalg.norm(difference):.2f}."
        )
        of_black, share = (float(number) for number in re.findall(r"[\d.]+", said.inner_text()))
        assert of_black == pytest.approx(100 * difference[altered].mean(), abs=0.06)
        assert share == pytest.approx(100 * altered.sum() / 784, abs=0.06)
        expect(shown.locator("#inside .change .outcome")).to_contain_text(f"and is a {digit}, ")
        assert np.abs(colours(shown, "after")[:, 3] - 255 * changed.ravel()).max() < 2
        assert_two_colours(colours(shown, "change"), (changed - x).ravel(), weak=0.5)
    expect(shown.locator("#inside .change")).to_contain_text("So faint a change cannot be drawn")
    shown.locator("#inside .change summary").click()


def test_the_slider_shows_the_answer_epoch_by_epoch(shown: Page, x: np.ndarray, steps: Forward) -> None:
    snapshots = load_snapshots("relu")
    assert snapshots
    shown.locator("#inside .epochs summary").click()
    slider, outcome = shown.locator("#inside .epochs input"), shown.locator("#inside .epochs .outcome")
    expect(shown.locator("#inside .chart polyline")).to_have_count(10)
    expect(outcome).to_contain_text(f"After {snapshots.epochs[-1]:,} epochs: a 7")
    texts = shown.locator("#inside .then .number").all_inner_texts()
    assert np.allclose([float(text.strip(">%")) / 100 for text in texts], steps.probabilities, atol=0.001)
    slider.focus()
    shown.keyboard.press("Home")
    first = snapshots.predict_proba(x)[0]
    expect(outcome).to_contain_text(
        f"After 0 epochs: {'an' if first.argmax() == 8 else 'a'} {first.argmax()}, "
    )
    expect(outcome).to_contain_text(f"{snapshots.validation_errors[0]:,} of {snapshots.validation_images:,}")
    texts = shown.locator("#inside .then .number").all_inner_texts()
    assert np.allclose([float(text.strip(">%")) / 100 for text in texts], first, atol=0.001)
    assert (slider.get_attribute("aria-valuetext") or "").startswith("After 0 epochs: 0 ")
    match = re.fullmatch(r"Weights of (\w+)\[(\d+)\] then", shown.locator("#inside .epochs .of").inner_text())
    assert match
    layer, unit = match.groups()
    name = {"h1": "epoch1", "h2": "epoch2", "logits": "epoch3"}[layer]
    assert_two_colours(colours(shown, name), snapshots.incoming(layer, int(unit))[0], weak=0.3)
    shown.locator("#inside .epochs button").click()
    expect(shown.locator("#inside .epochs button")).to_have_text("Pause")
    expect(outcome).to_contain_text(f"After {snapshots.epochs[-1]:,} epochs", timeout=20_000)
    expect(shown.locator("#inside .epochs button")).to_have_text("Play")
    shown.locator("#inside .epochs summary").click()


def test_the_ten_nearest_are_shown_with_their_labels(shown: Page, x: np.ndarray) -> None:
    among = load_neighbours()
    assert among
    found = nearest(load(), x, among)
    shown.locator("#inside .nearest summary").click()
    expect(shown.locator("#inside .nearest li")).to_have_text(
        [f"{label} {cosine:.2f}" for label, cosine in zip(found.labels, found.similarities)]
    )
    script = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data]"
    first = np.array(shown.locator("#inside .nearest canvas").first.evaluate(script)).reshape(-1, 4)
    assert np.array_equal(first[:, 3], found.images[0].ravel())


def test_a_change_of_theme_recolours_the_pictures(shown: Page) -> None:
    light = colours(shown, "x")
    shown.evaluate("document.body.classList.add('dark')")
    shown.wait_for_timeout(200)
    dark = colours(shown, "x")
    shown.evaluate("document.body.classList.remove('dark')")
    inked = light[:, 3] > 200
    assert light[inked, :3].max() < 64 and dark[inked, :3].min() > 192


def test_what_there_is_not_is_said_in_a_sentence(
    page: Page, x: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "serving_snapshots", lambda name: None)
    monkeypatch.setattr(questions, "load_neighbours", lambda: None)
    with gr.Blocks() as demo:
        Panel(pack(load(), x), elem_id="inside")
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
    [0] * 784,
]


@pytest.mark.parametrize(
    ("ask", "request_"),
    [
        *((ask, request) for ask in questions.QUESTIONS for request in NO_REQUESTS),
        *(
            (ask, {"network": "relu", "x": x, "digit": 3, "unit": "h1[0]"})
            for ask in questions.QUESTIONS
            if ask is not questions.panel_weights  # the same for every picture
            for x in NO_PICTURES
        ),
    ],
)
def test_a_strangers_question_is_refused_with_what_was_expected(ask: Any, request_: Any) -> None:
    assert re.search(r"got|float32|in 0\.\.1", ask(request_)["refused"])


@pytest.mark.parametrize("digit", [10, -1, "3", 3.5, None, True])
def test_a_change_to_no_digit_is_refused(digit: Any) -> None:
    assert "0 to 9; got" in questions.panel_change({"network": "relu", "x": X, "digit": digit})["refused"]


@pytest.mark.parametrize("unit", ["h1[128]", "h3[0]", "w1", None, 7, "h1[0]; "])
def test_the_epochs_of_no_unit_are_refused(unit: Any) -> None:
    assert "a unit is" in questions.panel_epochs({"network": "relu", "x": X, "unit": unit})["refused"]


def test_too_many_questions_at_once_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "EXPLAINING", threading.BoundedSemaphore(1))
    questions.EXPLAINING.acquire()
    assert questions.panel_nearest({"network": "relu", "x": X}) == {"busy": True}
    questions.EXPLAINING.release()
    assert "images" in questions.panel_nearest({"network": "relu", "x": X})


# In the app


def seen(page: Page, chosen: int = 0) -> np.ndarray:
    """The 28×28 that the preview shows, (784,)."""
    source = page.locator("#preview img").nth(chosen).get_attribute("src")
    assert source
    return (read_data_url(source) / np.float32(255)).reshape(784)


def test_the_panel_follows_the_drawing_and_the_network(page: Page, app: str) -> None:
    page.emulate_media(color_scheme="light")
    open_app(page, app)
    page.get_by_role("radio", name="Thick pen").check(force=True)
    draw(page, SEVEN)
    expect(page.locator("#label h2")).to_have_text("7")
    page.wait_for_timeout(800)
    page.locator("#inside .change summary").click()
    expect(page.locator("#inside .change .figure")).to_contain_text("of black, on")
    before = {name: colours(page, name) for name in ["x", "h1", "h2", "evidence", "after"]}
    page.keyboard.press("Escape")  # inside the panel it clears nothing
    expect(page.locator("#label h2")).to_have_text("7")
    page.locator("#pad .clear").click()
    expect(page.locator("#preview img")).to_have_count(0)
    page.wait_for_timeout(300)
    assert not any(colours(page, name).any() for name in ["x", "h1", "h2", "evidence"])
    expect(page.locator("#inside .change .note")).to_have_text("Draw something first.")
    draw(page, ZERO)
    expect(page.locator("#label h2")).to_have_text("0")
    expect(page.locator("#inside .change .outcome")).to_contain_text("It was a 0")
    assert all((colours(page, name) != before[name]).any() for name in before)
    assert_forward_pass(page, seen(page), load().forward(seen(page)))

    page.get_by_label("Sigmoid").click()
    expect(page.locator("#inside")).to_contain_text("h1 = sigmoid(z1)")
    page.wait_for_timeout(800)
    steps = load("sigmoid").forward(seen(page))
    assert_forward_pass(page, seen(page), steps)
    evidence = contributions(load("sigmoid"), seen(page), steps)
    assert_two_colours(colours(page, "evidence"), evidence.pixels[steps.logits.argmax()])


def test_one_digit_of_a_number_is_explained(page: Page, app: str) -> None:
    open_app(page, app)
    for stroke in (
        [(0.22, 0.25), (0.12, 0.55), (0.42, 0.55)],
        [(0.35, 0.3), (0.35, 0.8)],
        [(0.7, 0.3), (0.8, 0.22), (0.9, 0.32), (0.85, 0.5), (0.7, 0.75), (0.95, 0.75)],
    ):
        draw(page, stroke)
    expect(page.locator("#label h2")).to_have_text("42")
    for index, digit in ((0, 4), (1, 2)):
        page.locator("#preview button").nth(index).click()
        expect(page.locator("#inside .which")).to_have_text(f"digit {index + 1} of 42")
        expect(page.locator("#inside .evidence h3")).to_have_text(f"Evidence for a {digit}")
        page.wait_for_timeout(300)
        assert_forward_pass(page, seen(page, index), load().forward(seen(page, index)))


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
    expect(summary).to_be_visible()
    expect(page.locator("#inside .stages")).to_be_hidden()
    assert not colours(page, "evidence").any()  # nothing is drawn that nobody sees
    summary.tap()
    expect(page.locator("#inside .stages")).to_be_visible()
    expect(page.locator("#inside .evidence h3")).to_have_text("Evidence for a 7")
    page.wait_for_timeout(300)
    assert_forward_pass(page, seen(page), load().forward(seen(page)))

    page.locator("#inside [data-name=h1]").tap(position={"x": 5, "y": 5})
    expect(page.locator("#inside .unit h3")).to_contain_text("h1[0]")
    expect(page.locator("#inside .sum li").nth(-1)).to_contain_text("h1[0]")
    page.locator("#inside [role=radio]").nth(2).tap()
    expect(page.locator("#inside .evidence h3")).to_have_text("Evidence for a 2")
    for fold in ("change", "epochs", "nearest"):
        page.locator(f"#inside .{fold} summary").tap()
        expect(page.locator(f"#inside .{fold} .body")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for part in page.locator("#inside section, #inside .body").all():
        box = part.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 360
    context.close()


def test_a_panel_without_an_answer_is_open_and_empty(browser: Browser) -> None:
    with gr.Blocks() as demo:
        Panel(elem_id="inside")
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    with launched(demo) as url:
        page.goto(url)
        expect(page.locator("#inside .stages")).to_be_visible(timeout=60_000)
        page.wait_for_timeout(300)
        assert not colours(page, "evidence").any()
    context.close()
