"""The commands: each module states its summary, its arguments, and what it runs.

`pipeline` and everything behind it is imported when a command runs, never before.
"""
