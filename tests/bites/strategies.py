"""The guards of curves: that they never fall, sum exactly, and are taken up again where they were."""

from bites.case import Bite

CURVES = "server/domain/orders/test_curves.py::"
WORK = "server/engine/work/test_strategies.py::"
TEXTS = "server/store/test_curve_texts.py::"

STRATEGY_BITES = (
    Bite(
        fault="F18",
        guard="a curve wants nothing, or what an exchange takes",
        file="domain/orders/schedule.py",
        line="        return lots if step == 1 else max(0, min(lots, whole - step) // step * step)\n",
        instead="        return lots\n",
        tests=(CURVES + "test_slices_never_fall_and_sum_to_the_quantity",),
    ),
    Bite(
        fault="F18",
        guard="weights are taken anew over what is left",
        file="domain/orders/curves.py",
        line="        return total * (self._until(moment) - before) // whole\n",
        instead="        return total * self._until(moment) // max(whole, self._until(end))\n",
        tests=(CURVES + "test_weights_are_taken_anew_over_what_is_left",),
    ),
    Bite(
        fault="F18",
        guard="few digits decide no lot that is in doubt",
        file="domain/orders/curves.py",
        line="        if from_whole > QUICK.multiply(Decimal(total), _OFF):\n",
        instead="        if from_whole:\n",
        tests=(CURVES + "test_where_few_digits_leave_a_doubt_many_decide",),
    ),
    Bite(
        fault="F21",
        guard="the last slice of a pov order takes its share and no more",
        file="engine/work/slice_decision.py",
        line="        takes_rest, remaining = False, min(remaining, behind)\n",
        instead="        pass\n",
        tests=(WORK + "test_pov_takes_its_share_of_what_others_trade",),
    ),
    Bite(
        fault="F21",
        guard="a pov order goes on after a restart with the volume that it saw",
        file="domain/orders/order.py",
        line="        return exact.add(before, result.traded)\n",
        instead="        return before\n",
        tests=(WORK + "test_pov_goes_on_after_a_restart_where_it_was",),
    ),
    Bite(
        fault="F18",
        guard="a curve of a newer server is refused, not read as a straight line",
        file="store/curve_texts.py",
        line="""    raise ValueError(f"a curve of a newer server: {body['kind']!r}")\n""",
        instead="    return LINEAR\n",
        tests=(TEXTS + "test_a_curve_of_a_newer_server_is_refused",),
    ),
)
