"""One-file reports: a page that needs nothing else, its tables as files, and the document its figures come from."""

from seawall.report.notebook import run_html
from seawall.report.write import open_subject, report_document, report_page, report_view, write_report, write_tables

__all__ = ["open_subject", "report_document", "report_page", "report_view", "run_html", "write_report", "write_tables"]
