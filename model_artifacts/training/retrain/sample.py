"""From labelled outcomes to a weighted training sample.

Rejected applicants have no outcome. Leaving them out teaches the model only the people it already liked, so each enters
twice, once as bad with the champion's portfolio probability times a prudence factor as weight and once as good with the
rest (fuzzy augmentation). Bad rows weigh e^-offset more, so that the model speaks in the same world as the model it may
replace: the policy's offset then holds for both.
Source: Siddiqi, "Credit Risk Scorecards" (2006), ch. 6 (reject inference); King & Zeng (2001), prior correction.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from functions.credit.inputs.columns import Model, read_columns
from functions.credit.models.outcomes import Labelled
from functions.credit.scoring import sigmoid
from model_artifacts.training.data import Sample

PRUDENCE = 1.0
"""How much worse than the champion thinks rejects are taken to be: what `reject_study` measured is 1.02."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What is learned from.

    Args:
        sample: Accepted rows first, then each rejected row as bad and as good; weighted.
        accepted: How many of the rows have an outcome of their own.
        rejected: How many people were turned down.
    """

    sample: Sample
    accepted: int
    rejected: int

    @property
    def people(self) -> int:
        """How many people there are, each rejected one counted once."""
        return self.accepted + self.rejected


def outcomes_of(model: Model, rows: Sequence[Labelled], offset: float, *, infer_rejects: bool = True) -> Outcomes:
    """The weighted sample of labelled outcomes.

    Args:
        model: Whose columns the rows have.
        rows: As exported.
        offset: The policy's, from the sample's world to the portfolio's.
        infer_rejects: Whether rejected applicants take part.
    """
    known = [one for one in rows if one.bad is not None]
    rejects = [one for one in rows if one.bad is None] if infer_rejects else []
    worse = [min(1.0, PRUDENCE * sigmoid(one.logit + offset)) for one in rejects]
    lift = math.exp(-offset)
    columns = [read_columns(model, one.row) for one in (*known, *rejects, *rejects)]
    bad = [float(bool(one.bad)) for one in known] + [1.0] * len(rejects) + [0.0] * len(rejects)
    weight = [lift if one.bad else 1.0 for one in known]
    weight += [lift * pd for pd in worse] + [1.0 - pd for pd in worse]
    text = json.dumps([[dict(one.row), one.bad, one.logit] for one in rows], sort_keys=True)
    sample = Sample(
        model=model,
        rows=tuple(columns),
        bad=np.array(bad),
        groups={},
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        weight=np.array(weight),
    )
    return Outcomes(sample, len(known), len(rejects))
