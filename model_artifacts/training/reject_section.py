"""The card's section on rejected applicants, from what `reject_study` measured."""

from __future__ import annotations

from typing import Any


def reject_section(found: dict[str, Any]) -> str:
    """The study as the card's section."""
    head = "| learned from | AUC | Brier | AUC among refused | mean probability of refused | of accepted |"
    rows = [
        f"| {one['name']} | {one['auc']:.4f} | {one['brier']:.4f} | {one['auc_refused']:.4f} | "
        f"{one['mean_pd_refused']:.3f} | {one['mean_pd_accepted']:.3f} |"
        for one in found["ways"]
    ]
    refused, of = found["refused"], found["rows"]
    said = (
        "The lender's own rejects are not in the sample, so what their absence does was measured on it: the outcomes\n"
        f"of the {found['share']:.0%} that a first model likes least were hidden from training, as a refusal hides\n"
        f"them. On unseen rows {refused} of {of} would have been refused; {found['refused_bad_rate']:.3f} of them\n"
        f"were bad, {found['accepted_bad_rate']:.3f} of the others. Learning from the accepted alone costs rank\n"
        "among the refused and hardly any level; taking them part by what the model believes of them adds little: it\n"
        "has no outcome to tell it more. Who wants to know must let some of them through."
    )
    return "\n".join([said, "", head, "| --- " * 6 + "|", *rows])
