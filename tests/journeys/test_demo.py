"""`make demo EXIT=1` tells the whole story, and ends well only when every step held."""

import os
import subprocess
from pathlib import Path

import pytest

from cli.demo_scene import COMMAND
from settings import ROOT
from tests.own_settings import own_settings

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]


def test_the_demo_holds_in_every_step(tmp_path: Path) -> None:
    settings = own_settings(tmp_path)
    own = ("data_dir", "web_port", "mail_sandbox_port", "temporal_port", "temporal_ui_port")
    done = subprocess.run(
        [str(COMMAND), "demo", "run", "--exit"],
        cwd=ROOT,
        env={
            "PATH": os.defpath,
            "PYTHONUTF8": "1",
            **{f"PROMISEKEEPER_{name.upper()}": str(getattr(settings, name)) for name in own},
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "steps held" in done.stdout
