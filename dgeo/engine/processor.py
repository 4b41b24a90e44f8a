"""How XLA compiles: for a CPU with vectors as wide as the processor has, and never the same program twice.

LLVM takes 256 bits even where there are 512, since the first such processors slowed down under them. HBV runs 1.5
times as fast with all 512, its gradient 1.4 times (row `hbv_gradient/hydrodl2` of `dgeo benchmark speed`, Zen 4).
"""

import os
import platform
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import jax

WIDTH = "--xla_cpu_prefer_vector_width"


def use_wide_vectors() -> None:
    """Ask XLA for vectors of 512 bits, unless `XLA_FLAGS` says how wide they shall be.

    Narrower processors are not touched by it. It counts from the first computation on; one made before keeps it off.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if WIDTH not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {WIDTH}=512".strip()


def keep_compilations() -> None:
    """Keep what has been compiled for later processes, unless JAX_COMPILATION_CACHE_DIR says where.

    Small programs, too: a training compiles a hundred of them before its first step. All lies in `dgeo/` of the user's
    cache folder, by processor, since code for one may not run on another; it can be deleted at any time.
    JAX_ENABLE_COMPILATION_CACHE=false keeps nothing.
    """
    settings: Any = jax.config  # not every jax says which there are
    if settings.jax_compilation_cache_dir is None:
        settings.update("jax_compilation_cache_dir", str(kept_folder("compiled")))
        settings.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def kept_folder(kind: str) -> Path:
    """Where things of a kind that were made for this processor are kept: in `dgeo/` of the user's cache folder."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "dgeo" / kind / _processor()


@cache
def _processor() -> str:
    """A name for what the processor can do."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    told = sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    return sha256(repr((platform.machine(), platform.processor(), told)).encode()).hexdigest()[:12]
