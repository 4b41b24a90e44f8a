"""CAMELS-US text files that are bad in a known way, or sound in an unusual one."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.bad_inputs import oracle
from benchmarks.bad_inputs.config_cases import Case
from benchmarks.bad_inputs.targets import read_text
from dgeo import data


def cases(sound: Path, scratch: Path) -> Iterator[Case]:
    forcing = "camels/basin_mean_forcing/daymet/01/01013500_lump_cida_forcing_leap.txt"
    flow = "camels/usgs_streamflow/01/01013500_streamflow_qc.txt"
    topo = "camels/camels_topo.txt"
    expected = read_text(sound)

    def edit(name: str, change: Callable[[list[str]], list[str]] | bytes) -> Callable[[], Any]:
        def use() -> Any:
            content = (
                change
                if isinstance(change, bytes)
                else "\n".join(change((sound / name).read_text().split("\n"))).encode()
            )
            (scratch / name).write_bytes(content)
            try:
                return read_text(scratch)
            finally:
                shutil.copyfile(sound / name, scratch / name)

        return use

    def sub(number: int, old: str, new: str) -> Callable[[list[str]], list[str]]:
        def change(lines: list[str]) -> list[str]:
            lines[number] = lines[number].replace(old, new, 1)
            return lines

        return change

    def field(number: int, place: int, word: str) -> Callable[[list[str]], list[str]]:
        def change(lines: list[str]) -> list[str]:
            words = lines[number].split()
            words[place] = word
            lines[number] = " ".join(words)
            return lines

        return change

    def carried(lines: list[str]) -> list[str]:
        words = lines[9].split()
        lines[9], lines[10] = " ".join(words[:-1]), lines[10] + " " + words[-1]
        return lines

    for word in ("1_000", "２", "abc", "inf", "-1", "1,5", "1e999", "5000", ""):
        yield "CAMELS-US text", f"rain {word!r}", edit(forcing, field(9, 5, word)), None
    for word in ("1980.5", "inf", "nan", "-999", "99999999", "10", "1e9", "1_980"):
        yield "CAMELS-US text", f"year {word}", edit(forcing, field(9, 0, word)), None
        yield "CAMELS-US text", f"year {word} of the flow", edit(flow, field(9, 1, word)), None
    for place, word in ((1, "13"), (1, "0"), (1, "1.5"), (2, "32"), (2, "0"), (2, "-3")):
        yield "CAMELS-US text", f"{'month' if place == 1 else 'day'} {word}", edit(forcing, field(9, place, word)), None
    for word in ("0", "-1", "nan", "inf", "abc", "1_000"):
        yield (
            "CAMELS-US text",
            f"area {word}",
            edit(forcing, lambda lines, word=word: [*lines[:2], word, *lines[3:]]),
            None,
        )
    for word in ("nan", "95", "abc"):
        yield "CAMELS-US text", f"latitude {word}", edit(forcing, lambda lines, word=word: [word, *lines[1:]]), None
    yield "CAMELS-US text", "columns in another order", edit(forcing, sub(3, "Year Mnth", "Mnth Year")), None
    yield "CAMELS-US text", "column twice", edit(forcing, sub(3, "swe(mm)", "prcp(mm)")), None
    yield "CAMELS-US text", "no column", edit(forcing, sub(3, "prcp", "rain")), None
    yield "CAMELS-US text", "a value carried to the next line", edit(forcing, carried), None
    yield "CAMELS-US text", "day twice", edit(forcing, lambda lines: [*lines[:10], lines[9], *lines[10:]]), None
    yield "CAMELS-US text", "day missing", edit(forcing, lambda lines: [*lines[:10], *lines[11:]]), None
    yield "CAMELS-US text", "no day", edit(forcing, lambda lines: lines[:4]), None
    yield "CAMELS-US text", "another gauge from a day on", edit(flow, sub(20, "01013500", "02056900")), None
    yield (
        "CAMELS-US text",
        "another gauge",
        edit(flow, lambda lines: [line.replace("01013500", "1") for line in lines]),
        None,
    )

    def many(lines):
        return [line.rsplit(" ", 1)[0] + f" f{i}" if line else line for i, line in enumerate(lines)]

    yield "CAMELS-US text", "a flag of its own each day", edit(flow, many), None
    yield "CAMELS-US text", "flow of a flood that cannot be", edit(flow, field(9, 4, "1e12")), None
    for name, content in (
        ("latin-1", "é".encode("latin-1") * 100),
        ("empty", b""),
        ("nul", bytes(1000)),
        ("one long line", b"1 " * 10**6),
    ):
        yield "CAMELS-US text", f"forcing {name}", edit(forcing, content), None
        yield "CAMELS-US text", f"flow {name}", edit(flow, content), None
        if name != "empty":
            yield "CAMELS-US attributes", name, edit(topo, content), None
    yield "CAMELS-US attributes", "empty", edit(topo, b""), None
    yield "CAMELS-US attributes", "basin twice", edit(topo, lambda lines: [*lines[:2], lines[1], *lines[2:]]), None
    yield (
        "CAMELS-US attributes",
        "column twice",
        edit(topo, lambda lines: [line + ";" + line.split(";")[1] if line else line for line in lines]),
        None,
    )
    yield (
        "CAMELS-US attributes",
        "word among numbers",
        edit(topo, lambda lines: [lines[0], lines[1].replace(";", ";x", 1), *lines[2:]]),
        None,
    )
    yield (
        "CAMELS-US attributes",
        "field without end",
        edit(topo, ("gauge_id;a\n01013500;" + "x" * 200_000).encode()),
        None,
    )
    yield (
        "CAMELS-US attributes",
        "attribute of another table",
        edit(topo, lambda lines: [line.replace("elev_mean", "aridity") for line in lines]),
        None,
    )
    for name, place in (("folder", forcing), ("folder of the flow", flow), ("table", topo)):
        yield "CAMELS-US text", f"{name} in the place of a file", _instead(sound, scratch, place, Path.mkdir), None

        def loop(path):
            return path.symlink_to(path)

        yield "CAMELS-US text", f"{name}: a link to itself", _instead(sound, scratch, place, loop), None

        def zero(path):
            return path.symlink_to("/dev/zero")

        yield "CAMELS-US text", f"{name}: a device", _instead(sound, scratch, place, zero), None

    def same(found):
        return oracle.same(found, expected)

    yield "CAMELS-US text", "days not in order", edit(forcing, lambda lines: [*lines[:4], *lines[4:-1][::-1], ""]), same
    yield (
        "CAMELS-US text",
        "windows line ends",
        edit(forcing, (sound / forcing).read_bytes().replace(b"\n", b"\r\n")),
        same,
    )
    yield "CAMELS-US text", "more blanks", edit(forcing, (sound / forcing).read_bytes().replace(b"\t", b"   \t ")), same
    yield "CAMELS-US text", "minimum and maximum crossed on a day", edit(forcing, _crossed), same
    for basins in ([], ["nowhere"], ["01013500", "01013500"], ["../../x"]):
        yield (
            "CAMELS-US text",
            f"basins {basins}",
            (lambda basins=basins: data.read_text(sound / "camels", basins=basins)),
            None,
        )


def _crossed(lines: list[str]) -> list[str]:
    words = lines[9].split()
    words[8], words[9] = words[9], words[8]
    lines[9] = " ".join(words)
    return lines


def _instead(sound: Path, scratch: Path, name: str, make: Callable[[Path], Any]) -> Callable[[], Any]:
    def use() -> Any:
        path = scratch / name
        path.unlink()
        make(path)
        try:
            return read_text(scratch)
        finally:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            shutil.copyfile(sound / name, path)

    return use
