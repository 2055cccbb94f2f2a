"""`python -m infra.demo [--data FILE] [--applicants N] [--out DIR]`: the whole story, unattended."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from infra import seed
from infra.demo import report, story
from infra.demo.applicants import Applicant, real, synthetic
from infra.issuer import Issuer
from infra.local import Running
from infra.platform_local import PlatformError

LEAST_APPLICANTS = 200


def main() -> None:
    """Tell the story on a throw-away platform; exit 1 at the first invariant that does not hold."""
    parser = argparse.ArgumentParser(description="Whitenote's whole story, unattended.")
    parser.add_argument("--data", type=Path, help="real loan applications (CSV); else synthetic ones")
    parser.add_argument("--applicants", type=int, default=LEAST_APPLICANTS)
    parser.add_argument("--out", type=Path, default=Path("build/demo"))
    given = parser.parse_args()
    applicants = real(given.data, given.applicants) if given.data else synthetic(given.applicants)
    print(f"demo: {len(applicants)} applicants, {applicants[0].label}; starting a throw-away platform", flush=True)
    state = Path(tempfile.mkdtemp(prefix="whitenote-demo-"))
    try:
        running = Running(0, state, seed=seed.seed)
        try:
            told = story.Story(running.ready, seed.Seeder(running.front.url, Issuer.load(state)))
            tell(told, applicants)
        finally:
            running.stop()
    except (story.BrokenInvariantError, seed.SeedError, PlatformError) as error:
        sys.exit(f"demo: {error}")
    finally:
        shutil.rmtree(state, ignore_errors=True)
    print(f"demo: report in {report.write(told, given.out)}")
    print(f"demo: {len(told.steps)} steps, all invariants hold")


def tell(told: story.Story, applicants: Sequence[Applicant]) -> None:
    """Every step, in order."""
    story.assess(told, applicants)
    plan = story.purchase(told)
    story.hold_and_release(told)
    story.fraud(told)
    story.no_oversell(told)
    story.months_pass(told, plan)
    story.repay_and_refund(told, plan)
    story.books(told)


if __name__ == "__main__":
    main()
