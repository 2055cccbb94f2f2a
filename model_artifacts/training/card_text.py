"""The parts of a model card that a person writes."""

from __future__ import annotations

from functions.credit.inputs.columns import Model

_METHOD = """\
A bag of LightGBM boosters of depth 2, every direction that experience demands held monotone, the pairs of features that
may meet chosen by data, merged into one ensemble and compiled to one ONNX file of look-up tables with double
thresholds. Its outputs are the log-odds and the exact Shapley value of every feature (path-dependent TreeSHAP), so a
score and its reasons come from one run."""

ABOUT: dict[Model, str] = {
    "application": f"""\
## What it is for

Probability that a new customer's consumer loan goes bad, at sign-up, from stated and checked facts and from the limit
under consideration. It feeds `functions.credit.deciding.decision`; a person may always be asked instead.

- **Sample**: 3,454 consumer-loan applications (credit_data of the MIT-licensed R package *modeldata*), one lender.
- **Bad**: the file's own status `bad`; 28.1 % of rows. Its horizon and arrears definition are not published.
- **Exclusions**: none. Missing income, housing and job stay missing.
- **Sample window**: not published; the amounts fit thousands of pesetas, so probably before 2002.
- **Served as trained**: bureau record and price are hidden at random in a copy of each row, so a bureau that knows
  nobody, or an application without an order, is scored as just that.

## What it is not

The default rate is another lender's, another country's, another decade's. Decisions use it only through the portfolio's
offset (`policy.json`), to be estimated again on matured outcomes. It is not validated for business borrowers.

## Method

{_METHOD}""",
    "behavior": f"""\
## What it is for

Probability that an account defaults next month, from six cycles of bills, payments and delays. It moves limits
(`functions.credit.limits`) and watches the portfolio, once an account has three statements.

- **Sample**: 24,000 card accounts of one Taiwanese lender, April to September 2005 (UCI *Default of Credit Card
  Clients*, Yeh, DOI 10.24432/C55S3H, CC BY 4.0).
- **Bad**: default in the month after; 22.1 % of rows.
- **Exclusions**: none.
- **Served as trained**: the cycles before a random month are hidden in a copy of each row, so that young accounts are
  scored as such.
- **Columns**: PAY_AMTk pays BILL_AMT(k+1); months late 1 and 2 are one bin in the history columns, where 1 hardly
  occurs.

## What it is not

One snapshot of one lender in a credit crisis: it proves the method, not the default rate. Decisions use it through the
portfolio's offset. Published figures near .97 AUC on this data come from resampling before the split and are not
reproducible on unseen rows.

## Method

{_METHOD}""",
}

FAIRNESS = """\
No protected attribute is a feature; the columns are dropped before anything looks at them. The groups below are judged
all the same: approved means a probability of at most {pd} in the sample's world. A ratio under 0.80 calls for a review
of the policy before use. Read it beside the observed bad rate, which the ratios follow. What a model owes each group is
that the mean probability meets the bad rate, which the table shows too."""

TAIL = """\
## Why these directions

More arrears, more use of the line, more owed for the same income, a bureau record: none may ever lower the probability,
whatever the sample says in a corner. Longer employment, more income or assets, larger repayments: none may raise it.
Where reason has no opinion (level of prices, kind of spending) the data decides. A property test holds every direction
on the compiled model.

## Limits

- Small groups (age under 25 and over 55) have wide intervals; read the counts.
- Amounts outside the sample's range are scored as its edge.
- Applicants whom the lender refused are not in the sample: see the application model's card for what that does.

## Watching and rolling back

Weekly population stability per feature and score: watch at .10, alarm at .25. Bad rate by grade and vintage against the
manifest. Override rate of referred cases. To roll back, restore the earlier folder and deploy: every decision record
names the version that scored it, and a container refuses a model whose hash or golden scores differ.
"""
