"""The execution report as files: CSV for spreadsheets and pandas, and one HTML page with charts."""
