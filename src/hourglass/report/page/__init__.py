"""`report.html`: figures, pictures and tables on one page."""
