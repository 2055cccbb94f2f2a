"""Models at run time: cards, histograms that count once, drift that calls people, vintages and overrides."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from functions.credit.deciding.record import read_record
from functions.credit.models.artifacts import release_of, shipped
from functions.credit.models.events import weekly
from functions.credit.models.store import read_bins
from functions.credit.models.watch import ENOUGH_ROWS, baseline_of, bin_name, report, week_of
from functions.credit.service import decision_record
from functions.customers import magic
from functions.platform.storage import keys
from tests.builders.api import Reply
from tests.builders.platform import Platform
from tests.builders.shop import a_shop, all_api
from tests.integration.credit.test_lines import a_line
from tests.integration.credit.test_reviews import months

RELEASE = release_of("application").version


def get(platform: Platform, path: str, role: str = "modeller") -> Reply:
    reply: Reply = all_api().get(f"/v1/models{path}", token=platform.staff_token(role))
    return reply


def act(platform: Platform, version: str, what: str, *, by: str, role: str = "modeller", **options: object) -> Reply:
    token = platform.staff_token(role, subject=by)
    reply: Reply = all_api().post(f"/v1/models/{version}/{what}", {"reason": "tested"}, token=token, **options)
    return reply


def test_the_releases_are_champions_until_people_decide_otherwise(platform: Platform) -> None:
    shown = get(platform, "")["data"]
    assert {row["model"]: row["id"] for row in shown if row["role"] == "champion"} == {
        model: release_of(model).version for model in ("application", "behavior", "fraud")
    }


def test_a_model_is_read_with_its_card_and_figures(platform: Platform) -> None:
    model = get(platform, f"/{RELEASE}")
    assert model["card"].startswith("# Model card: application")
    assert model["metrics"]["auc"] == model["auc"] > 0.8
    assert get(platform, "/application-000000000000").status == 404


def test_a_release_is_neither_challenged_nor_rolled_back_from_the_start(platform: Platform) -> None:
    assert act(platform, RELEASE, "challenge", by="ann")["code"] == "model_state"
    assert act(platform, RELEASE, "roll-back", by="ann")["code"] == "no_former_champion"


def test_a_decided_application_is_counted_once_in_its_week(platform: Platform) -> None:
    shop = a_shop(platform)
    week = week_of(platform.clock.now())
    counts = read_bins(RELEASE, week)
    assert sum(counts.values()) == len(baseline_of(RELEASE))
    drift = get(platform, f"/{RELEASE}/drift")
    assert (drift["week"], drift["rows"], drift["enough"]) == (week, 1, False)
    assert {one["name"] for one in drift["quantities"]} == set(baseline_of(RELEASE))
    assert read_record(decision_record(shop.application["id"], shop.customer_id))["model_version"] == RELEASE


def test_a_hard_stop_is_no_score_and_is_not_counted(platform: Platform) -> None:
    a_shop(platform, magic.DECLINED)
    assert read_bins(RELEASE, week_of(platform.clock.now())) == {}


def fill(platform: Platform, week: str, rows: int, *, shifted: bool) -> None:
    """A week of so many rows: as in training, or all in the last bin."""
    item: dict[str, dict[str, str]] = {"pk": {"S": keys.drift(RELEASE)}, "sk": {"S": week}}
    for number, bins in enumerate(baseline_of(RELEASE).values()):
        for place, share in enumerate(bins["shares"]):
            in_bin = rows * (place == len(bins["edges"])) if shifted else round(share * rows)
            item[bin_name(number, place)] = {"N": str(in_bin)}
    platform.client("dynamodb").put_item(TableName="whitenote", Item=item)


def test_a_shifted_week_calls_people_once(platform: Platform) -> None:
    last = week_of(platform.clock.now() - timedelta(days=7))
    fill(platform, last, ENOUGH_ROWS, shifted=True)
    assert weekly({})["application"] > 0
    weekly({})
    told = [event for event in platform.events() if event.type == "model.drifted"]
    assert [event.object_id for event in told] == [RELEASE]
    [kept] = get(platform, f"/{RELEASE}/drift")["reports"]
    assert kept["week"] == last and "points" in kept["alarms"]


def test_a_week_like_training_or_with_too_few_rows_calls_nobody(platform: Platform) -> None:
    fill(platform, "2026-W40", 5_000, shifted=False)
    fill(platform, "2026-W41", ENOUGH_ROWS - 1, shifted=True)
    assert (report(RELEASE, "2026-W40"), report(RELEASE, "2026-W41")) == (0, 0)
    assert [event for event in platform.events() if event.type == "model.drifted"] == []


def test_vintages_age_month_by_month_and_show_who_went_bad(platform: Platform) -> None:
    good, bad = a_line(platform), a_line(platform)
    months(good, 1, 2)
    months(bad, 1, 1, days_past_due=5)
    months(bad, 2, 2, days_past_due=65)
    [vintage] = get(platform, "/monitoring")["vintages"]
    assert (vintage["opened"], vintage["currency"]) == ("2026-11", "CNY")
    assert [(at["months"], at["lines"], at["bad"]) for at in vintage["curve"]] == [(1, 2, 0), (2, 2, 1)]


def test_a_person_against_the_score_is_an_override(platform: Platform) -> None:
    for outcome in ("approve", "decline"):
        shop = a_shop(platform, magic.BUREAU_TIMES_OUT)
        body = {"reason": "seen", **({"limit_minor": 240_000} if outcome == "approve" else {})}
        path = f"/v1/decisions/{shop.application['id']}/{outcome}"
        assert shop.api.post(path, body, token=platform.staff_token("reviewer")).status == 200
    [month] = get(platform, "/monitoring")["overrides"]
    assert (month["decisions"], month["down"], month["up"], month["override_rate"]) == (2, 1, 0, 0.5)


CHALLENGER = next(one.version for one in shipped().values() if one.simulated and one.model == "application")


def promoted(platform: Platform) -> None:
    assert act(platform, CHALLENGER, "challenge", by="ann")["role"] == "challenger"
    assert act(platform, CHALLENGER, "propose", by="ann")["proposal"]["by"] == "ann"
    done = act(platform, CHALLENGER, "promote", by="bob", role="risk_admin")
    assert (done.status, done["role"]) == (200, "champion")


def test_a_challenger_judges_every_decision_beside_the_champion_and_nobody_hears(platform: Platform) -> None:
    act(platform, CHALLENGER, "challenge", by="ann")
    shop = a_shop(platform)
    a_shop(platform, magic.DECLINED)
    report = get(platform, f"/{CHALLENGER}/compare")
    assert (report["champion"], report["cases"], report["enough"]) == (RELEASE, 1, False)
    assert [(row["champion"], row["cases"]) for row in report["matrix"]] == [("approved", 1)]
    assert shop.application["model_version"] == RELEASE


def test_the_bad_end_of_a_shadowed_case_is_in_the_comparison(platform: Platform) -> None:
    act(platform, CHALLENGER, "challenge", by="ann")
    shop = a_line(platform)
    months(shop, 1, 1, days_past_due=65)
    assert get(platform, f"/{CHALLENGER}/compare")["outcomes"]["bad"] == 1


def test_two_persons_promote_and_the_new_champion_decides(platform: Platform) -> None:
    before = a_shop(platform)
    act(platform, CHALLENGER, "challenge", by="ann")
    assert act(platform, CHALLENGER, "promote", by="ann", role="risk_admin")["code"] == "nothing_proposed"
    act(platform, CHALLENGER, "propose", by="ann")
    assert act(platform, CHALLENGER, "promote", by="ann", role="risk_admin")["code"] == "same_person"
    promoted_now = act(platform, CHALLENGER, "promote", by="bob", role="risk_admin")
    assert [step["by"] for step in promoted_now["history"]][-1] == "ann bob"
    told = [event.type for event in platform.events() if event.type.startswith("model.")]
    assert told == ["model.challenged", "model.proposed", "model.promoted"]
    after = a_shop(platform)
    assert after.application["model_version"] == CHALLENGER
    for shop in (before, after):
        path = f"/v1/decisions/{shop.application['id']}/replay"
        again = shop.api.post(path, {}, token=platform.staff_token("modeller"), key=None)
        assert (again.status, again["model_version"]) == (200, shop.application["model_version"])


def test_one_person_rolls_back_and_the_release_decides_again(platform: Platform) -> None:
    promoted(platform)
    assert act(platform, CHALLENGER, "roll-back", by="carl")["role"] == "candidate"
    assert a_shop(platform).application["model_version"] == RELEASE


def test_the_same_act_again_is_one_act(platform: Platform) -> None:
    first = act(platform, CHALLENGER, "challenge", by="ann", key="k")
    again = act(platform, CHALLENGER, "challenge", by="ann", key="k")
    assert again.replayed and again.body == first.body


def test_a_live_stage_never_promotes_what_learned_from_made_up_people(platform: Platform) -> None:
    promoted(platform)
    act(platform, CHALLENGER, "roll-back", by="carl")
    platform.box.settings = replace(platform.settings, stage="live")
    act(platform, CHALLENGER, "challenge", by="ann")
    act(platform, CHALLENGER, "propose", by="ann")
    assert act(platform, CHALLENGER, "promote", by="bob", role="risk_admin")["code"] == "simulated_model"
