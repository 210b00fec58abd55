"""`python -m embedded.sandbox`: the mail sandbox by itself."""

import argparse
import sys
from pathlib import Path

from embedded.sandbox import SandboxRefused, serve
from settings import SettingsRefused, load_settings


def main() -> None:
    """Read the command line and serve."""
    try:
        settings = load_settings()
    except SettingsRefused as fault:
        print(fault, file=sys.stderr)  # noqa: T201 - whoever started it
        sys.exit(2)
    parser = argparse.ArgumentParser(prog="python -m embedded.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=settings.mail_sandbox_port)
    parser.add_argument("--data-dir", type=Path, default=settings.data_dir)
    parser.add_argument("--webhook-url", help="where delivery events go; none are sent without it")
    choice = parser.parse_args()
    try:
        serve(
            port=choice.port,
            data_dir=choice.data_dir,
            webhook_url=choice.webhook_url,
            api_key=settings.sendgrid_api_key.get_secret_value(),
            environment=settings.environment,
        )
    except SandboxRefused as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
