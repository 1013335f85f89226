//! Notes that those who work on an order write on it: they may name people, and stay out of everything else.

use anyhow::{Result, ensure};
use oms_api::{note::NoteView, page::Page};
use oms_domain::ids::OrderId;
use serde_json::{Value, json};

use crate::support::{Basket, Shop, in_shop, replay::history, system::LEEDS};

/// How many events the run has, and the order's version.
async fn noted(shop: &Shop, id: &OrderId) -> Result<(usize, u64)> {
    let history: Value = serde_json::from_slice(&history(&shop.system, id).await?)?;
    Ok((history["events"].as_array().map_or(0, Vec::len), shop.order(id).await?.version))
}

#[test]
fn notes_stay_with_the_order_and_out_of_its_workflow_timeline_and_version() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 1)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 1, 900)).await?;
        let id = order.heading.order_id.parse()?;
        let path = format!("/v1/orders/{id}/notes");
        let before = noted(shop, &id).await?;
        for (note_id, text) in [("n-1", "Ada Lovelace called"), ("n-2", "She moved to Surrey")] {
            shop.post(&path, &json!({"note_id": note_id, "text": text, "author": "Kim"})).await?.view::<NoteView>(201)?;
        }
        assert_eq!(noted(shop, &id).await?, before, "the workflow hears of no note");
        shop.fulfill(&order).await?;
        shop.until_status(&id, "completed").await?;
        // Also after its end.
        shop.post(&path, &json!({"note_id": "n-3", "text": "Surrey says thanks", "author": "Kim"})).await?.view::<NoteView>(201)?;
        let notes: Page<NoteView> = shop.get(&path).await?.view(200)?;
        assert_eq!(notes.items.iter().map(|note| note.note_id.as_str()).collect::<Vec<_>>(), ["n-3", "n-2", "n-1"]);

        let events = shop.get(&format!("/v1/orders/{id}/events")).await?.body.to_string();
        let shown = shop.get(&format!("/v1/orders/{id}")).await?.body.to_string();
        for text in ["Lovelace", "Surrey"] {
            ensure!(!events.contains(text) && !shown.contains(text), "a note's text is where it must not be");
        }
        Ok(())
    })
}
