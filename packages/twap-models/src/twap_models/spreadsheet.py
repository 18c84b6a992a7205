"""Write texts as cells of a CSV file that a spreadsheet may open safely. Numbers stay as they are."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(text: str) -> str:
    """Give the text, kept from being run as a formula by an apostrophe, as spreadsheets write it."""
    return f"'{text}" if text.startswith(_FORMULA) else text
