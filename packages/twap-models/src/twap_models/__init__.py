"""The wire contract of the twap server: enums, requests, answers and stream messages. Needs pydantic alone."""
