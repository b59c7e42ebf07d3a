"""Checkers of the exercises: each names the misconception that an answer shows."""
