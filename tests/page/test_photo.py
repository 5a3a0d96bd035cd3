"""The second tab in real Chromium: from a file to what is read in it, or to what is wrong with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers import data_url, open_app
from playwright.sync_api import Page, Route, expect

from mnist_mlp.page import pad
from mnist_mlp.page.pad import EXAMPLES

SEVEN_FILE = next(path for path in EXAMPLES if path.stem == "7")

STYLES = Path(pad.__file__).with_name("gradio.css")
PASSING = {"dark", "full"}  # in a dark page; while it loads
GRADIO_S_OWN = 13  # requests with which Gradio's editor brings an upload to a function


@pytest.fixture
def photo(page: Page, app: str) -> Page:
    """The second tab, ready for a picture."""
    page.clock.install()
    open_app(page, app)
    page.get_by_role("tab", name="Photo or picture").click()
    page.locator(".editor input[type=file]").first.wait_for(state="attached")
    page.locator(".editor canvas").first.wait_for()
    return page


def said(page: Page) -> str:
    return page.locator(".hint:visible p").inner_text()


def upload(page: Page, file: Path) -> None:
    page.locator(".editor input[type=file]").first.set_input_files(file)


def test_an_upload_is_answered_and_says_at_once_that_it_is_read(photo: Page) -> None:
    sent: list[str] = []
    photo.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    upload(photo, SEVEN_FILE)
    expect(photo.locator(".hint:visible p")).to_have_text("Reading the picture …", timeout=1000)
    expect(photo.locator(".reading:visible h2")).to_have_text("7", timeout=30000)
    photo.wait_for_timeout(1500)
    expect(photo.locator(".reading:visible h2")).to_have_text("7")
    assert len(sent) <= 2 * GRADIO_S_OWN + 5, sent  # once more, where the editor had not held it
    assert said(photo) != "Reading the picture …"


@pytest.mark.parametrize(
    ("name", "content"), [("a.pdf", b"%PDF-1.4"), ("b.jpg", b"\xff\xd8\xff\xe0 broken"), ("c.png", b"")]
)
def test_a_file_that_is_no_picture_is_named(photo: Page, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    upload(photo, tmp_path / name)
    expect(photo.locator(".hint:visible p")).to_contain_text(
        f"{name} cannot be read as a picture", timeout=10000
    )
    upload(photo, SEVEN_FILE)
    expect(photo.locator(".reading:visible h2")).to_have_text("7", timeout=30000)


def test_a_picture_from_the_clipboard_is_answered(photo: Page) -> None:
    photo.context.grant_permissions(["clipboard-read", "clipboard-write"])
    photo.evaluate(
        """async (picture) => {
          const blob = await (await fetch(picture)).blob();
          await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }""",
        data_url(SEVEN_FILE.read_bytes()),
    )
    photo.locator(".editor").get_by_role("button", name="Paste").click()
    expect(photo.locator(".reading:visible h2")).to_have_text("7", timeout=30000)


def test_an_answer_does_not_come_back_after_its_picture_was_removed(photo: Page) -> None:
    held: list[Route] = []
    photo.route("**/queue/join*", lambda route: held.append(route))
    upload(photo, SEVEN_FILE)
    for _ in range(100):
        if held:
            break
        photo.wait_for_timeout(100)
    photo.wait_for_timeout(1000)
    photo.get_by_role("button", name="Clear canvas").click()
    photo.wait_for_timeout(300)
    for route in held:  # the answers come only now
        route.continue_()
    photo.unroute("**/queue/join*")
    photo.wait_for_timeout(3000)
    expect(photo.locator(".reading:visible h2")).to_have_text("–")
    assert said(photo) == "Upload a picture of a digit or a number, or draw one."


def test_this_version_of_gradio_has_the_classes_that_are_styled(photo: Page) -> None:
    upload(photo, SEVEN_FILE)
    expect(photo.locator(".reading:visible h2")).to_have_text("7", timeout=30000)
    rules = re.sub(r"/\*.*?\*/", "", STYLES.read_text(encoding="utf-8"), flags=re.DOTALL)
    classes = set(re.findall(r"\.([a-z][\w-]*)", " ".join(re.findall(r"([^{}]+){", rules))))
    assert len(classes) > 15
    missing = [name for name in classes - PASSING if not photo.locator(f".{name}").count()]
    assert not missing, f"Gradio has renamed {missing}: read mnist_mlp/page/gradio.css"
