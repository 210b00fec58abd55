"""Where everything stands: the website, the data, Temporal, and the ports of the embedded stack."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, field_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from domain.requests.personal_data import OWN_SOURCE
from embedded.sample_company import IN_ONE_DATABASE
from settings.files import SAMPLE_DATA_MAP
from settings.values import Address, Port

DATABASES = ("sqlite:///", "postgresql+psycopg://", "postgresql://", "postgres://")


class DeploymentSettings(BaseModel):
    """Whether this is production, and where its parts are."""

    environment: Annotated[
        Literal["development", "production"],
        Field(description="`production` refuses every default that is only safe on a laptop"),
    ] = "development"
    base_url: Annotated[
        Address,
        Field(
            description="Where people reach the website; the links in mails begin with it. "
            "Empty means the embedded website, on `web_port`"
        ),
    ] = ""
    data_dir: Annotated[Path, Field(description="Where the embedded stack keeps its data")] = Path(
        ".promisekeeper"
    )
    database_url: Annotated[
        str, Field(description="SQLAlchemy URL; empty means SQLite in the data directory")
    ] = ""
    data_map: Annotated[
        str,
        Field(
            description="The file that says which source holds what about people "
            "(`docs/data-sources.md`), beside the engine's own database. Empty means the invented "
            "company's in development, and no other in production"
        ),
    ] = ""
    storage_dir: Annotated[
        str,
        Field(
            description="Where encrypted files are kept; website and worker share it. Empty means "
            "`storage` in the data directory"
        ),
    ] = ""
    api_rate_limit: Annotated[
        int,
        Field(
            ge=0,
            description="Calls of an API key in a minute, half of them at once at most, in each "
            "process of the website; 0 means no limit",
        ),
    ] = 3000
    web_port: Annotated[Port, Field(description="Embedded website")] = 8000
    web_processes: Annotated[
        int,
        Field(
            ge=1,
            le=64,
            description="Processes of the embedded website; one answers on one core. In production "
            "`uvicorn --workers` says it",
        ),
    ] = 1
    temporal_port: Annotated[Port, Field(description="Embedded Temporal server")] = 7233
    temporal_ui_port: Annotated[Port, Field(description="Embedded Temporal UI")] = 8233
    temporal_ui_url: Annotated[
        Address, Field(description="Where ops find the Temporal UI; empty means the embedded one")
    ] = ""

    @field_validator("database_url")
    @classmethod
    def _is_a_database(cls, url: str) -> str:
        if url and not _is_known_database(url):
            raise ValueError(
                "is no address of a database we know, which are "
                "sqlite:///FILE and postgresql://USER:PASSWORD@HOST:PORT/NAME"
            )
        return url

    @property
    def development(self) -> bool:
        """Whether the conveniences of a laptop (moving the clock, sample staff) are allowed."""
        return self.environment == "development"

    @property
    def website(self) -> str:
        """Address of the website, without a slash at the end."""
        return (self.base_url or f"http://127.0.0.1:{self.web_port}").rstrip("/")

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'promisekeeper.db'}"

    @property
    def data_map_file(self) -> Path | None:
        """The data map; None where production has none."""
        if self.data_map:
            return Path(self.data_map)
        return SAMPLE_DATA_MAP if self.development else None

    @property
    def source_urls(self) -> Mapping[str, str]:
        """The databases, by source, whose addresses the data map leaves to the process."""
        sample = IN_ONE_DATABASE if self.data_map_file == SAMPLE_DATA_MAP else ()
        return {OWN_SOURCE: self.database, **dict.fromkeys(sample, self.sample_company)}

    @property
    def sample_company(self) -> str:
        """The address of the invented company's database, which the embedded stack makes."""
        return f"sqlite:///{self.data_dir.resolve() / 'sample_company.db'}"

    @property
    def storage_folder(self) -> Path:
        """Where encrypted files are kept."""
        return Path(self.storage_dir) if self.storage_dir else self.data_dir / "storage"

    @property
    def temporal_address(self) -> str:
        """Where Temporal is unless its own TEMPORAL_ADDRESS says otherwise."""
        return f"127.0.0.1:{self.temporal_port}"

    @property
    def temporal_ui(self) -> str:
        """Address of the Temporal UI, without a slash at the end."""
        return (self.temporal_ui_url or f"http://127.0.0.1:{self.temporal_ui_port}").rstrip("/")


def _is_known_database(url: str) -> bool:
    try:
        make_url(url)
    except (ValueError, ArgumentError):
        return False
    return url.startswith(DATABASES)
