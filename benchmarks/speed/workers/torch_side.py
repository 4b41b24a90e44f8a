"""What torch's workers share: it must be told about threads and denormals before any other thread starts."""

import os
from types import ModuleType

from protocol import needed, options


def prepared() -> tuple[ModuleType, dict[str, str]]:
    """Torch with this process's threads, flushing denormals unless the options say no, and notes about it."""
    torch = needed("torch")
    flush = options().get("flush", True)
    torch.set_flush_denormal(flush)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    return torch, {"denormals": "flushed" if flush else "kept", "threads": str(torch.get_num_threads())}
