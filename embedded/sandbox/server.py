"""Run the sandbox on this machine, for this machine."""

from pathlib import Path

import uvicorn

from embedded.sandbox.app import create_app

KEY_FILE = "mail-sandbox-key.pem"
DATABASE_FILE = "mail-sandbox.db"


def serve(
    *,
    port: int,
    data_dir: Path,
    webhook_url: str | None,
    api_key: str,
    environment: str = "development",
) -> None:
    """Serve on 127.0.0.1 until stopped; mail and signing key stay in `data_dir`.

    Raises SandboxRefused in production.
    """
    app = create_app(
        data_dir / DATABASE_FILE,
        webhook_url=webhook_url,
        signing_key=data_dir / KEY_FILE,
        api_key=api_key,
        environment=environment,
    )
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")
