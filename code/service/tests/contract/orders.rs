//! The contract of the orders.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use service::customers::model::{CustomerId, Identity, Role, SessionId};
use service::menu::error::StockError;
use service::menu::model::{Cents, Expected, ItemId, NewItem};
use service::orders::error::OrderError;
use service::orders::idempotency::{Answer, IdempotencyKey};
use service::orders::model::{
    LineRequest, NewOrder, Order, OrderFilter, OrderId, OrderRequest, Page,
    PageLimit, Status,
};
use service::orders::repository::Repository;
use service::storage::StorageError;
use tokio::task::{JoinSet, yield_now};

use crate::broken_rules;
use crate::support::NOW;
use crate::support::Repositories;

contract! {
    an_order_takes_all_its_items_out_of_the_stock,
    an_order_that_cannot_be_placed_changes_nothing,
    an_order_comes_back_exactly_as_it_was_placed,
    a_key_gives_the_same_response_to_the_same_order,
    a_key_is_removed_after_24_hours,
    orders_with_one_key_at_the_same_time_are_placed_once,
    a_hundred_buyers_get_one_croissant,
    orders_for_the_same_items_do_not_block_each_other,
    canceling_puts_the_stock_back_once,
    a_step_needs_the_right_person_and_the_right_status,
    every_filter_leaves_out_what_does_not_match,
    pages_follow_each_other_from_the_newest_order_to_the_oldest,
}

async fn an_order_takes_all_its_items_out_of_the_stock(all: Repositories) {
    let before = versions(&all).await;
    place(
        &all,
        ADA,
        "1",
        &[("tea", 10), ("croissant", 1), ("muffin", 3)],
    )
    .await;
    assert_eq!(stocks(&all).await, [0, 40, 30, 1, 10]);
    // The stock is part of what a client reads, so the entity tag changes with it.
    let changed = versions(&all).await;
    let changed = before.iter().zip(&changed).map(|(old, new)| new - old);
    assert_eq!(changed.collect::<Vec<_>>(), [1, 0, 0, 1, 1]);
}

async fn an_order_that_cannot_be_placed_changes_nothing(all: Repositories) {
    // Ten lines of ten yachts each cost 100,000,000 cents.
    let fleet: Vec<_> = (0..10).map(|n| format!("yacht-{n}")).collect();
    for id in &fleet {
        let yacht = NewItem {
            id: ItemId::try_from(id.clone()).unwrap(),
            name: "Yacht".into(),
            price_cents: Cents::new(1_000_000),
            stock: 10,
        };
        all.menu.put_item(yacht, Expected::Nothing).await.unwrap();
    }
    let fleet: Vec<_> = fleet.iter().map(|id| (id.as_str(), 10)).collect();
    let before = all.menu.items().await.unwrap();

    let lines = [("tea", 1), ("latte", 1), ("muffin", 5), ("mocha", 1)];
    match try_place(&all, ADA, "1", order(&lines)).await {
        Err(OrderError::Stock(StockError::NotOnMenu(portions))) => {
            assert_eq!(portions, [1, 3]);
        }
        other => panic!("{other:?}"),
    }
    let lines = [("muffin", 5), ("tea", 1), ("croissant", 2)];
    match try_place(&all, ADA, "1", order(&lines)).await {
        Err(OrderError::Stock(StockError::NotEnoughLeft(shortages))) => {
            let shortages = shortages.iter();
            let shortages = shortages.map(|s| (s.portion, &*s.name, s.left));
            let expected = [(0, "Muffin", 4), (2, "Croissant", 1)];
            assert_eq!(shortages.collect::<Vec<_>>(), expected);
        }
        other => panic!("{other:?}"),
    }
    let placed = try_place(&all, ADA, "1", order(&fleet)).await;
    assert!(
        matches!(placed, Err(OrderError::TotalTooLarge)),
        "{placed:?}"
    );

    assert_eq!(all.menu.items().await.unwrap(), before);
    let found = all.orders.orders(OrderFilter::default()).await.unwrap();
    assert_eq!(found.items, []);
    // The key is still free. One yacht less is allowed.
    let mut fleet = fleet;
    fleet[0].1 = 9;
    let order = place(&all, ADA, "1", &fleet).await;
    assert_eq!(order.total_cents.get(), 99_000_000);
}

async fn an_order_comes_back_exactly_as_it_was_placed(all: Repositories) {
    let notes = [
        None,
        Some("null"),
        Some("Zoë 🥐'); DROP TABLE orders; -- \\ $1 \"%s\""),
    ];
    for (key, note) in ["1", "2", "3"].into_iter().zip(notes) {
        let new = with_note(&[("tea", 2), ("espresso", 1)], note);
        let answer = try_place(&all, ADA, key, new).await.unwrap();
        let id = id_of(&answer);
        let order = find(&all, id).await;
        let mut expected = json!({
            "id": id,
            "customer": ADA,
            "lines": [
                {
                    "item": "tea",
                    "name": "Tea",
                    "quantity": 2,
                    "unit_price_cents": 220,
                },
                {
                    "item": "espresso",
                    "name": "Espresso",
                    "quantity": 1,
                    "unit_price_cents": 250,
                },
            ],
            "total_cents": 690,
            "status": "placed",
            "placed_at": NOW,
        });
        if let Some(note) = note {
            expected["note"] = note.into();
        }
        assert_eq!(serde_json::to_value(&order).unwrap(), expected);
        assert_eq!(answer.status, 201);
        assert_eq!(answer.body, serde_json::to_string(&order).unwrap());
    }
    // A later change of the menu changes no order.
    let old = find(&all, id_of_first(&all).await).await;
    let tea = NewItem {
        id: ItemId::try_from("tea".to_owned()).unwrap(),
        name: "Mint tea".into(),
        price_cents: Cents::new(1),
        stock: 1,
    };
    let put = all.menu.put_item(tea, Expected::Anything);
    put.await.unwrap();
    assert_eq!(find(&all, old.id).await, old);
}

async fn a_key_gives_the_same_response_to_the_same_order(all: Repositories) {
    let first = try_place(&all, ADA, "key", order(&[("tea", 1)]))
        .await
        .unwrap();
    cancel(&all, ADA, id_of(&first)).await.unwrap();
    let again = try_place(&all, ADA, "key", order(&[("tea", 1)])).await;
    assert_eq!(again.unwrap(), first);
    assert_eq!(stocks(&all).await, [1, 40, 30, 4, 20]);

    for other in [
        order(&[("tea", 2)]),
        order(&[("muffin", 1)]),
        order(&[("tea", 1), ("muffin", 1)]),
        with_note(&[("tea", 1)], Some("hot")),
    ] {
        let reused = try_place(&all, ADA, "key", other).await;
        assert!(matches!(reused, Err(OrderError::KeyReused)), "{reused:?}");
    }
    // Another key, or the same key of another customer, is another order.
    for (customer, key) in [(ADA, "KEY"), (BO, "key")] {
        let other = try_place(&all, customer, key, order(&[("tea", 1)])).await;
        assert_ne!(other.unwrap().location, first.location);
    }
}

async fn a_key_is_removed_after_24_hours(all: Repositories) {
    let day = SignedDuration::from_hours(24);
    let millisecond = SignedDuration::from_millis(1);
    let first = try_place(&all, ADA, "old", order(&[("tea", 1)]))
        .await
        .unwrap();
    let later = NOW + millisecond;
    let new = order(&[("tea", 1)]);
    let second = all.orders.place(customer_id(ADA), key("new"), new, later);
    let second = second.await.unwrap();

    let just_before = NOW + day - millisecond;
    assert_eq!(all.orders.clean_up(just_before).await.unwrap(), 0);
    assert_eq!(all.orders.clean_up(NOW + day).await.unwrap(), 1);
    assert_eq!(all.orders.clean_up(NOW + day).await.unwrap(), 0);
    for (key, answer, same) in [("old", first, false), ("new", second, true)] {
        let again = try_place(&all, ADA, key, order(&[("tea", 1)])).await;
        assert_eq!(again.unwrap() == answer, same, "{key}");
    }
}

async fn orders_with_one_key_at_the_same_time_are_placed_once(all: Repositories) {
    let mut clients = JoinSet::new();
    for _ in 0..20 {
        let all = all.clone();
        clients.spawn(async move {
            try_place(&all, ADA, "key", order(&[("muffin", 1)])).await
        });
    }
    let answers = clients.join_all().await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(stocks(&all).await, [1, 40, 30, 3, 20]);
}

async fn a_hundred_buyers_get_one_croissant(all: Repositories) {
    let mut buyers = JoinSet::new();
    for n in 0..100 {
        let all = all.clone();
        buyers.spawn(async move {
            let key = n.to_string();
            try_place(&all, ADA, &key, order(&[("croissant", 1)])).await
        });
    }
    let results = buyers.join_all().await;
    assert_eq!(results.iter().flatten().count(), 1);
    let mut errors = results.iter().filter_map(|result| result.as_ref().err());
    assert!(errors.all(|error| {
        matches!(error, OrderError::Stock(StockError::NotEnoughLeft(_)))
    }));
    assert_eq!(stocks(&all).await[0], 0);
}

/// Each of these transactions locks the same two items. If half of them locked the other
/// one first, PostgreSQL would have to end some of them (a deadlock).
async fn orders_for_the_same_items_do_not_block_each_other(all: Repositories) {
    let mut clients = JoinSet::new();
    for n in 0..15 {
        let all = all.clone();
        clients.spawn(async move {
            let mut lines = [("tea", 1), ("espresso", 1)];
            if n % 2 == 1 {
                lines.reverse();
            }
            let placed = place(&all, ADA, &n.to_string(), &lines).await;
            cancel(&all, ADA, placed.id).await.unwrap();
        });
    }
    clients.join_all().await;
    assert_eq!(stocks(&all).await, [1, 40, 30, 4, 20]);
}

async fn canceling_puts_the_stock_back_once(all: Repositories) {
    let lines = [("muffin", 3), ("croissant", 1)];
    let placed = place(&all, ADA, "1", &lines).await;
    let kept = place(&all, ADA, "2", &[("muffin", 1)]).await;
    let mut clients = JoinSet::new();
    for _ in 0..20 {
        let (all, id) = (all.clone(), placed.id);
        clients.spawn(async move { cancel(&all, ADA, id).await });
    }
    let results = clients.join_all().await;
    let canceled: Vec<_> = results.iter().flatten().collect();
    let expected = Order {
        status: Status::Canceled,
        ..placed
    };
    assert_eq!(canceled, [&expected]);
    assert_eq!(find(&all, expected.id).await, expected);
    assert_eq!(find(&all, kept.id).await, kept);
    assert_eq!(stocks(&all).await, [1, 40, 30, 3, 20]);
}

async fn a_step_needs_the_right_person_and_the_right_status(all: Repositories) {
    let placed = place(&all, ADA, "1", &[("tea", 1)]).await;
    let set = |identity, id, status| all.orders.set_status(identity, id, status);

    // Another customer must not learn that there is such an order.
    for id in [placed.id, OrderId::new(u64::MAX), OrderId::new(0)] {
        for status in Status::ALL {
            let step = set(customer(BO), id, status).await;
            let unknown = matches!(
                step,
                Err(OrderError::UnknownOrder(unknown)) if unknown == id
            );
            assert!(unknown, "{step:?}");
        }
    }
    for (identity, status) in [
        (customer(ADA), Status::Placed),
        (customer(ADA), Status::Paid),
        (customer(ADA), Status::Made),
        (customer(ADA), Status::Collected),
        (barista(BO), Status::Placed),
        (barista(BO), Status::Paid),
        (barista(BO), Status::Canceled),
    ] {
        match set(identity, placed.id, status).await {
            Err(OrderError::WrongRole(to)) => assert_eq!(to, status),
            other => panic!("{identity:?} {status:?}: {other:?}"),
        }
    }
    // A barista who placed the order is its customer, too.
    for (identity, status, next) in [
        (barista(BO), Status::Made, vec![]),
        (barista(BO), Status::Collected, vec![]),
        (barista(ADA), Status::Made, vec![Status::Canceled]),
    ] {
        match set(identity, placed.id, status).await {
            Err(OrderError::NotNow {
                id,
                from,
                to,
                allowed,
            }) => {
                assert_eq!(id, placed.id);
                assert_eq!((from, to), (Status::Placed, status));
                assert_eq!(allowed, next);
            }
            other => panic!("{identity:?} {status:?}: {other:?}"),
        }
    }
    assert_eq!(find(&all, placed.id).await, placed);

    set(barista(ADA), placed.id, Status::Canceled)
        .await
        .unwrap();
    for identity in [customer(ADA), barista(ADA)] {
        let again = set(identity, placed.id, Status::Canceled).await;
        assert!(matches!(again, Err(OrderError::NotNow { .. })), "{again:?}");
    }
}

async fn every_filter_leaves_out_what_does_not_match(all: Repositories) {
    let mut ids = Vec::new();
    for (key, customer) in [("1", ADA), ("2", BO), ("3", ADA), ("4", ADA)] {
        ids.push(place(&all, customer, key, &[("tea", 1)]).await.id);
    }
    cancel(&all, ADA, ids[2]).await.unwrap();
    let customer = |id| Some(customer_id(id));
    let (placed, canceled) = (Some(Status::Placed), Some(Status::Canceled));
    for (customer, status, found) in [
        (None, None, vec![3, 2, 1, 0]),
        (customer(ADA), None, vec![3, 2, 0]),
        (customer(BO), None, vec![1]),
        (customer(u64::MAX), None, vec![]),
        (None, placed, vec![3, 1, 0]),
        (None, Some(Status::Paid), vec![]),
        (customer(ADA), canceled, vec![2]),
        (customer(BO), canceled, vec![]),
    ] {
        let filter = OrderFilter {
            customer,
            status,
            ..OrderFilter::default()
        };
        let page = all.orders.orders(filter.clone()).await.unwrap();
        let expected: Vec<_> = found.iter().map(|&place| ids[place]).collect();
        assert_eq!(ids_of(&page), expected, "{filter:?}");
        assert_eq!(page.next, None);
    }
}

async fn pages_follow_each_other_from_the_newest_order_to_the_oldest(
    all: Repositories,
) {
    let mut ids = Vec::new();
    for key in ["1", "2", "3", "4"] {
        ids.insert(0, place(&all, ADA, key, &[("tea", 1)]).await.id);
    }
    let page = async |after: Option<OrderId>, limit: u32| {
        let filter = OrderFilter {
            customer: Some(customer_id(ADA)),
            after,
            limit: PageLimit::try_from(limit).unwrap(),
            ..OrderFilter::default()
        };
        let page = all.orders.orders(filter).await.unwrap();
        (ids_of(&page), page.next)
    };
    for (after, limit, found, next) in [
        (None, 1, &ids[..1], Some(ids[0])),
        (None, 3, &ids[..3], Some(ids[2])),
        (None, 4, &ids[..], None),
        (None, 100, &ids[..], None),
        (Some(ids[0]), 2, &ids[1..3], Some(ids[2])),
        (Some(ids[0]), 3, &ids[1..], None),
        (Some(ids[3]), 3, &[], None),
        (Some(OrderId::new(0)), 3, &[], None),
        (Some(OrderId::new(u64::MAX)), 4, &ids[..], None),
    ] {
        let expected = (found.to_vec(), next);
        assert_eq!(page(after, limit).await, expected, "{after:?} {limit}");
    }
    // An order that is placed in the meantime is on none of the other pages.
    place(&all, ADA, "5", &[("tea", 1)]).await;
    assert_eq!(page(Some(ids[1]), 2).await, (ids[2..].to_vec(), None));
}

// What the rules have in common.

const ADA: u64 = 1;
const BO: u64 = 2;

fn customer_id(id: u64) -> CustomerId {
    CustomerId::new(id)
}

fn customer(id: u64) -> Identity {
    Identity {
        customer: customer_id(id),
        role: Role::Customer,
        session: SessionId::new(1),
    }
}

fn barista(id: u64) -> Identity {
    Identity {
        role: Role::Barista,
        ..customer(id)
    }
}

fn key(key: &str) -> IdempotencyKey {
    IdempotencyKey::try_from(key.as_bytes()).unwrap()
}

fn order(lines: &[(&str, u32)]) -> NewOrder {
    with_note(lines, None)
}

fn with_note(lines: &[(&str, u32)], note: Option<&str>) -> NewOrder {
    let lines = lines.iter().map(|&(item, quantity)| LineRequest {
        item: item.into(),
        quantity,
    });
    let request = OrderRequest {
        lines: lines.collect(),
        note: note.map(Into::into),
    };
    NewOrder::try_from(request).unwrap()
}

async fn try_place(
    all: &Repositories,
    customer: u64,
    name: &str,
    new: NewOrder,
) -> Result<Answer, OrderError> {
    let customer = customer_id(customer);
    all.orders.place(customer, key(name), new, NOW).await
}

async fn place(
    all: &Repositories,
    customer: u64,
    name: &str,
    lines: &[(&str, u32)],
) -> Order {
    let answer = try_place(all, customer, name, order(lines)).await.unwrap();
    find(all, id_of(&answer)).await
}

fn id_of(answer: &Answer) -> OrderId {
    let id = answer.location.strip_prefix("/orders/").unwrap();
    OrderId::new(id.parse().unwrap())
}

async fn id_of_first(all: &Repositories) -> OrderId {
    let page = all.orders.orders(OrderFilter::default()).await.unwrap();
    page.items.last().unwrap().id
}

fn ids_of(page: &Page) -> Vec<OrderId> {
    page.items.iter().map(|order| order.id).collect()
}

async fn find(all: &Repositories, id: OrderId) -> Order {
    all.orders.order(id).await.unwrap().unwrap()
}

async fn cancel(
    all: &Repositories,
    id: u64,
    order: OrderId,
) -> Result<Order, OrderError> {
    let identity = customer(id);
    all.orders
        .set_status(identity, order, Status::Canceled)
        .await
}

async fn stocks(all: &Repositories) -> Vec<u32> {
    let items = all.menu.items().await.unwrap();
    items.iter().map(|item| item.stock).collect()
}

async fn versions(all: &Repositories) -> Vec<u64> {
    let items = all.menu.items().await.unwrap();
    items.iter().map(|item| item.version).collect()
}

/// Orders with one mistake.
struct Wrong {
    right: Repositories,
    mistake: Mistake,
    requests: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
enum Mistake {
    /// It forgets the notes.
    Forgetful,
    /// It has a race condition: between reading the stock and writing it, another
    /// request gets a turn.
    Racy,
    /// It ignores idempotency keys, so an order that's sent twice is placed twice.
    Keyless,
    /// It lets everybody set each status as if the order were theirs.
    Trusting,
    /// It begins each page with the newest order.
    Pageless,
}

#[cfg(feature = "server")]
mod cancellation {
    use std::future::poll_fn;
    use std::pin::{Pin, pin};
    use std::task::Poll;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::support::postgres::TestDatabase;

    /// A client may disconnect at any time. Then its request's future is dropped, wherever it waits.
    #[tokio::test]
    async fn a_request_that_is_dropped_leaves_no_transaction_open() {
        let Some(database) = TestDatabase::create() else {
            return;
        };
        let all = database.repositories().await;
        database.need_no_accounts();
        // Each attempt gets one step further, and the last one to the end.
        for polls in 1.. {
            let key = polls.to_string();
            let place = try_place(&all, ADA, &key, order(&[("espresso", 1)]));
            let done = is_ready_after(pin!(place), polls).await;
            // The connection goes back into the pool in a task of its own.
            let closed = async {
                let open =
                    "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in %'
                            AND datname = current_database()";
                while database.count(open) > 0 {
                    yield_now().await;
                }
            };
            let closed = timeout(Duration::from_secs(10), closed).await;
            assert!(closed.is_ok(), "a transaction is open after {polls} polls");
            if done {
                break;
            }
        }
    }

    /// Polls a future this often, each time after it has asked for it, and returns whether it's
    /// ready then.
    async fn is_ready_after<F: Future>(
        mut future: Pin<&mut F>,
        polls: u32,
    ) -> bool {
        let mut left = polls;
        poll_fn(|context| {
            left -= 1;
            match future.as_mut().poll(context) {
                Poll::Ready(_) => Poll::Ready(true),
                Poll::Pending if left == 0 => Poll::Ready(false),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

#[tokio::test]
async fn the_contract_finds_each_mistake() {
    for (mistake, rule) in [
        (
            Mistake::Forgetful,
            "an_order_comes_back_exactly_as_it_was_placed",
        ),
        (Mistake::Racy, "a_hundred_buyers_get_one_croissant"),
        (
            Mistake::Keyless,
            "orders_with_one_key_at_the_same_time_are_placed_once",
        ),
        (
            Mistake::Trusting,
            "a_step_needs_the_right_person_and_the_right_status",
        ),
        (
            Mistake::Pageless,
            "pages_follow_each_other_from_the_newest_order_to_the_oldest",
        ),
    ] {
        let broken = broken_rules(RULES, || {
            let right = Repositories::in_memory();
            let orders = Wrong {
                right: right.clone(),
                mistake,
                requests: AtomicU64::new(0),
            };
            Repositories {
                orders: Arc::new(orders),
                ..right
            }
        });
        let broken = broken.await;
        assert!(broken.contains(&rule), "{mistake:?}: {broken:?}");
        assert!(broken.len() < RULES.len(), "{mistake:?}: {broken:?}");
    }
}

#[async_trait]
impl Repository for Wrong {
    async fn place(
        &self,
        customer: CustomerId,
        mut key: IdempotencyKey,
        mut new: NewOrder,
        now: Timestamp,
    ) -> Result<Answer, OrderError> {
        let lines = new.lines().to_vec();
        let lines = lines.iter().map(|l| (l.item.as_str(), l.quantity.get()));
        let lines: Vec<_> = lines.collect();
        match self.mistake {
            Mistake::Forgetful => new = order(&lines),
            Mistake::Racy => {
                let item = self.right.menu.item(lines[0].0).await?;
                yield_now().await;
                if let Some(item) = item {
                    let same = NewItem {
                        id: item.id,
                        name: item.name,
                        price_cents: item.price_cents,
                        stock: item.stock,
                    };
                    let put = self.right.menu.put_item(same, Expected::Anything);
                    put.await.unwrap();
                }
            }
            Mistake::Keyless => {
                let number = self.requests.fetch_add(1, Ordering::Relaxed);
                key = self::key(&number.to_string());
            }
            Mistake::Trusting | Mistake::Pageless => {}
        }
        self.right.orders.place(customer, key, new, now).await
    }

    async fn orders(&self, mut filter: OrderFilter) -> Result<Page, StorageError> {
        if matches!(self.mistake, Mistake::Pageless) {
            filter.after = None;
        }
        self.right.orders.orders(filter).await
    }

    async fn set_status(
        &self,
        mut identity: Identity,
        id: OrderId,
        status: Status,
    ) -> Result<Order, OrderError> {
        if let (Mistake::Trusting, Some(order)) =
            (self.mistake, self.order(id).await?)
        {
            identity.customer = order.customer;
            identity.role = Role::Barista;
        }
        self.right.orders.set_status(identity, id, status).await
    }

    // The rest is right.

    async fn order(&self, id: OrderId) -> Result<Option<Order>, StorageError> {
        self.right.orders.order(id).await
    }

    async fn clean_up(&self, now: Timestamp) -> Result<u64, StorageError> {
        self.right.orders.clean_up(now).await
    }
}
