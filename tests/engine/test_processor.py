"""How wide XLA's vectors are, as the processes that import dgeo find it."""

import os
import subprocess
import sys

import pytest

ASKS = """
import os, jax, dgeo
flags = os.environ["XLA_FLAGS"]
assert float(jax.jit(lambda x: x + 1)(1.0)) == 2  # XLA ends the process at a flag that it does not know
print(flags)
"""


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, "--xla_cpu_prefer_vector_width=512"),
        ("--xla_dump_to=", "--xla_dump_to= --xla_cpu_prefer_vector_width=512"),
        ("--xla_cpu_prefer_vector_width=128", "--xla_cpu_prefer_vector_width=128"),
    ],
    ids=["nothing", "another flag", "a width"],
)
def test_vectors_are_wide_unless_the_user_says_otherwise(given, found):
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    environment |= {} if given is None else {"XLA_FLAGS": given}
    done = subprocess.run([sys.executable, "-c", ASKS], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == found
