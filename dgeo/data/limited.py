"""Text of files, read up to a size: a device or a pipe in the place of a file has no end."""

from pathlib import Path

LARGEST = 256_000_000  # bytes


def limited_text(path: str | Path, most: int = LARGEST, errors: str = "strict") -> str:
    """The UTF-8 text of a file; raises `OSError` or `ValueError` where it cannot be read, is none, or is larger."""
    with Path(path).open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it is larger than {most / 1e6:g} MB")
    return content.decode("utf-8", errors)
