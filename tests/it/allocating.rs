//! Rules and promises: a running worker takes up a changed rule file, and an order is planned for the date that checkout was promised.

use anyhow::{Context, Result, ensure};
use oms_activities::RuleFile;
use oms_allocation::{BUILT_IN_RULES, Decision};
use oms_api::{
    event::AllocationView,
    page::Page,
    promise::{PromiseView, PromisesView},
};
use oms_domain::{
    ids::{OrderId, Sku},
    policy::Policy,
};
use serde_json::json;

use crate::support::{
    Basket, Setup, Shop, in_shop, in_shop_of,
    runtime::until,
    system::{BATH, LEEDS, YORK},
};

/// The only decision on an order that was sourced once.
async fn decision(shop: &Shop, order_id: &OrderId) -> Result<Decision> {
    let rounds: Page<AllocationView> = shop.get(&format!("/v1/orders/{order_id}/allocation")).await?.view(200)?;
    let mut decisions: Vec<Decision> = serde_json::from_value(rounds.items.first().context("no decision")?.decision.clone())?;
    ensure!(rounds.items.len() == 1 && decisions.len() == 1, "decided more than once: {rounds:?}");
    decisions.pop().context("no decision")
}

async fn decided(shop: &Shop, basket: &Basket) -> Result<Decision> {
    let order = shop.place_released(basket).await?;
    decision(shop, &order.heading.order_id.parse()?).await
}

/// Why the facilities that ship nothing do not; other tests may have more than those of every system.
fn reasons(decision: &Decision) -> Vec<(&str, &str)> {
    let ours = decision.not_chosen.iter().filter(|unused| [BATH, LEEDS, YORK].contains(&unused.facility_id.as_str()));
    ours.map(|unused| (unused.facility_id.as_str(), unused.rule.as_str())).collect()
}

/// Rules under which York rests, and nothing ships from beyond 200 km.
const AUTUMN: &str = r#"
[[rules]]
rule = "exclusion"
name = "york rests"
facilities = ["YORK"]

[[rules]]
rule = "distance"
name = "not from afar"
max_km = 200
"#;

#[test]
fn a_rule_change_by_file_is_named_in_the_next_decision_with_what_it_excludes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rules.toml");
    std::fs::write(&path, BUILT_IN_RULES)?;
    let file = RuleFile::open(&path)?;
    let setup = Setup { rules: Some(file.in_force()), ..Setup::default() };
    in_shop_of(setup, Policy::default(), async |shop| {
        let watch = tokio::spawn(file.watch());
        let sku = shop.stocked(&[(BATH, 500), (LEEDS, 500), (YORK, 500)]).await?;
        let before = decided(shop, &Basket::of(&sku, 1, 255)).await?;
        assert_eq!((before.rules_version.as_str(), before.packages[0].facility_id.as_str()), ("built-in-1", LEEDS));
        // None was excluded: the others cost more.
        assert_eq!(reasons(&before), [(BATH, "not_cheaper"), (YORK, "not_cheaper")]);

        let autumn = BUILT_IN_RULES.replacen("built-in-1", "autumn", 1).replace("[rate_card]", &format!("{AUTUMN}\n[rate_card]"));
        std::fs::write(&path, autumn)?;
        let after = until("a decision under the new rules", async || {
            let decision = decided(shop, &Basket::of(&sku, 1, 255)).await?;
            Ok((decision.rules_version == "autumn").then_some(decision))
        })
        .await?;
        assert_eq!(after.packages[0].facility_id, LEEDS);
        assert_eq!(reasons(&after), [(BATH, "not from afar"), (YORK, "york rests")]);
        watch.abort();
        Ok(())
    })
}

async fn promises(shop: &Shop, sku: &Sku, quantity: u32) -> Result<Vec<PromiseView>> {
    let address = json!({"country": "GB", "latitude": 53.8, "longitude": -1.55});
    let body = json!({"lines": [{"line_id": "1", "sku": sku, "quantity": quantity}], "address": address, "channel": "web"});
    Ok(shop.post("/v1/promises", &body).await?.view::<PromisesView>(200)?.options)
}

#[test]
fn a_promise_reserves_nothing_and_the_order_that_names_it_is_planned_for_its_date() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(BATH, 10), (LEEDS, 3)]).await?;
        let options = promises(shop, &sku, 3).await?;
        let methods: Vec<&str> = options.iter().map(|option| option.method.as_str()).collect();
        assert_eq!(methods, ["standard", "express"]);
        assert!(options[0].cost_milli < options[1].cost_milli && options[0].promise_id != options[1].promise_id, "{options:?}");
        let standard = &options[0];
        assert_eq!((standard.consignments.len(), standard.consignments[0].facility_id.as_str()), (1, LEEDS));
        assert_eq!((shop.stock(&sku, LEEDS).await?, shop.stock(&sku, BATH).await?), ((3, 0), (10, 0)));

        let order = decided(shop, &Basket::of(&sku, 3, 255).with("/promise_id", standard.promise_id.as_str())).await?;
        let package = &order.packages[0];
        assert_eq!((package.facility_id.as_str(), package.outlook.days_late), (LEEDS, 0));
        // From Bath it takes two days, and one was promised.
        let days_late =
            |id: &str| order.problem.facilities.iter().find(|facility| facility.facility_id == id).map(|facility| facility.days_late);
        assert_eq!([BATH, LEEDS, YORK].map(days_late), [Some(1), Some(0), Some(0)]);

        // A promise that nobody made binds nobody.
        let order = decided(shop, &Basket::of(&sku, 1, 255).with("/promise_id", "pr-unknown")).await?;
        assert!(order.problem.facilities.iter().all(|facility| facility.days_late == 0));
        Ok(())
    })
}

#[test]
fn what_is_not_there_is_said_to_be_unfilled() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 2)]).await?;
        let options = promises(shop, &sku, 5).await?;
        assert_eq!((options[0].consignments[0].lines[0].quantity, options[0].unfilled[0].quantity), (2, 3));
        let nothing = promises(shop, &shop.stocked(&[]).await?, 1).await?;
        assert_eq!((nothing[0].delivery_date, nothing[0].consignments.len(), nothing[0].unfilled[0].quantity), (None, 0, 1));

        let line = |line_id: usize| json!({"line_id": line_id.to_string(), "sku": sku, "quantity": 1});
        let ask = async |lines: Vec<_>| shop.post("/v1/promises", &json!({"lines": lines, "address": {"country": "GB"}})).await;
        let many = ask((0..500).map(line).collect()).await?.view::<PromisesView>(200)?;
        assert_eq!(many.options[0].unfilled.len(), 498);
        ask((0..501).map(line).collect()).await?.problem(422, "validation_failed")?;
        let unknown = ask(vec![json!({"line_id": "1", "sku": "NO-SUCH", "quantity": 1})]).await?.problem(422, "unknown_sku")?;
        assert_eq!(unknown.errors[0].pointer, "/lines/0/sku");
        Ok(())
    })
}
