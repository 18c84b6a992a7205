"""Other tools in the same race: one module each. Missing ones are notes of the table."""

PEERS = (
    "benchmarks.peers.hummingbot:Hummingbot",
    "benchmarks.peers.nautilus:Nautilus",
    "benchmarks.peers.cryptofeed:Cryptofeed",
    "benchmarks.peers.ccxt:Ccxt",
)
