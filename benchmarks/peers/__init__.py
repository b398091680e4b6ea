"""This library beside others that do the same, each through its own public calls and in its own environment."""
