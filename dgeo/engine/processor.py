"""How XLA compiles for a CPU: with vectors as wide as the processor has.

LLVM takes 256 bits even where there are 512, since the first such processors slowed down under them. HBV runs 1.5
times as fast with all 512, its gradient 1.4 times (`benchmarks/hbv_gradient.py`, Zen 4).
"""

import os

WIDTH = "--xla_cpu_prefer_vector_width"


def use_wide_vectors() -> None:
    """Ask XLA for vectors of 512 bits, unless `XLA_FLAGS` says how wide they shall be.

    Narrower processors are not touched by it. It counts from the first computation on; one made before keeps it off.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if WIDTH not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {WIDTH}=512".strip()
