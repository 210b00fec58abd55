"""`promisekeeper up`: the whole product on this machine, until Ctrl-C."""

import signal
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from rich.panel import Panel

    from embedded.stack import Stack
    from settings import Settings

LOOK_EVERY_SECONDS = 0.5
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def up_command(
    *,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The website's port, instead of 8000")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the data is kept, instead of .promisekeeper")
    ] = None,
) -> None:
    """Start Temporal, the mail sandbox, the worker and the website; Ctrl-C stops all of it."""
    from cli.context import answering
    from cli.printing import say, stop
    from embedded.processes import ProcessFailed
    from embedded.stack import StackRefused, stack

    catch_signals()
    try:
        with answering():
            settings = _chosen(port, data_dir)
            say("Starting Temporal, the mail sandbox, the website and the worker ...")
            began = time.monotonic()
            with stack(settings) as parts:
                show(parts, seconds=time.monotonic() - began)
                while True:
                    parts.require_running()
                    time.sleep(LOOK_EVERY_SECONDS)
    except KeyboardInterrupt:
        say("Everything is stopped; the data is kept.")
    except ProcessFailed as fault:
        raise stop(
            f"{fault}\nEverything else was stopped; the data is kept. Look at that log, then: "
            "promisekeeper up",
            1,
        ) from None
    except StackRefused as fault:
        raise stop(fault, 1) from None


def catch_signals() -> None:
    """Let every signal that ends us stop the stack first."""
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt)


def show(parts: "Stack", *, seconds: float) -> None:
    """Print where the running parts are found."""
    from cli.printing import console

    console().print(_panel(parts, seconds))


def _panel(parts: "Stack", seconds: float) -> "Panel":
    from rich.panel import Panel
    from rich.table import Table

    from embedded.stack import SAMPLE_STAFF

    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("Website", parts.website),
        ("Staff console", parts.staff_console),
        ("Inbox of all mails", parts.inbox),
        ("Temporal UI", parts.temporal_ui),
        ("Sample staff", ", ".join(f"{handle} ({roles[0]})" for handle, _, roles in SAMPLE_STAFF)),
        ("Data and logs", str(parts.settings.data_dir)),
    ):
        table.add_row(name, value)
    return Panel(
        table,
        title=f"Promisekeeper is up, after {seconds:.1f} s",
        subtitle="Ctrl-C stops it; the data stays",
        expand=False,
    )


def _chosen(port: int | None, data_dir: Path | None) -> "Settings":
    from settings import load_settings

    chosen = {"web_port": port, "data_dir": data_dir}
    return load_settings().model_copy(
        update={name: value for name, value in chosen.items() if value is not None}
    )


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """The first signal stops everything; more of them change nothing about that."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
