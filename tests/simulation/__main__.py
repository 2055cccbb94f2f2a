"""Run the simulation and write its report."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from tests.simulation.actors import HONEST_SHOPS, SCENARIOS, attacks, population
from tests.simulation.measures import Diary, summary


def run(customers: int, days: int, seed: int, times: int, names: list[str]) -> tuple[Diary, str]:
    """Play it; the rules' hash is taken before any attack is drawn.

    Returns:
        What happened, and the hash of the rules that it happened under.
    """
    from functions.risk.ruling.default_rules import default_ruleset
    from tests.builders.environment import stand_apart

    stand_apart()  # before the first app is made, which the builders do when they are imported
    from tests.builders.platform import platform
    from tests.simulation.ground import InProcess
    from tests.simulation.play import Play, Rules
    from tests.simulation.world import World

    with platform() as built:
        frozen = default_ruleset(synchronous=True).hash + default_ruleset(synchronous=False).hash
        world = World(InProcess(built))
        world.open_shops(HONEST_SHOPS + 1)
        actors = population(customers, days, seed) + attacks(names, times, days, seed, frozen)
        play = Play(world, Rules(days, seed=seed))
        return play.run(actors), frozen


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--customers", type=int, default=40)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--times", type=int, default=1, help="attacks of each scenario")
    parser.add_argument("--scenarios", nargs="*", default=list(SCENARIOS), choices=list(SCENARIOS))
    parser.add_argument("--out", type=Path, default=Path("build/simulation"))
    asked = parser.parse_args()
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "testing")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "testing")
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
    os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Whitenote")
    began = time.monotonic()
    diary, frozen = run(asked.customers, asked.days, asked.seed, asked.times, asked.scenarios)
    found = summary(diary)
    about = (
        f"{asked.customers} honest customers, {asked.times} × {len(asked.scenarios)} attacks, {asked.days} days, "
        f"seed {asked.seed}, rules {frozen[:12]}, {time.monotonic() - began:.0f} s"
    )
    from tests.simulation.report import write

    file = write(found, asked.out, about)
    print(about)
    print(json.dumps({k: v for k, v in found.items() if k != "rules"}, indent=1))
    print(f"report: {file}")


if __name__ == "__main__":
    main()
