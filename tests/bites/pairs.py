"""The guards of F94 to F98: a ticker of two coins, counts that fall, unusable grids, unnamed fields."""

from bites.case import Bite

_LEGS = "server/engine/market/test_destination_check.py::"
_SPELLINGS = "server/collector/test_parts.py::"
_BOOKS = "server/books/test_books.py::"
_MIGRATIONS = "server/store/test_migrations.py::"

PAIRS_BITES = (
    Bite(
        fault="F94",
        guard="an exchange's own asset names become canonical",
        file="exchanges/kraken/names.py",
        line="    base, quote = (CANONICAL.get(asset, asset) for asset in wsname.split",
        instead="    base, quote = (asset for asset in wsname.split",
        tests=(_SPELLINGS + "test_the_canonical_name_wins_over_the_exchanges_own",),
    ),
    Bite(
        fault="F94",
        guard="stored orders keep their coin when names become canonical",
        file="store/migrations/versions/0004_asset_names.py",
        line='{**leg, "symbol": _canonical(leg["exchange"], leg["symbol"])}',
        instead="leg",
        tests=(_MIGRATIONS + "test_orders_keep_their_coin_when_names_become_canonical",),
    ),
    Bite(
        fault="F94",
        guard="a spelling that fits two instruments finds none",
        file="domain/market/symbology.py",
        line="    if len(found) == 1:\n",
        instead="    if found:\n",
        tests=(_SPELLINGS + "test_a_spelling_that_fits_two_instruments_is_refused_with_both_names",),
    ),
    Bite(
        fault="F94",
        guard="books whose prices disagree are not filled across",
        file="engine/market/snapshot.py",
        line="kept = [pair for pair in found if pair[0].instrument not in apart]",
        instead="kept = found",
        tests=(
            _LEGS + "test_no_fill_mixes_books_whose_mids_differ_by_more_than_the_setting",
            _LEGS + "test_two_that_disagree_are_not_filled_from_and_the_order_says_so",
        ),
    ),
    Bite(
        fault="F94",
        guard="the odd one is not trusted for being the only one left",
        file="engine/market/destination_check.py",
        line="        return seen.apart\n",
        instead="        return seen.apart if len(mids) > 1 else frozenset()\n",
        tests=(_LEGS + "test_the_odd_one_is_not_trusted_for_being_the_only_one_left",),
    ),
    Bite(
        fault="F94",
        guard="the book that comes first is compared before it is filled from",
        file="engine/market/snapshot.py",
        line="if filling and len(kept) == 1 and not",
        instead="if False and not",
        tests=(_LEGS + "test_the_book_that_comes_first_waits_to_be_compared",),
    ),
    Bite(
        fault="F94",
        guard="books whose prices disagree are not merged",
        file="books/consolidated.py",
        line="    merged = _same_asset(live, max_spread)\n",
        instead="    merged = live\n",
        tests=(_BOOKS + "test_what_may_be_another_asset_is_not_merged",),
    ),
    Bite(
        fault="F95",
        guard="a book that counts anew goes on where its topic was",
        file="books/counters.py",
        line=" if counted >= self.counted else 1 + counted",
        instead="",
        tests=(_BOOKS + "test_a_book_that_is_removed_or_replaced_never_counts_back",),
    ),
    Bite(
        fault="F96",
        guard="what has no usable grid takes no order",
        file="domain/orders/trading_rules.py",
        line="    usable = [one for one in instruments if not one.fault]\n",
        instead="    usable = list(instruments)\n",
        tests=(
            "server/domain/orders/test_trading_rules.py::test_a_grid_is_made_of_what_can_be_used_or_says_why_not",
            "server/api/test_strange.py::test_an_instrument_without_a_usable_grid_is_listed_and_takes_no_order",
        ),
    ),
    Bite(
        fault="F97",
        guard="one order that cannot be judged costs no other",
        file="engine/commands/handlers.py",
        line="            except Exception as error:\n                failures.append(error)\n",
        instead="            except ZeroDivisionError as error:\n                raise\n",
        tests=("server/api/test_strange.py::test_a_fault_of_ours_costs_one_item_of_a_list",),
    ),
    Bite(
        fault="F98",
        guard="a number beyond the bounds is told at its field",
        file="api/http/exact_json.py",
        line="return exact_json.loads(data, _BODY, mark=True)",
        instead="return exact_json.loads(data, _BODY)",
        tests=("server/api/test_wrong_fields.py::test_every_422_names_the_field_and_what_was_expected",),
    ),
)
