"""A finished run as one self-contained page."""

from dgeo.report.page import write_report as write_report
