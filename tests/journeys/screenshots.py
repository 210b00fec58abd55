"""Draws the pictures of `docs/operations.md`: `python -m tests.journeys.screenshots`.

It starts a stack of its own, brings a company into every state that ops may find it in, and
photographs the Temporal UI and the operations page. A mail service that is down and a worker that
is gone come last.
"""

import json
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright
from temporalio.client import Client

from cli.demo_scene import Scene, link_in
from database.policies import policies
from settings import ROOT
from temporal import VIEWS
from tests.journeys.company import (
    SAMPLE,
    SLUG,
    act,
    address,
    advance_to,
    announce,
    ask_for_a_copy,
    import_accounts,
    mail_about,
    now,
    put_in_force,
    request_of,
    scene_on,
    sign_in,
    version,
)
from tests.journeys.conftest import PATIENCE_MILLISECONDS, SWITCHES, chromium
from tests.journeys.small_png import small_png
from tests.own_settings import own_settings

PICTURES = ROOT / "docs" / "screenshots"
TERMS = "terms-of-service"
COOKIES = "cookie-policy"
WITHOUT_COLOURED_EDGES = ("--disable-lcd-text", "--font-render-hinting=none")
WIDE: ViewportSize = {"width": 1440, "height": 1000}
BELOW_THE_MENU = {"x": 49, "y": 60, "width": 1391}
SETTLED_MILLISECONDS = 500  # what slides open has slid
COLUMNS = ("Status", "Workflow ID", "Stage", "AwaitingWhom", "DueAt")


def main() -> None:
    """Draw every picture anew."""
    PICTURES.mkdir(exist_ok=True)
    with (
        TemporaryDirectory() as directory,
        scene_on(own_settings(Path(directory))) as scene,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=[*SWITCHES, *WITHOUT_COLOURED_EDGES]
        )
        bring_about(scene, browser.new_page(), Path(directory))
        photograph(scene, browser)
        browser.close()


def photograph(scene: Scene, browser: Browser) -> None:
    """The list, a page of each workflow, our own page; at last what is left without a worker."""
    page = _page(scene, browser)
    _list(scene, page)
    for name, workflow_id in {
        "publication-in-review": f"publication/{TERMS}/1",
        "campaign-waiting": f"campaign/{SLUG}/2",
        "campaign-mail-service-down": f"campaign/{COOKIES}/2",
        "request-in-work": _thirty_days_of(scene, "frieda"),
        "request-second-person": _thirty_days_of(scene, "carol"),
        "request-overdue": _thirty_days_of(scene, "emil"),
        "mail-delivery": _ids(scene, "WorkflowType = 'mail-delivery'")[0],
    }.items():
        _open(scene, page, workflow_id, "User Metadata")
        told = page.frame_locator("#user-metadata-current-details").get_by_text("Safe to press")
        _take(page, name, told, height=900)
    _open(scene, page, _ids(scene, "WorkflowType = 'watchdog'")[0], "Timeline")
    _take(page, "watchdog", page.get_by_text("started, because").first, height=700)
    sign_in(page, scene, "Omar Operations", "/staff/ops")
    heading = page.get_by_role("heading", name="Operations")
    _take(page, "operations-page", heading, height=800, whole=True)
    scene.stack.part("worker").kill()
    _open(scene, page, _thirty_days_of(scene, "emil"), "Memo")
    _take(page, "without-worker", page.get_by_text("waits_for"), height=560)


def _list(scene: Scene, page: Page) -> None:
    """All that runs; then one of the saved views, with the menu that offers them."""
    page.goto(f"{_workflows(scene)}?query=ExecutionStatus%20%3D%20%22Running%22")
    _take(page, "list-of-workflows", page.get_by_text("account holders"), height=640)
    views = page.get_by_test_id("saved-views-button")
    views.click()
    page.get_by_text(VIEWS["overdue"].name, exact=True).click()
    expect(page.get_by_text("account holders")).to_have_count(0)
    views.click()
    _take(page, "saved-views", page.get_by_text(VIEWS["ops"].name), height=480)


def _page(scene: Scene, browser: Browser) -> Page:
    """A browser as ops set it up: our views saved, our columns, times in UTC."""
    views = [
        {"id": key, "name": view.name, "query": view.at(now(scene)), "type": "user"}
        for key, view in VIEWS.items()
    ]
    kept = {
        "saved-workflow-queries": {"default": views},
        "namespace-workflow-table-columns": {"default": [{"label": name} for name in COLUMNS]},
        "timeFormat": "UTC",
        "navOpen": False,
    }
    context = browser.new_context(viewport=WIDE, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    context.add_init_script(
        "".join(
            f"localStorage.setItem({json.dumps(name)}, {json.dumps(json.dumps(value))});"
            for name, value in kept.items()
        )
    )
    return context.new_page()


def bring_about(scene: Scene, page: Page, directory: Path) -> None:
    """Every state that ops may find."""
    put_in_force(scene, SAMPLE / "1.md")
    a_first_version_is_in_force(scene, COOKIES)
    import_accounts(scene, directory, crowd=0)
    one_request_is_overdue(scene, page)
    announce(scene, SAMPLE / "2.md")
    scene.wait("the campaign has its date", lambda: version(scene, 2).effective_at)
    two_requests_are_under_way(scene, page)
    a_refusal_waits_for_its_second_person(scene, page)
    add(scene, TERMS)
    a_workflow_was_terminated_and_came_back(scene)
    the_mail_service_is_down(scene, page, directory)


def a_first_version_is_in_force(scene: Scene, slug: str) -> None:
    add(scene, slug)
    release(scene, slug, 1, "editorial")
    scene.wait(f"{slug} is in force", lambda: in_force(scene, slug))


def add(scene: Scene, slug: str) -> None:
    act(scene, "policy", "add", slug, "--title", slug.replace("-", " "), "--owner", "lena")
    hand_in(scene, slug, SAMPLE / "1.md")


def hand_in(scene: Scene, slug: str, text: Path) -> None:
    summary = ("--summary", "What we do, in plain words.")
    act(scene, "policy", "submit", slug, str(text), *summary, "--as", "lena")


def release(scene: Scene, slug: str, number: int, version_class: str) -> None:
    give_class(scene, slug, number, version_class)
    act(scene, "policy", "release", slug, str(number), "--as", "noor")


def give_class(scene: Scene, slug: str, number: int, version_class: str) -> None:
    reason = ("--reason", "Read against the version before.")
    words = ("--class", version_class, *reason, "--as", "noor")
    act(scene, "policy", "review", slug, str(number), *words)


def in_force(scene: Scene, slug: str) -> bool:
    with scene.database.session() as session:
        return policies.version_by_slug(session, slug, 1).state == "in_force"


def one_request_is_overdue(scene: Scene, page: Page) -> None:
    ask_for_a_copy(page, scene, "emil")
    confirm(scene, page, "emil")
    request = request_of(scene, "emil")
    advance_to(scene, request.due_at + timedelta(hours=4))
    scene.wait("the breach is recorded", lambda: request_of(scene, "emil").policy_breach_at)


def two_requests_are_under_way(scene: Scene, page: Page) -> None:
    for name in ("dora", "frieda"):
        ask_for_a_copy(page, scene, name)
        mail_about(scene, name, "confirm")
    confirm(scene, page, "frieda")


def a_refusal_waits_for_its_second_person(scene: Scene, page: Page) -> None:
    ask_for_a_copy(page, scene, "carol")
    confirm(scene, page, "carol")
    act(
        scene,
        *("requests", "decide", request_of(scene, "carol").reference, "--outcome", "refused"),
        *("--ground", "manifestly_unfounded_or_excessive"),
        *("--explanation", "You asked for this every day of last week."),
        *("--evidence", "The requests of last week.", "--as", "petra"),
    )


def a_workflow_was_terminated_and_came_back(scene: Scene) -> None:
    lost = f"data-subject-request/{request_of(scene, 'frieda').id}"

    async def terminate_and_look() -> None:
        client = await Client.connect(scene.stack.temporal_address)
        await client.get_workflow_handle(lost).terminate("pressed at three in the morning")
        await client.get_schedule_handle("watchdog").trigger()

    with start_blocking_portal() as portal:
        portal.call(terminate_and_look)
    scene.wait("it came back", lambda: lost in _ids(scene, "ExecutionStatus = 'Running'"))


def the_mail_service_is_down(scene: Scene, page: Page, directory: Path) -> None:
    """Must come last: mails cannot be read any more."""
    corrected = directory / "corrected.md"
    corrected.write_text(
        (SAMPLE / "1.md").read_text("utf-8").replace("recieve", "receive"), "utf-8"
    )
    hand_in(scene, COOKIES, corrected)
    give_class(scene, COOKIES, 2, "notice")
    act(scene, "policy", "test-mail", COOKIES, "2", "--as", "noor")
    scene.stack.part("mail sandbox").kill()
    page.goto(f"{scene.stack.website}/approve/new-link")
    page.get_by_label("E-mail address").fill(address("alice"))
    page.get_by_role("button", name="Send the link").click()
    act(scene, "policy", "release", COOKIES, "2", "--as", "noor")


def confirm(scene: Scene, page: Page, name: str) -> None:
    page.goto(link_in(mail_about(scene, name, "confirm"), "/requests/"))
    page.get_by_role("button", name="Yes, this request is mine").click()
    scene.wait(f"{name} is verified", lambda: request_of(scene, name).verified_at)


def _open(scene: Scene, page: Page, workflow_id: str, tab: str) -> None:
    page.goto(f"{_workflows(scene)}/{quote(workflow_id, safe='')}")
    page.get_by_role("tab", name=tab).click()


def _take(page: Page, name: str, seen: Locator, *, height: int, whole: bool = False) -> None:
    """The picture, as soon as what matters is to be seen. `whole` has the page's own menu too."""
    expect(seen).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    page.wait_for_timeout(SETTLED_MILLISECONDS)
    around = {"x": 0, "y": 0, "width": WIDE["width"]} if whole else BELOW_THE_MENU
    picture = page.screenshot(clip={**around, "height": height})  # type: ignore[arg-type]
    idle = page.context.new_page()
    (PICTURES / f"{name}.png").write_bytes(small_png(idle, picture))
    idle.close()


def _workflows(scene: Scene) -> str:
    return f"{scene.stack.temporal_ui}/namespaces/default/workflows"


def _thirty_days_of(scene: Scene, name: str) -> str:
    return f"data-subject-request/{request_of(scene, name).id}"


def _ids(scene: Scene, query: str) -> list[str]:
    """The ids that a query finds, the latest first."""

    async def look() -> list[str]:
        client = await Client.connect(scene.stack.temporal_address)
        return [execution.id async for execution in client.list_workflows(query)]

    with start_blocking_portal() as portal:
        return portal.call(look)


if __name__ == "__main__":
    main()
