"""Handlers of the template sales_pipeline.yaml. The sources are computed, so that equal input gives equal output."""

from __future__ import annotations

from typing import Any, Dict, List

from geartrain import Context, handler

ARTICLES = ("BAG-11", "CAP-02", "MUG-01", "TEE-07")
PRICES_CENTS = {"MUG-01": 1250, "TEE-07": 2490, "CAP-02": 1990, "BAG-11": 4900}
SEGMENTS = ("new", "regular", "loyal")
USUAL_DAYS = 7


def _days(context: Context) -> range:
    return range(context.get_input_or("days", USUAL_DAYS))


@handler("analytics.extract")
class Extract:
    """One source a method."""

    def sales(self, context: Context) -> Dict[str, Any]:
        rows = [
            {"day": day, "sku": sku, "units": (day * 3 + index * 5) % 7 + 1}
            for day in _days(context)
            for index, sku in enumerate(ARTICLES)
        ]
        return {"rows": rows}

    def inventory(self, context: Context) -> Dict[str, Any]:
        sold = len(_days(context)) * 4
        return {"rows": [{"sku": sku, "stock": 30 + index * 25 - sold} for index, sku in enumerate(ARTICLES)]}

    def customers(self, context: Context) -> Dict[str, Any]:
        rows = [
            {"id": number, "segment": SEGMENTS[number % 3], "spent_cents": (number * 37) % 200 * 100}
            for number in range(len(_days(context)) * 10)
        ]
        return {"rows": rows}


def _rows(context: Context, step: str) -> List[Dict[str, Any]]:
    return context.get_dependency_field(step, "rows") or []


@handler("analytics.transform")
class Transform:
    """What is worth knowing of one source."""

    def sales(self, context: Context) -> Dict[str, Any]:
        units = {sku: 0 for sku in ARTICLES}
        for row in _rows(context, "extract_sales"):
            units[row["sku"]] += row["units"]
        return {"units": units, "revenue_cents": {sku: units[sku] * PRICES_CENTS[sku] for sku in ARTICLES}}

    def inventory(self, context: Context) -> Dict[str, Any]:
        stock = {row["sku"]: max(0, row["stock"]) for row in _rows(context, "extract_inventory")}
        limit = context.get_config("short_below")
        return {"stock": stock, "short": sorted(sku for sku, count in stock.items() if count < limit)}

    def customers(self, context: Context) -> Dict[str, Any]:
        segments = {segment: {"customers": 0, "spent_cents": 0} for segment in SEGMENTS}
        for row in _rows(context, "extract_customers"):
            segments[row["segment"]]["customers"] += 1
            segments[row["segment"]]["spent_cents"] += row["spent_cents"]
        return {"segments": segments}


@handler("analytics.aggregate")
def aggregate(context: Context) -> Dict[str, Any]:
    revenue = context.get_dependency_field("transform_sales", "revenue_cents")
    units = context.get_dependency_field("transform_sales", "units")
    stock = context.get_dependency_field("transform_inventory", "stock")
    segments = context.get_dependency_field("transform_customers", "segments")
    customers = sum(segment["customers"] for segment in segments.values())
    total = sum(revenue.values())
    return {
        "revenue_cents": total,
        "revenue_cents_per_customer": total // customers if customers else 0,
        "units": sum(units.values()),
        "stock": sum(stock.values()),
        "customers": customers,
        "best_article": max(ARTICLES, key=lambda sku: revenue[sku]),
        "best_segment": max(SEGMENTS, key=lambda name: segments[name]["spent_cents"]),
    }


@handler("analytics.insights")
def insights(context: Context) -> Dict[str, Any]:
    metrics = context.get_dependency_result("aggregate_metrics")
    short = context.get_dependency_field("transform_inventory", "short")
    cents = metrics["revenue_cents"]
    found = [
        f"{metrics['best_article']} earns the most.",
        f"Customers of the segment '{metrics['best_segment']}' spend the most.",
        f"{metrics['units']} units were sold for {cents // 100}.{cents % 100:02d}.",
    ]
    if short:
        found.append(f"Order soon: {', '.join(short)}.")
    return {"insights": found, "reorder": short, "healthy": not short}
