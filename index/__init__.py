"""Passages to snapshots, snapshots to ranked passages.

Nothing here knows what an answer is; see `answer` for what comes next.
"""
