"""What holds for every test."""

import asyncio

# Until somebody has set a loop, Python 3.11 makes one for whoever asks; pytest-asyncio asks, drops it
# unclosed, and the warning then fails whichever test is running when it is collected.
asyncio.set_event_loop(None)
