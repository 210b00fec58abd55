"""What the demo acts with: commands as staff type them, pages and mails as people see them."""

import html
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import urllib3
from rich.console import Console

from database.engine import Database
from embedded.stack import Stack, environment_of

T = TypeVar("T")
COMMAND = Path(sys.executable).with_name("promisekeeper")
PATIENCE_SECONDS = 90.0
LOOK_EVERY_SECONDS = 0.1
LONGEST_OUTPUT = 40
INDENT = "    "
_HIDDEN_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class NotHeld(Exception):
    """A step of the story did not hold; the story ends there."""


@dataclass(kw_only=True)
class Scene:
    """A running stack, and what has been shown of it so far."""

    stack: Stack
    database: Database
    console: Console
    held: int = 0
    connections: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def chapter(self, title: str) -> None:
        """Begin a chapter of the story."""
        self.console.print()
        self.console.rule(f"[bold]{title}", align="left")

    def say(self, words: str) -> None:
        """Tell what happens."""
        self.console.print(words, highlight=False)

    def hold(self, sentence: str, *, true: bool) -> None:
        """A step of the story: it holds, or the story ends. Raises NotHeld."""
        if not true:
            raise NotHeld(sentence)
        self.held += 1
        self.console.print(f"  [green]✓[/] {sentence}", highlight=False)

    def wait(self, sentence: str, look: Callable[[], T]) -> T:
        """A step that comes true by itself, in seconds. Raises NotHeld when it does not."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not (found := look()):
            self.stack.require_running()
            if time.monotonic() > give_up_at:
                raise NotHeld(sentence)
            time.sleep(LOOK_EVERY_SECONDS)
        self.hold(sentence, true=True)
        return found

    def type(self, *arguments: str, expected: int = 0, quiet: bool = False) -> str:
        """Type a command as staff would, show it with its output, and return the output."""
        if not quiet:
            shown = " ".join(f'"{a}"' if " " in a else a for a in arguments)
            self.console.print(
                f"  [bold cyan]$ promisekeeper {_escaped(shown)}[/]", highlight=False
            )
        done = subprocess.run(  # noqa: S603 - our own command line
            [str(COMMAND), *arguments],
            env={
                **environment_of(self.stack.settings),
                "PATH": os.defpath,
                "PYTHONUTF8": "1",
                "COLUMNS": str(self.console.width - len(INDENT)),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        if not quiet:
            lines = output.rstrip().splitlines()
            for line in lines[:LONGEST_OUTPUT]:
                self.console.print(f"{INDENT}[dim]{_escaped(line)}[/]", highlight=False)
            if len(lines) > LONGEST_OUTPUT:
                self.console.print(f"{INDENT}[dim]... {len(lines) - LONGEST_OUTPUT} more lines[/]")
        if done.returncode != expected:
            raise NotHeld(f"promisekeeper {arguments[0]} ended with {done.returncode}:\n{output}")
        return output

    def ask(self, *arguments: str) -> Any:  # noqa: ANN401 - whatever the command's JSON holds
        """Ask a command for JSON, without showing it."""
        return json.loads(self.type(*arguments, "--format", "json", quiet=True))

    def advance(self, days: float) -> None:
        """Move time forward, for the website and every workflow."""
        self.type("demo", "advance", f"{days:.9g}")

    def mails(self, **filters: str) -> list[dict[str, Any]]:
        """Mails in the sandbox, the newest first, without the test mails to legal."""
        answer = self.connections.request(
            "GET", f"{self.stack.inbox}/api/messages", fields={"limit": "10000", **filters}
        )
        mails = json.loads(answer.data)
        return [mail for mail in mails if not mail["subject"].startswith("[Test] ")]

    def open(self, url: str) -> str:
        """Open a page as a browser does; its HTML. Raises NotHeld when it does not show."""
        answer = self.connections.request("GET", url)
        if answer.status != 200:
            raise NotHeld(f"{_without_token(url)} answered {answer.status}")
        return str(answer.data.decode())

    def press(self, url: str, **fields: str) -> str:
        """Open a page, fill in its form, press the button; the HTML of the page that follows."""
        hidden = hidden_fields(self.open(url))
        answer = self.connections.request(
            "POST", url, fields={**hidden, **fields}, encode_multipart=False
        )
        if answer.status != 200:
            raise NotHeld(f"pressing the button on {_without_token(url)} gave {answer.status}")
        return str(answer.data.decode())


def link_in(mail: Mapping[str, Any], path: str) -> str:
    """The personal link in a mail. Raises NotHeld when there is none."""
    for link in mail["links"]:
        if path in str(link):
            return str(link)
    raise NotHeld(f"the mail “{mail['subject']}” has no link to {path}")


def hidden_fields(page: str) -> dict[str, str]:
    """What the form of a page sends without being asked, by name."""
    return {name: html.unescape(value) for name, value in _HIDDEN_FIELD.findall(page)}


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")


def _without_token(url: str) -> str:
    return re.sub(r"/[\w-]{40,}", "/...", url)
