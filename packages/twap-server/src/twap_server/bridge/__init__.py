"""Run one of ccxt's exchanges as a process of its own: ``python -m twap_server.bridge NAME``.

The only place that imports ccxt. It speaks with the server by the protocol of ``exchanges/ccxt/wire.py``, and
knows nothing else of it.
"""
