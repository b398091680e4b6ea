"""Ranked passages to answers: sentences, confidence, notices.

Nothing here knows of HTTP or the command line; see `service` for what comes next.
"""
