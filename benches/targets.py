"""What the fleet is meant to reach, beside what this run reached: figures and a yes or no, never an exit code."""

from collections.abc import Iterator, Mapping
from typing import Any

from benches.figures import AHEAD_2, DRIVEN, number, table

Row = tuple[str, str, bool]

GAP_MS, BEFORE_MS, AFTER_MS, CLAIM_MS = 10.0, 200.0, 150.0, 5.0
OF_BARE_P95, OF_BARE_EFFICIENCY = 1.2, 0.99
MEMORY_MB = 400.0
OF_FIFO_WAIT, OF_FIFO_SWAPS = 1 / 3, 1 / 2


def rows(found: Mapping[str, Any]) -> Iterator[Row]:
    """(target, reached, whether it is), for whatever was measured."""
    if "turns" in found:
        yield from _of_turns(found["turns"])
    if "claims" in found:
        yield from _of_claims(found["claims"])
    if "policies" in found:
        yield from _of_policies(found["policies"]["rules"])


def _of_turns(turns: Mapping[str, Any]) -> Iterator[Row]:
    for run in turns["runs"]:
        trip, instances = run["round trip ms"], run["instances"]
        where = f"{instances} instance{'s' if instances > 1 else ''}, {trip} ms round trip"
        if run["way"] == "the portal":
            bare = next(
                each
                for each in turns["runs"]
                if (each["way"], each["round trip ms"], each["instances"]) == (AHEAD_2, trip, instances)
            )
            yield from _beside_bare(run, bare, where)
        elif run["way"] == "the portal, idle before":
            before, after, attached = run["before ms"].p50, run["after ms"].p50, run["attached ms"].p50
            yield f"before ≤ {BEFORE_MS:.0f} ms p50 on an idle fleet ({trip} ms)", number(before), before <= BEFORE_MS
            yield (
                f"after ≤ {AFTER_MS:.0f} ms p50: verified, hashed, stored ({trip} ms)",
                number(after),
                after <= AFTER_MS,
            )
            yield f"after ≤ {AFTER_MS:.0f} ms p50: and attached ({trip} ms)", number(attached), attached <= AFTER_MS
    if turns["memory"]:
        used = turns["memory"]["together"]["pss MB"]
        yield f"{DRIVEN} instances driven in ≤ {MEMORY_MB:.0f} MB", number(used), used <= MEMORY_MB
        asked = sum(turns["asked while idle"].values())
        yield "no instance asked more often than once a second while idle", number(asked / DRIVEN), asked <= DRIVEN


def _beside_bare(run: Mapping[str, Any], bare: Mapping[str, Any], where: str) -> Iterator[Row]:
    gap, beside = run["gap ms"], bare["gap ms"]
    if gap and beside:
        yield f"idle gap ≤ {GAP_MS:.0f} ms p50 ({where})", number(gap.p50), gap.p50 <= GAP_MS
        reached = f"{number(gap.p95)} against {number(beside.p95)}"
        yield f"its p95 within 20 % of the bare client's ({where})", reached, gap.p95 <= OF_BARE_P95 * beside.p95
    share = run["efficiency"] / bare["efficiency"]
    yield f"efficiency ≥ 99 % of the bare client's ({where})", f"{100 * share:.1f} %", share >= OF_BARE_EFFICIENCY


def _of_claims(claims: Mapping[str, Any]) -> Iterator[Row]:
    taken = claims["claim ms"].p50
    yield f"claim ≤ {CLAIM_MS:.0f} ms p50 among {claims['queued']} queued", number(taken), taken <= CLAIM_MS
    many, *others = [counts for name, counts in claims.items() if name.startswith("queries")]
    constant = len(many) == 1 and all(each == many for each in others)
    yield "as many queries whatever is queued", f"{many} and {', '.join(map(str, others))}", constant


def _of_policies(rules: Mapping[str, Any]) -> Iterator[Row]:
    ours, fifo = rules["ours"], rules["first come, first served"]
    wait = ours["portrait wait s"].p95 / fifo["portrait wait s"].p95
    yield "portrait wait p95 at most a third of first come, first served", f"{wait:.2f}", wait <= OF_FIFO_WAIT
    swaps = ours["swaps a day"] / fifo["swaps a day"]
    yield "model swaps at most half of it", f"{swaps:.2f}", swaps <= OF_FIFO_SWAPS
    reached = f"{ours['on time %']:.1f} against {fifo['on time %']:.1f} %"
    yield "on-time share not below it", reached, ours["on time %"] >= fifo["on time %"]


def tables(found: Mapping[str, Any]) -> Iterator[str]:
    told = [[target, reached, "yes" if is_reached else "no"] for target, reached, is_reached in rows(found)]
    if told:
        yield table("To reach", ["target", "reached", "is it"], told)
