"""What is deployed beside the app: tables, queries, a workbook and alert rules for its records.

The files that Bicep reads are written by `python -m infra.generate`. Never part of the package.
"""
