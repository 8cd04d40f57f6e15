//! The snapshot test that the chapter on snapshots shows.

mod support;

use serde_json::json;
use support::order;

// ANCHOR: insta
#[tokio::test]
async fn an_order_is_answered_as_recorded() {
    let body = json!({ "customer": "Ada", "item": "tea", "quantity": 2 });
    let (_, order) = order(&code::shop::app(), body).await;
    insta::assert_json_snapshot!(order, { ".placed_at" => "[time]" }, @r#"
    {
      "customer": "Ada",
      "id": 1,
      "item": "tea",
      "item_name": "Tea",
      "placed_at": "[time]",
      "quantity": 2,
      "status": "placed",
      "total_cents": 440,
      "unit_price_cents": 220
    }
    "#);
}
// ANCHOR_END: insta
