"""Words for what went wrong."""

LONGEST = 200  # characters of an exception's message that a sentence quotes


def in_short(problem: Exception) -> str:
    """An exception's kind and the first line of its message, to stand within a sentence."""
    lines = str(problem).strip().splitlines() or ["no message"]
    return f"{type(problem).__name__}: {lines[0][:LONGEST].rstrip('.:')}"
