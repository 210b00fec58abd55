"""What we tell the company's own systems and its staff's chat: events and alarms."""
