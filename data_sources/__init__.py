"""Where personal data lives: SQL databases, HTTP services and people's cabinets, asked alike."""
