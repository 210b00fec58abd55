"""The files that come with the product, and the folder that they stand in."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
MARKETING = ROOT / "marketing.toml"
SAMPLE_DATA_MAP = ROOT / "embedded" / "sample_company" / "data_map.toml"
