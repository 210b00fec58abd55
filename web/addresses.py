"""What stands in the addresses of pages, within what a database can be asked for."""

from typing import Annotated

from fastapi import Path

Slug = Annotated[str, Path(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A policy's."""
Number = Annotated[int, Path(ge=1, le=999_999)]
"""A policy version's."""
Reference = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,20}$")]
"""A data-subject request's."""
