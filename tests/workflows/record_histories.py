"""Lives every path of every workflow and keeps its history, for later code to replay.

    python -m tests.workflows.record_histories [PATH ...]

Writes `histories/<version of the project>/<workflow>/<path>.json` as Temporal's own UI and command
line would, without the names of people and machines. What was released is never written again:
the version in pyproject.toml moves on.
"""

import json
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

from temporalio.client import WorkflowHistory

from database.engine import Database
from settings import ROOT
from tests.databases import SQLITE, migrated_database
from tests.workflows.conftest import Town, town
from tests.workflows.living import Story
from tests.workflows.recorded_stories import STORIES

HISTORIES = Path(__file__).with_name("histories")


async def history_of(town: Town, workflow_id: str, run: int) -> WorkflowHistory:
    runs = [
        execution async for execution in town.client.list_workflows(f"WorkflowId = '{workflow_id}'")
    ]
    runs.sort(key=lambda execution: execution.start_time)
    handle = town.client.get_workflow_handle(workflow_id, run_id=runs[run].run_id)
    return await handle.fetch_history()


def without_machines(part: object) -> object:
    """The same without process numbers, host names, builds and places of files.

    Whoever it was, was `somebody`.
    """
    if isinstance(part, list):
        return [without_machines(item) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("kind") == "TASK_QUEUE_KIND_STICKY":
        return {**part, "name": "somebody"}
    return {
        name: "somebody" if name == "identity" else without_machines(value)
        for name, value in part.items()
        if name not in ("workerVersion", "stackTrace")
    }


def release() -> str:
    """The version that the histories belong to."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def record(story: Story, database: Database, directory: Path) -> None:
    """Live one story and write its histories."""
    with town(
        database, directory, server_settings=story.server_settings, **story.settings
    ) as running:
        recorded = story.live(running)
        assert set(recorded) == set(story.paths)
        for path, (workflow_id, run) in recorded.items():
            history = running.portal.call(history_of, running, workflow_id, run)
            file = HISTORIES / release() / f"{path}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            content = without_machines(history.to_json_dict())
            file.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
            print(f"{path}: {len(history.events)} events")  # noqa: T201 - for whoever typed it


def main() -> None:
    """Record all stories, or those that give the paths asked for."""
    asked = set(sys.argv[1:])
    for story in STORIES:
        if not asked or asked & set(story.paths):
            with (
                TemporaryDirectory() as name,
                migrated_database(SQLITE, Path(name)) as database,
            ):
                record(story, database, Path(name))


if __name__ == "__main__":
    main()
