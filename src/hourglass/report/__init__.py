"""The report: a folder of runs turned into an answer. Reads what runs leave behind, and needs no torch."""
