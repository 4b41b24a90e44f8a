"""The outcome of a study: its tables as CSV and Markdown, its figures, and one self-contained HTML page."""

from html import escape

from dgeo.errors import DgeoError
from dgeo.experiments.estimate import planned
from dgeo.experiments.results import Finished, Results
from dgeo.experiments.show import Figure, Table
from dgeo.experiments.study import Study
from dgeo.experiments.tables import cells_table, cost_table, meanings
from dgeo.numerics import write_atomically
from dgeo.report import markup
from dgeo.report.page import compose
from dgeo.report.run_files import read_text
from dgeo.training.records import write_text


def write_results(study: Study, results: Results) -> None:
    """Write what the finished cells have to say; nothing but the budget where none is finished."""
    folder = results.folder.path
    tables = list(study.tables(results)) if results.cells else []
    figures = list(study.figures(results)) if results.cells else []
    tables += [cost_table(planned(results.all_cells, results.folder, results.folder.estimates())), cells_table(results)]
    tables.append(meanings(results))
    for table in tables:
        write_text(folder / f"{table.name}.csv", table.csv())
    write_text(folder / "tables.md", _markdown(study, results, tables))
    for figure in figures:
        figure.write(folder)
    page = _page(study, results, tables, figures)
    write_atomically(folder / "report.html", lambda path: path.write_text(page, "utf-8", errors="xmlcharrefreplace"))


def _markdown(study: Study, results: Results, tables: list[Table]) -> str:
    head = f"# {study.name}\n\n{study.question}\n\n{_state(results)}\n"
    return "\n".join([head, *(table.markdown() for table in tables)])


def _state(results: Results) -> str:
    setting = results.setting
    said = (
        f"Data: {setting.name}, {len(setting.basins)} basins, budget {setting.budget}; "
        f"{len(results.cells)} of {len(results.all_cells)} cells are finished"
    )
    return said + (f", {len(results.failures)} failed." if results.failures else ".")


def _page(study: Study, results: Results, tables: list[Table], figures: list[Figure]) -> str:
    setting = results.setting
    cards = {
        "cells": f"{len(results.cells)} of {len(results.all_cells)}",
        "basins": f"{len(setting.basins)}",
        "data": setting.name,
        "budget": setting.budget,
    }
    shown = "".join(f'<div class="card"><b>{escape(value)}</b>{title}</div>' for title, value in cards.items())
    last = {"costs", "cells", "models"}
    bodies = {
        "Question": markup.paragraph(study.question) + markup.paragraph(f"Claims: {study.claims}. {_state(results)}")
    }
    bodies |= {table.title: table.html() for table in tables if table.name not in last}
    bodies["Figures"] = "".join(figure.html() for figure in figures)
    bodies |= {table.title: table.html() for table in tables if table.name in last}
    bodies["Configs"] = "".join(_config(done) for done in results.cells)
    return compose(f"{study.name}: {setting.name}", shown, bodies)


def _config(done: Finished) -> str:
    try:
        return markup.folded(done.cell.name, read_text(done.path / "config.yaml"))
    except DgeoError as error:
        return markup.paragraph(str(error), "missing")
