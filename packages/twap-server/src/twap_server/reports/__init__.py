"""Draw execution reports: CSV for spreadsheets and pandas, and one HTML page with charts."""
