//! The state of the program `requests`: what handlers share, what a lock protects, and
//! what a test passes in.

mod support;

// In a module with the chapter's name, so that `cargo test state` finds the tests.
mod state {
    use axum::http::StatusCode;
    use code::requests::{OPENING, STAFF_TOKEN, app, app_with, count_from_one};
    use jiff::{SignedDuration, Timestamp};
    use serde_json::Value;
    use tokio::task::JoinSet;

    use crate::support::{buy, get};

    #[tokio::test]
    async fn an_order_reduces_the_stock() {
        // Clones of a router share their state, so these requests reach one shop.
        let shop = app();
        buy(&shop, "muffin", 3).await;
        let (_, muffin) = get(&shop, "/menu/muffin").await;
        assert_eq!(muffin["stock"], 1);
    }

    #[tokio::test]
    async fn an_order_for_more_than_is_left_changes_nothing() {
        let shop = app();
        let (status, _) = buy(&shop, "muffin", 5).await;
        assert_eq!(status, StatusCode::CONFLICT);
        let (_, muffin) = get(&shop, "/menu/muffin").await;
        assert_eq!(muffin["stock"], 4);
        let (status, _) = get(&shop, "/orders/1").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn ids_are_counted_from_one() {
        let shop = app();
        for (id, item) in [(1, "tea"), (2, "espresso"), (3, "muffin")] {
            let (_, order) = buy(&shop, item, 1).await;
            assert_eq!(order["id"], id);
        }
        let (_, second) = get(&shop, "/orders/2").await;
        assert_eq!(second["item"], "espresso");
    }

    #[tokio::test]
    async fn two_routers_share_nothing() {
        let (one, other) = (app(), app());
        buy(&one, "croissant", 1).await;
        let (_, croissant) = get(&other, "/menu/croissant").await;
        assert_eq!(croissant["stock"], 1);
    }

    // ANCHOR: at-once
    #[tokio::test(flavor = "multi_thread")]
    async fn of_50_requests_at_once_one_gets_the_last_croissant() {
        let shop = app();
        let mut requests = JoinSet::new();
        for _ in 0..50 {
            let shop = shop.clone();
            requests.spawn(async move { buy(&shop, "croissant", 1).await });
        }
        let responses = requests.join_all().await;

        let count = |wanted| responses.iter().filter(|(s, _)| *s == wanted).count();
        assert_eq!(count(StatusCode::CREATED), 1);
        assert_eq!(count(StatusCode::CONFLICT), 49);
    }
    // ANCHOR_END: at-once

    // ANCHOR: clock-and-ids
    #[tokio::test]
    async fn an_order_gets_its_time_and_its_id_from_the_arguments() {
        let later = OPENING + SignedDuration::from_mins(5);
        let shop = app_with(move || later, || 4711, STAFF_TOKEN);

        let (_, order) = buy(&shop, "tea", 1).await;

        assert_eq!(order["placed_at"], "2026-03-02T08:20:00Z");
        assert_eq!(order["id"], 4711);
    }
    // ANCHOR_END: clock-and-ids

    #[tokio::test]
    async fn a_real_clock_can_be_passed() {
        let before = Timestamp::now();
        let shop = app_with(Timestamp::now, count_from_one(), STAFF_TOKEN);
        let (_, order) = buy(&shop, "tea", 1).await;
        assert!((before..=Timestamp::now()).contains(&placed_at(&order)));
    }

    #[tokio::test]
    async fn a_panic_under_the_lock_leaves_the_stock_as_it_was() {
        let shop = app_with(|| OPENING, || panic!("no more ids"), STAFF_TOKEN);
        let request = tokio::spawn({
            let shop = shop.clone();
            async move { buy(&shop, "croissant", 1).await }
        });
        assert!(request.await.is_err_and(|error| error.is_panic()));
        let (status, croissant) = get(&shop, "/menu/croissant").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(croissant["stock"], 1);
    }

    fn placed_at(order: &Value) -> Timestamp {
        let text = order["placed_at"].as_str().expect("a time is text");
        text.parse().expect("in RFC 3339")
    }
}
