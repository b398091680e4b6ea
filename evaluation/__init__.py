"""Question sets in, numbers out that an evaluator can defend.

Uses the index and the answers; nothing but the service's command line uses it.
"""
