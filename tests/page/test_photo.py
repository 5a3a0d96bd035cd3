"""The tabs Photo and Sketchpad in real Chromium: from a file to what is read in it, or to what is wrong with it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from helpers import data_url, open_app
from PIL import Image
from playwright.sync_api import Browser, Page, Request, Route, expect

from mnist_mlp.page import pad
from mnist_mlp.page.pad import EXAMPLES
from mnist_mlp.page.photo import NO_INK, NO_PICTURE

expect.set_options(timeout=20_000)

FILES = {path.stem: path for path in EXAMPLES}
STYLES = Path(pad.__file__).with_name("gradio.css")
PASSING = {"dark", "full"}  # in a dark page; while it loads
REQUESTS = 4  # of an answered picture, at most


@pytest.fixture
def photo(page: Page, app: str) -> Page:
    """The second tab, ready for a picture."""
    open_app(page, app)
    page.get_by_role("tab", name="Photo").click()
    page.locator("#photo input[type=file]").first.wait_for(state="attached")
    return page


def upload(page: Page, file: Path) -> None:
    page.locator("#photo input[type=file]").first.set_input_files(file)


def remove(page: Page) -> None:
    page.locator("#photo").get_by_role("button", name=re.compile("Clear|Remove")).first.click()


def expect_answer(page: Page, text: str, hint: str | None = None) -> None:
    expect(page.locator(".reading:visible h2")).to_have_text(text)
    if hint is not None:
        expect(page.locator(".hint:visible p")).to_have_text(hint)


def copy(page: Page, file: Path) -> None:
    """Put a picture into the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async (picture) => {
          const blob = await (await fetch(picture)).blob();
          await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }""",
        data_url(file.read_bytes()),
    )


def test_uploads_are_answered_one_after_the_other(photo: Page) -> None:
    expect_answer(photo, "–", NO_PICTURE)
    sent: list[str] = []

    def note(request: Request) -> None:
        if "gradio_api" in request.url and not request.url.endswith(
            "component_server/"
        ):  # the panel's question
            sent.append(request.url)

    photo.on("request", note)
    for text, file in FILES.items():
        sent.clear()
        upload(photo, file)
        expect_answer(photo, text)
        photo.wait_for_timeout(300)
        assert len(sent) <= REQUESTS, sent
        remove(photo)
        expect_answer(photo, "–", NO_PICTURE)
    expect(photo.locator("#preview img:visible")).to_have_count(0)


def test_the_panel_explains_the_picture_and_the_network_is_one_choice(photo: Page) -> None:
    upload(photo, FILES["4"])
    expect_answer(photo, "4")
    expect(photo.locator("#inside .evidence h3")).to_have_text("Evidence for a 4")
    photo.get_by_label("Sigmoid").first.click()
    expect(photo.locator("#inside")).to_contain_text("h1 = sigmoid(z1)")
    photo.get_by_role("tab", name="Draw").click()
    expect(photo.locator("#inside .evidence h3")).to_have_text("Evidence for a 7")  # the pad's example
    expect(photo.get_by_label("Sigmoid").first).to_be_checked()
    photo.get_by_role("tab", name="Photo").click()
    expect(photo.locator("#inside .evidence h3")).to_have_text("Evidence for a 4")


def test_a_picture_is_pasted_by_key(photo: Page) -> None:
    copy(photo, FILES["2"])
    for _ in range(2):
        photo.keyboard.press("Control+v")
        expect_answer(photo, "2")
        remove(photo)
        expect_answer(photo, "–", NO_PICTURE)


def test_a_camera_s_picture_is_answered(browser: Browser, app: str) -> None:
    """The camera shows a 7 on paper."""
    context = browser.new_context(permissions=["camera"])
    page = context.new_page()
    page.add_init_script("""
        navigator.mediaDevices.getUserMedia = async () => {
          const sheet = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
          const context = sheet.getContext("2d");
          setInterval(() => {
            context.fillStyle = "#eee"; context.fillRect(0, 0, 320, 240);
            context.lineWidth = 16; context.beginPath();
            context.moveTo(110, 60); context.lineTo(210, 60); context.lineTo(140, 200); context.stroke();
          }, 50);
          return sheet.captureStream();
        };
        const camera = { kind: "videoinput", deviceId: "1", label: "Sheet" };
        navigator.mediaDevices.enumerateDevices = async () => [camera];""")
    open_app(page, app)
    page.get_by_role("tab", name="Photo").click()
    page.locator("#photo").get_by_role("button", name=re.compile("webcam|camera", re.I)).first.click()
    page.locator("#photo").get_by_text(re.compile("access", re.I)).first.click()
    page.wait_for_timeout(1500)
    page.locator("#photo").get_by_role("button", name=re.compile("capture", re.I)).first.click()
    expect_answer(page, "7")  # not mirrored
    context.close()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("b.jpg", b"\xff\xd8\xff\xe0 broken", "cannot be read|Expected a picture"),
        ("c.png", b"", "cannot be read|Expected a picture|empty"),
        ("d.gif", b"%PDF-1.4", "Expected a picture"),
    ],
)
def test_a_file_that_is_no_picture_is_answered_in_a_sentence(
    photo: Page, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    upload(photo, tmp_path / name)
    expect(photo.locator(".hint:visible p")).to_have_text(re.compile(said))
    photo.wait_for_timeout(800)
    expect(photo.locator(".hint:visible p")).to_have_text(re.compile(said))  # and stays
    remove(photo)
    upload(photo, FILES["7"])
    expect_answer(photo, "7")


def test_an_empty_sheet_and_a_picture_too_large_are_told_what_they_lack(photo: Page, tmp_path: Path) -> None:
    Image.new("L", (400, 300), 250).save(tmp_path / "white.png")
    upload(photo, tmp_path / "white.png")
    expect_answer(photo, "–", NO_INK)
    remove(photo)
    Image.new("1", (11_000, 11_000)).save(tmp_path / "large.png")
    upload(photo, tmp_path / "large.png")
    expect(photo.locator(".hint:visible p")).to_contain_text("pixels")


def test_paper_on_a_table_is_found(photo: Page, tmp_path: Path) -> None:
    seven = np.asarray(Image.open(FILES["7"]).resize((224, 224), Image.Resampling.BICUBIC), float) / 255
    scene = np.random.default_rng(0).normal(60, 6, (600, 600, 3)) * (1, 0.8, 0.6)
    scene[150:450, 120:480] = 235
    scene[180:404, 200:424] -= 200 * seven[..., None]
    Image.fromarray(scene.clip(0, 255).astype(np.uint8)).save(tmp_path / "table.jpg")
    upload(photo, tmp_path / "table.jpg")
    expect_answer(photo, "7")
    expect(photo.locator("img[alt='28 by 28 pixels, read as 7']:visible")).to_have_count(1)


def test_an_answer_does_not_come_back_after_its_picture_was_removed(photo: Page) -> None:
    upload(photo, FILES["4"])
    expect_answer(photo, "4")
    held: list[Route] = []
    pattern = re.compile(r"gradio_api/(run|call|queue/join|api)")

    def hold(route: Route) -> None:
        held.append(route)

    photo.route(pattern, hold)
    remove(photo)
    upload(photo, FILES["7"])
    for _ in range(100):
        if len(held) >= 2:
            break
        photo.wait_for_timeout(50)
    for route in held:  # the answers come only now
        route.continue_()
    photo.unroute(pattern)
    expect_answer(photo, "7")
    photo.wait_for_timeout(500)
    expect_answer(photo, "7")


def test_the_sketchpad_answers_as_gradio_s_interface_does(page: Page, app: str) -> None:
    open_app(page, app)
    page.get_by_role("tab", name="Sketchpad").click()
    sheet = page.locator("[role=tabpanel]:visible canvas").first
    sheet.wait_for()
    page.wait_for_timeout(1500)
    brush = page.locator("[role=tabpanel]:visible").get_by_role("button", name=re.compile("brush|draw", re.I))
    if brush.count():
        brush.first.click()
    box = sheet.bounding_box()
    assert box
    middle, side = (
        (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2),
        min(box["width"], box["height"]),
    )
    page.mouse.move(middle[0], middle[1] - 0.3 * side)
    page.mouse.down()
    page.mouse.move(middle[0], middle[1] + 0.3 * side, steps=12)
    page.mouse.up()
    expect(page.locator("[role=tabpanel]:visible h2[data-testid=label-output-value]")).to_have_text("1")
    expect(page.locator("[role=tabpanel]:visible img").last).to_be_visible()


def test_this_version_of_gradio_has_the_classes_that_are_styled(photo: Page) -> None:
    upload(photo, FILES["7"])
    expect_answer(photo, "7")
    rules = re.sub(r"/\*.*?\*/", "", STYLES.read_text(encoding="utf-8"), flags=re.DOTALL)
    classes = set(re.findall(r"\.([a-z][\w-]*)", " ".join(re.findall(r"([^{}]+){", rules))))
    assert len(classes) > 15
    missing = [name for name in classes - PASSING if not photo.locator(f".{name}").count()]
    assert not missing, f"Gradio has renamed {missing}: read mnist_mlp/page/gradio.css"
