"""The guards of F76–F82: what an exchange says of itself, and what it refuses."""

from bites.case import Bite

TRADABILITY = "server/engine/market/test_eligibility.py::"
STATUS = "server/collector/test_trading_status.py::"

REFUSALS = (
    Bite(
        fault="F76",
        guard="a market that does not trade is not filled from",
        file="engine/market/eligibility.py",
        line="    if not takes_orders(status, limited=limited):\n        return SliceReason.NOT_TRADABLE\n",
        instead="",
        tests=(TRADABILITY + "test_slices_are_missed_as_not_tradable_until_the_market_trades_again",),
    ),
    Bite(
        fault="F76",
        guard="a market for limits only fills no order without one",
        file="engine/work/step.py",
        line="snapshot.quotes(order.terms.destinations, limited=order.plan.limit is not None, filling=True)",
        instead="snapshot.quotes(order.terms.destinations, filling=True)",
        tests=(TRADABILITY + "test_a_market_for_limits_only_fills_an_order_with_a_limit_and_no_other",),
    ),
    Bite(
        fault="F76",
        guard="what the exchange says of itself counts for each of its instruments",
        file="collector/instrument_list.py",
        line="status = stricter(self.market_status, one.status)",
        instead="status = one.status",
        tests=(STATUS + "test_a_state_of_the_exchange_counts_for_all_it_lists_until_it_says_otherwise",),
    ),
    Bite(
        fault="F76",
        guard="an instrument is delisted only when its exchange does not know it",
        file="collector/instrument_list.py",
        line="replace(one, status=NOT_LISTED)",
        instead="replace(one, status=DELISTED)",
        tests=(STATUS + "test_what_left_the_list_is_delisted_only_when_its_exchange_does_not_know_it",),
    ),
)
