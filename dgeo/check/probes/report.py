"""What an examination found: one finding for every probe, tables of them, and files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.markup import escape
from rich.table import Table

from dgeo.check.gradient_report import rows_to_json, write_json
from dgeo.errors import DgeoError
from dgeo.numerics import write_atomically

Verdict = Literal["pass", "fail", "not applicable"]
MARKS: Mapping[Verdict, str] = {"pass": "[green]pass[/green]", "fail": "[red]fail[/red]", "not applicable": "–"}


@dataclass(frozen=True)
class Finding:
    """The answer to one probe.

    - `figure`: in words, with its unit, where it is worst, and what it may be; or why there is none;
    - `value`, `tolerance`, `units`: the same as numbers, None where nothing was measured or it is not finite;
    - `basin`: the worst, unless all are equally good; `failing` of `basins`: how many are beyond any tolerance.
    """

    probe: str
    verdict: Verdict
    figure: str
    value: float | None = None
    tolerance: float | None = None
    units: str = ""
    basin: str = ""
    failing: int = 0
    basins: int = 0
    meaning: str = ""


@dataclass(frozen=True)
class ProbeReport:
    """All findings about one model."""

    findings: tuple[Finding, ...] = ()

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __getitem__(self, probe: str) -> Finding:
        return next(finding for finding in self.findings if finding.probe == probe)

    @property
    def failures(self) -> tuple[Finding, ...]:
        """What did not pass."""
        return tuple(finding for finding in self.findings if finding.verdict == "fail")

    @property
    def summary(self) -> str:
        """How many passed of those that apply."""
        applied = [finding for finding in self.findings if finding.verdict != "not applicable"]
        return f"{len(applied) - len(self.failures)} of {len(applied)}"

    def require(self) -> None:
        """Raise `DgeoError` that names the first failure, unless every probe that applies passed."""
        if self.failures:
            first = self.failures[0]
            raise DgeoError(f"The model passes {self.summary} probes; {first.probe}: {first.figure}.")

    def table(self, title: str = "Examination") -> Table:
        """One line for every probe; for a terminal: `rich.print(report.table())`."""
        table = Table("probe", "verdict", "figure", title=f"{title}: passes {self.summary}")
        for finding in self.findings:
            table.add_row(finding.probe, MARKS[finding.verdict], escape(finding.figure))
        return table

    def to_json(self) -> dict[str, Any]:
        """All as `{"rows": [{"probe", "verdict", "figure", …}]}`; no number is null."""
        return rows_to_json(self.findings)


def write(reports: Mapping[str, ProbeReport], json: str | Path | None, markdown: str | Path | None) -> None:
    """All findings about some models in one file, each with its `run`; their tables in another."""
    if json is not None:
        rows = [{"run": name, **row} for name, report in reports.items() for row in report.to_json()["rows"]]
        write_json(json, {"rows": rows})
    if markdown is not None:
        text = as_markdown(reports)
        write_atomically(markdown, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def side_by_side(reports: Mapping[str, ProbeReport]) -> Table:
    """Models as columns, probes as rows: verdicts, and in how many basins those that fail do."""
    table = Table("probe", *map(escape, reports), title="Examination")
    for name in _names(reports):
        table.add_row(name, *(MARKS[report[name].verdict] + _count(report[name]) for report in reports.values()))
    table.add_section()
    table.add_row("passes", *(report.summary for report in reports.values()))
    return table


def as_markdown(reports: Mapping[str, ProbeReport]) -> str:
    """Verdicts side by side, with how many basins fail, and below them every figure in words."""
    names = _names(reports)
    lines = ["| probe | " + " | ".join(reports) + " |", "|---" * (len(reports) + 1) + "|"]
    for name in names:
        lines.append(f"| {name} | {' | '.join(_in_markdown(report[name]) for report in reports.values())} |")
    lines.append("| passes | " + " | ".join(report.summary for report in reports.values()) + " |")
    lines += ["", "| probe | model | figure |", "|---|---|---|"]
    for name in names:
        for model, report in reports.items():
            finding = report[name]
            if finding.verdict != "not applicable":
                lines.append(f"| {name} | {model} | {finding.verdict}: {finding.figure} |")
    return "\n".join(lines) + "\n"


def _names(reports: Mapping[str, ProbeReport]) -> list[str]:
    return [finding.probe for finding in next(iter(reports.values()))]


def _count(finding: Finding) -> str:
    return f" ({finding.failing})" if finding.verdict == "fail" else ""


def _in_markdown(finding: Finding) -> str:
    words = {"pass": "pass", "fail": "**fail**", "not applicable": "–"}
    return words[finding.verdict] + _count(finding)
