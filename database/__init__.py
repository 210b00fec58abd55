"""The memory of the house: everything that must outlive a process.

Here is what every room uses: the engine, how several write at once, the facts. A room knows only
those below it: requests, campaigns, approvals, imports, mail, policies, webhooks, people.
"""
