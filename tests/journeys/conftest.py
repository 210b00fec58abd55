"""The whole product as it runs on a laptop, and people with phones in front of it."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from cli.demo_scene import Scene
from tests.journeys.company import scene_on
from tests.own_settings import own_settings

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE_MILLISECONDS = 30_000


def chromium() -> str:
    """Where the browser is. Its absence is a failure, with the line to type."""
    executable = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if executable is None:
        pytest.fail(
            "The browser journeys need Chromium. As root, type: "
            "apt-get update && apt-get install -y --no-install-recommends chromium"
        )
    return executable


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A stack for the tests of one file."""
    with scene_on(own_settings(tmp_path_factory.mktemp("stack"))) as scene:
        yield scene


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def phones(browser: Browser) -> Iterator[Callable[[], Page]]:
    """Each call is another person's phone, with scripts switched off."""
    contexts = []

    def another() -> Page:
        context = browser.new_context(
            java_script_enabled=False, viewport={"width": 390, "height": 844}
        )
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        contexts.append(context)
        return context.new_page()

    yield another
    for context in contexts:
        context.close()
