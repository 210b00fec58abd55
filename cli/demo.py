"""`promisekeeper demo`: what only a development stack can do."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Development only: the story, and moving time.")


@app.command()
def advance(
    days: Annotated[float, typer.Argument(help="How far, in days; 0.5 is twelve hours")],
) -> None:
    """Move the clock and every running workflow forward."""
    from cli.context import BAD_USAGE, NOT_REACHABLE, opened
    from cli.printing import say, stop
    from clock import ClockNotMoved
    from workflows.fast_forward import LeftBehind

    try:
        period = timedelta(days=days)
    except (OverflowError, ValueError):
        raise stop(f"{days} is no number of days. The clock was not moved.", BAD_USAGE) from None
    with opened() as office, _one_at_a_time(office.settings.data_dir), office.desk() as desk:
        try:
            moved = desk.advance(period)
        except ClockNotMoved as refusal:
            raise stop(refusal, BAD_USAGE) from None
        except LeftBehind as fault:
            raise stop(fault, NOT_REACHABLE) from None
        workflows = "workflow" if moved == 1 else "workflows"
        say(f"It is now {office.clock.now():%Y-%m-%d %H:%M} UTC; {moved} {workflows} moved along.")


@contextmanager
def _one_at_a_time(data_dir: Path) -> Iterator[None]:
    """Two that move time at once would move a workflow twice: the second waits for the first."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data_dir / "advance.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@app.command()
def run(
    *,
    leave: Annotated[
        bool, typer.Option("--exit", help="Stop everything at the end, instead of leaving it up")
    ] = False,
    policy: Annotated[
        Path, typer.Option(help="A folder with 1.md, 2.md and 3.md, instead of our sample policy")
    ] = Path("policy_versions/privacy-policy"),
) -> None:
    """Tell the main job on real input, start to finish, on a fresh stack of its own.

    Exits with 0 only if every step held.
    """
    import shutil
    import tempfile

    from cli.context import answering
    from cli.demo_scene import NotHeld, Scene
    from cli.demo_story import Texts, tell
    from cli.printing import console, say, stop
    from cli.up import LOOK_EVERY_SECONDS, catch_signals, show
    from database.engine import Database
    from embedded.processes import ProcessFailed
    from embedded.stack import StackRefused, stack
    from settings import load_settings

    catch_signals()
    began = time.monotonic()
    try:
        with answering():
            settings = load_settings()
        # The demo has data of its own: whoever tries it out again starts from nothing again.
        data_dir = settings.data_dir / "demo"
        settings = settings.model_copy(update={"data_dir": data_dir, "database_url": ""})
        settings.data_dir.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.rmtree(data_dir, ignore_errors=True)
        with stack(settings) as parts, tempfile.TemporaryDirectory() as directory:
            show(parts, seconds=time.monotonic() - began)
            scene = Scene(
                stack=parts, database=Database(parts.settings.database), console=console()
            )
            texts = Texts(first=policy / "1.md", second=policy / "2.md", third=policy / "3.md")
            tell(scene, texts, Path(directory))
            say(f"\nAll {scene.held} steps held, in {time.monotonic() - began:.0f} s.")
            if leave:
                return
            show(parts, seconds=time.monotonic() - began)
            say(f"Commands beside it: PROMISEKEEPER_DATA_DIR={data_dir} promisekeeper ...")
            while True:
                parts.require_running()
                time.sleep(LOOK_EVERY_SECONDS)
    except NotHeld as fault:
        raise stop(f"\nThis step did not hold: {fault}", 1) from None
    except KeyboardInterrupt:
        say("Everything is stopped.")
    except (ProcessFailed, StackRefused) as fault:
        raise stop(fault, 1) from None
