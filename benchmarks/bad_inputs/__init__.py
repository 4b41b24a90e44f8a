"""Bad input of every kind: what dgeo answers to it, counted.

    python -m benchmarks.bad_inputs [--examples 200] [--seed 0] [--only NAME …] [--json results.json]

Valid files of every kind that dgeo reads are written once. Then

- `config_cases.py`, `run_cases.py`, `data_cases.py`, `text_cases.py` and `store_cases.py` hold inputs that are bad in a
  known way, with what must come of them: a refusal, or the same content as that of the sound file;
- `mutators.py` damages a valid file by chance: bits flipped, pieces cut, doubled, moved, zeroed, numbers and lines
  exchanged.

Each answer counts as one of

| | |
|---|---|
| answered | one sentence (`DgeoError`) |
| right | accepted: the content is that of the sound file, or fulfils all that a valid input must (`oracle.py`) |
| wrong | accepted, and the content is neither; or a refusal of what is right |
| crashed | any other exception, 20 processor seconds without an answer, or memory beyond the limit |
"""
