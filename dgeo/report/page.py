"""The page itself: sections in reading order, written in one piece."""

from collections.abc import Callable, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from dgeo.errors import DgeoError
from dgeo.numerics import write_atomically
from dgeo.report.headline import headline
from dgeo.report.hydrographs import hydrographs
from dgeo.report.learning import training_curves
from dgeo.report.markup import paragraph
from dgeo.report.parameters import bound_table, parameter_maps
from dgeo.report.relations import parameter_relations
from dgeo.report.scores import score_distribution, score_map, score_table, seed_table, target_tables
from dgeo.report.tables import hidden_table, ledger_table, origin, probe_table, recovery_table

Part = Callable[[Path], str]

_SECTIONS: dict[str, tuple[Part, ...]] = {
    "Scores": (score_table, target_tables, score_distribution, score_map, seed_table),
    "Hydrographs": (hydrographs,),
    "What it also learned": (hidden_table, recovery_table),
    "Learned parameters": (parameter_maps, bound_table),
    "Parameters against attributes": (parameter_relations,),
    "Mass ledger": (ledger_table,),
    "Examination": (probe_table,),
    "Training": (training_curves,),
    "Origin of this run": (origin,),
}


def write_report(run: str | Path) -> Path:
    """Write `report.html` into a finished run folder and return its path.

    The page is self-contained (no script, no link outwards) and reads files of the folder only; a part whose
    file is missing or damaged becomes a sentence that says so. An earlier report stays whole until the new is
    complete.

    Raises:
        DgeoError: `run` is no folder, or the page cannot be written.
    """
    run = Path(run)
    if not run.is_dir():
        raise DgeoError(f"There is no run folder {run}; give the folder that `dgeo train` or `dgeo demo` wrote.")
    page = render(run)
    target = run / "report.html"
    # A lone surrogate in a name of the files must not cost the report.
    write_atomically(target, lambda partial: partial.write_text(page, "utf-8", errors="xmlcharrefreplace"))
    return target


def render(run: Path) -> str:
    """The page of a run folder as text."""
    # Parts that need the same missing file give the same sentence, and once a section is enough.
    bodies = {title: "".join(dict.fromkeys(guarded(part, run) for part in parts)) for title, parts in _SECTIONS.items()}
    return compose(run.resolve().name, headline(run), bodies)


def compose(title: str, cards: str, bodies: Mapping[str, str]) -> str:
    """A page: its title, the cards at its top, and the bodies of its sections; one without a body is left out."""
    filled = {title: body for title, body in bodies.items() if body}
    resources = files("dgeo.report")
    return Template(resources.joinpath("page.html").read_text(encoding="utf-8")).substitute(
        title=escape(title),
        style=resources.joinpath("page.css").read_text(encoding="utf-8"),
        headline=cards,
        contents="".join(f'<a href="#{anchor(title)}">{title}</a>' for title in filled),
        sections="".join(
            f'<section id="{anchor(title)}"><h2>{title}</h2>{body}</section>' for title, body in filled.items()
        ),
    )


def guarded(part: Part, run: Path) -> str:
    """A part of the page, or the sentence that says why it is not there."""
    try:
        return part(run)
    except DgeoError as error:
        return paragraph(str(error), "missing")


def anchor(title: str) -> str:
    """A heading as the target of a link within the page."""
    return title.lower().replace(" ", "-")
