//! What whoever answers for integrations does: has events sent somewhere, sees what became of them, and has them sent again.

use anyhow::{Context, Result, ensure};
use oms_domain::policy::Policy;

use crate::{
    sending::{
        order,
        receiver::{Mood, Receiver},
        skip_waits, until_taken,
    },
    support::{in_own_shop, people::Visitor, runtime::until, system::LEEDS},
};

#[test]
fn a_receiver_is_made_tried_paused_looked_into_and_told_again() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let (sku, receiver) = (shop.stocked(&[(LEEDS, 9)]).await?, Receiver::listen().await?);
        let mut admin = Visitor::with(shop, &["admin", "ops"]).await?;
        let key = admin.opens("/console/endpoints").await?.key("/console/endpoints")?;
        let wrong = [("key", "wrong"), ("name", "ERP"), ("url", "https://10.0.0.1/")];
        let refused = admin.send("/console/endpoints", &wrong).await?;
        ensure!(refused.html.contains("/url"), "{refused:?}");
        let fields = [("key", key.as_str()), ("name", "ERP"), ("url", &receiver.url), ("types", "order.placed\r\norder.completed")];
        let made = admin.send("/console/endpoints", &fields).await?;
        let between =
            |before: &str, after: char| made.html.split(before).nth(1).and_then(|rest| rest.split(after).next()).map(str::to_owned);
        let secret = between("<code dir=\"ltr\">", '<').context("a secret")?;
        let path = format!("/console/endpoints/{}", between("action=\"/console/endpoints/", '/').context("an endpoint")?);
        receiver.knows(&[&secret]);
        ensure!(!admin.opens(&path).await?.html.contains(&secret), "it is shown once");
        let tested = admin.send(&format!("{path}/test"), &[("key", "test-1")]).await?;
        ensure!(tested.html.contains("It took the example"), "{tested:?}");

        receiver.is(Mood::Refuses(503));
        let subject = order(shop, &sku).await?;
        let failed = until("a try to be shown that failed", async || {
            let page = admin.opens(&format!("{path}?outcome=failed")).await?;
            Ok(page.html.contains("not today").then_some(page))
        });
        ensure!(failed.await?.html.contains(&subject));
        let event_id = receiver.sent().last().context("an event")?.id.clone();
        let asked = admin.opens(&format!("{path}?event_id={event_id}&subject={subject}")).await?;
        ensure!(asked.html.contains(&format!("{event_id}: ")), "{asked:?}");
        receiver.is(Mood::Takes);
        skip_waits(shop).await?;
        until_taken(&receiver, &subject, "order.completed").await?;

        ensure!(admin.does(&format!("{path}/set/pause"), &[("key", "p")]).await?.html.contains("Nothing is sent there"));
        ensure!(admin.does(&format!("{path}/set/resume"), &[("key", "r")]).await?.html.contains("It goes on where it was."));
        let again = [("key", "again"), ("order_id", subject.trim_start_matches("order/"))];
        ensure!(admin.does(&format!("{path}/replay"), &again).await?.html.contains("It is being sent again."));
        let count = || receiver.taken_of(&subject).iter().filter(|event| event["type"] == "order.completed").count();
        until("it to be told again", async || Ok((count() > 1).then_some(()))).await?;
        let mut support = Visitor::with(shop, &["support"]).await?;
        ensure!(support.open(&path).await?.status == 403);
        Ok(())
    })
}
