"""The guard of a schedule against a time whose zone was forgotten."""

from bites.case import Bite

MODELS = "packages/twap-models/src/twap_models/"
CLIENT = "packages/twap-client/src/twap_client/"

CLIENT_BITES = (
    Bite(
        fault="F104",
        guard="a datetime without a zone is refused",
        file=MODELS + "fields.py",
        line="    if value.utcoffset() is None:\n",
        instead="    if value.year < 1:\n",
        tests=("models/test_exact_numbers.py::test_a_datetime_without_a_zone_is_refused_wherever_it_enters",),
    ),
    Bite(
        fault="F104",
        guard="the client sends no time without a zone",
        file=CLIENT + "order_fields.py",
        line="        if lacks_zone(value):\n",
        instead='        if value == "":\n',
        tests=("client/test_times.py::test_the_library_takes_no_time_without_a_zone",),
    ),
    Bite(
        fault="F104",
        guard="the command line takes a time without a zone as local",
        file=CLIENT + "cli/local_time.py",
        line="    if text is None or not lacks_zone(text):\n",
        instead="    if True:\n",
        tests=("client/test_times.py::test_the_command_line_reads_local_time_and_says_so",),
    ),
    Bite(
        fault="F104",
        guard="a window that shrank says by how much",
        file="domain/orders/rules.py",
        line="    if late < _WORTH_TELLING:\n",
        instead="    if late > 0:\n",
        tests=("server/domain/orders/test_rules.py::test_a_window_that_shrank_says_by_how_much",),
    ),
)
