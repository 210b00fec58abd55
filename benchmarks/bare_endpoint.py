"""The least that a page can do: a FastAPI endpoint that commits one row.

python -m benchmarks.bare_endpoint URL PORT
"""

import sqlite3
import sys
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import uvicorn
from fastapi import FastAPI, Response
from sqlalchemy import make_url

TABLE = "CREATE TABLE IF NOT EXISTS bare_decision (id TEXT PRIMARY KEY, decision TEXT)"


def create_app(database_url: str) -> FastAPI:
    """The application, with a table of its own in the database."""
    write = _writer(database_url)
    app = FastAPI()

    @app.post("/decisions", status_code=204)
    def decide() -> Response:
        write(str(uuid4()))
        return Response(status_code=204)

    return app


def _writer(database_url: str) -> Callable[[str], None]:
    url = make_url(database_url)
    own = threading.local()
    if url.get_backend_name() == "sqlite":
        statement = "INSERT INTO bare_decision VALUES (?, 'approved')"
    else:
        statement = "INSERT INTO bare_decision VALUES (%s, 'approved')"

    def connect() -> Any:  # noqa: ANN401
        if url.get_backend_name() == "sqlite":
            connection = sqlite3.connect(str(url.database), timeout=30)
            connection.execute("PRAGMA synchronous=NORMAL")
            return connection
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(address)

    first = connect()
    first.execute(TABLE)
    first.commit()
    first.close()

    def write(key: str) -> None:
        if not hasattr(own, "connection"):
            own.connection = connect()
        own.connection.execute(statement, (key,))
        own.connection.commit()

    return write


if __name__ == "__main__":
    uvicorn.run(create_app(sys.argv[1]), port=int(sys.argv[2]), log_level="warning")
