"""Accept or reject what users submit, and preview it."""
