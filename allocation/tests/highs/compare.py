#!/usr/bin/env python3
"""Solves problems with HiGHS, as the integer program of docs/allocation.md, and compares cost and unfilled units with our plans.

usage: compare.py PROBLEMS.jsonl PLANS.jsonl    (one JSON object a line; `pip install highspy`)

The example programs of the crate write both files:
    cargo run --release -p oms-allocation --example problems -- network 24 15 300 1 > problems.jsonl
    cargo run --release -p oms-allocation --example plans < problems.jsonl > plans.jsonl
Building HiGHS' program is not counted, checking and indexing is with ours. Ends with 1 if any problem differs.
"""
import json
import statistics
import sys
import time

import highspy

LINE = {"unit_weight_g": 200, "unfilled_penalty_milli": None}
FACILITY = {"package_milli": 299000, "handling_milli": 90000, "weight_rate_milli_per_g": 20, "pick_milli": 5000,
            "days_late": 0, "capacity_left": None, "package_open": False}
RULES = {"split_penalty_milli": 150000, "late_penalty_milli_per_day": 100000, "max_packages": None,
         "packages_already": 0, "ship_complete": False, "ship_something": True}
MINOR = 1000  # the program is stated in minor units: HiGHS' tolerances are absolute


class Program:
    """The integer program. Lines are kept apart, so that nothing of our solver's grouping by SKU is taken over."""

    def __init__(self, problem):
        self.rules = RULES | problem.get("rules", {})
        self.lines = [LINE | line for line in problem["lines"]]
        self.facilities = [FACILITY | facility for facility in problem["facilities"]]
        self.stock = {(row["facility_id"], row["sku"]): row for row in problem["availability"]}
        self.highs = highspy.Highs()
        for option, value in [("output_flag", False), ("threads", 1), ("mip_rel_gap", 0.0), ("mip_abs_gap", 0.0)]:
            self.highs.setOptionValue(option, value)
        self.build()

    def build(self):
        h, rules = self.highs, self.rules
        self.opens = [h.addBinary() for _ in self.facilities]
        self.units = {}
        self.unfilled = [h.addIntegral(0, line["quantity"]) for line in self.lines]
        for f, facility in enumerate(self.facilities):
            taken = {}
            for i, line in enumerate(self.lines):
                row = self.stock.get((facility["facility_id"], line["sku"]))
                if row and row["available"] > 0 and facility["capacity_left"] != 0:
                    most = min(line["quantity"], row["available"])
                    x = self.units[i, f] = h.addIntegral(0, most)
                    h.addConstr(x <= most * self.opens[f])
                    taken.setdefault(line["sku"], []).append(x)
            for sku, xs in taken.items():
                available = self.stock[facility["facility_id"], sku]["available"]
                wanted = sum(line["quantity"] for line in self.lines if line["sku"] == sku)
                h.addConstr(sum(xs) <= min(available, wanted) * self.opens[f])
        for i, line in enumerate(self.lines):
            xs = [x for (j, _), x in self.units.items() if j == i]
            h.addConstr(sum(xs, start=self.unfilled[i] + 0) == line["quantity"])
        packages = sum(self.opens, start=highspy.highs.highs_linear_expression(0))
        already = rules["packages_already"]
        self.splits = h.addVariable(0, highspy.kHighsInf)
        h.addConstr(self.splits >= packages + (already - 1))
        if rules["max_packages"] is not None:
            h.addConstr(packages <= max(0, rules["max_packages"] - already))
        if rules["ship_complete"]:
            waits = h.addBinary()
            for i, line in enumerate(self.lines):
                h.addConstr(self.unfilled[i] == line["quantity"] * waits)

    def minimise(self, terms):
        """Minimises Σ coefficient · variable; the solution, or None if there is none."""
        h = self.highs
        costs = {variable.index: 0.0 for variable in h.getVariables()}
        for coefficient, variable in terms:
            costs[variable.index] += coefficient
        for index, cost in costs.items():
            h.changeColCost(index, cost)
        h.run()
        if h.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        values = h.getSolution().col_value
        return lambda variable: round(values[variable.index])

    def solve(self):
        """(unfilled units without a penalty, cost in milli) of the best plan."""
        free = [u for u, line in zip(self.unfilled, self.lines) if line["unfilled_penalty_milli"] is None]
        if self.rules["ship_something"] and self.units:
            self.highs.addConstr(sum(self.units.values()) >= 1)
            if self.minimise([]) is None:
                # Nothing may ship, so nothing must.
                last = self.highs.getNumRow() - 1
                self.highs.changeRowBounds(last, 0, highspy.kHighsInf)
        if free:
            value = self.minimise([(1.0, u) for u in free])
            self.highs.addConstr(sum(free) <= sum(value(u) for u in free))
        value = self.minimise([(cost / MINOR, variable) for cost, variable in self.costs()])
        return sum(value(u) for u in free), self.cost_milli(value)

    def costs(self):
        rules = self.rules
        for f, facility in enumerate(self.facilities):
            fixed = 0 if facility["package_open"] else facility["package_milli"]
            yield fixed + facility["handling_milli"] + rules["late_penalty_milli_per_day"] * facility["days_late"], self.opens[f]
        for (i, f), x in self.units.items():
            facility, line = self.facilities[f], self.lines[i]
            price = self.stock[facility["facility_id"], line["sku"]].get("stock_price_milli", 0)
            yield facility["weight_rate_milli_per_g"] * line["unit_weight_g"] + facility["pick_milli"] + price, x
        for u, line in zip(self.unfilled, self.lines):
            yield line["unfilled_penalty_milli"] or 0, u
        yield rules["split_penalty_milli"], self.splits

    def cost_milli(self, value):
        """The exact cost of the solution, in integers."""
        return sum(cost * value(variable) for cost, variable in self.costs())


def in_ms(times):
    """The median and the slowest."""
    return f"{statistics.median(times) * 1000:.3f} ms (at most {max(times) * 1000:.1f})"


def main(problems, plans):
    different, times, ours_times = 0, [], []
    for number, (problem, plan) in enumerate(zip(open(problems), open(plans), strict=True), start=1):
        problem, plan = json.loads(problem), json.loads(plan)
        program = Program(problem)
        start = time.perf_counter()
        free, cost_milli = program.solve()
        times.append(time.perf_counter() - start)
        ours_times.append(plan["solve_us"] / 1e6)
        shipped = {}
        for package in plan["packages"]:
            for line in package["lines"]:
                shipped[line["line_id"]] = shipped.get(line["line_id"], 0) + line["quantity"]
        ours = sum(line["quantity"] - shipped.get(line["line_id"], 0)
                   for line in problem["lines"] if line.get("unfilled_penalty_milli") is None)
        if (ours, plan["cost_milli"]) != (free, cost_milli) or not plan["optimal"]:
            different += 1
            print(f"problem {number}: ours {ours} unfilled, {plan['cost_milli']}; HiGHS {free} unfilled, {cost_milli}")
    ratio = statistics.median(theirs / ours for theirs, ours in zip(times, ours_times))
    print(f"{len(times)} problems, {different} different; median: HiGHS {in_ms(times)}, ours {in_ms(ours_times)}, {ratio:.0f} times as fast")
    return 1 if different else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
