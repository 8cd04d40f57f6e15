//! The program of the chapter [You are the scheduler](../../src/scheduler.md): two
//! requests that run at the same time, as two futures that the reader polls by hand.
//!
//! Each race is written twice: as the usual code, which has a race condition, and with
//! the transaction or the statement that prevents it.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use axum::extract::{Path, State};
use axum::routing::{delete, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedMutexGuard;
use tokio::task::yield_now;
use tracing::instrument;

/// Two routes: one polls a task of a race once, the other starts the race again.
pub fn app() -> Router {
    Router::new()
        .route("/{race}/{version}/{task}", post(poll_task))
        .route("/{race}/{version}", delete(start_again))
        .with_state(Races::default())
}

/// What two requests do at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Race {
    /// Two customers order the last croissant.
    Croissant,
    /// An order with an idempotency key is sent twice.
    Post,
    /// Two tabs exchange the same refresh token.
    Refresh,
    /// An event is delivered twice.
    Webhook,
}

/// Which code the two tasks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Version {
    /// The code that is usually written first.
    Usual,
    /// The code without the race condition.
    Fixed,
}

/// One of the two tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// The task of the first request.
    First,
    /// The task of the second request.
    Second,
}

// ANCHOR: database
/// The numbers that the two tasks read and write, by name. They stand for the tables of
/// a database.
#[derive(Default)]
struct Database {
    numbers: Mutex<BTreeMap<&'static str, i64>>,
    /// The lock that a transaction holds until it ends.
    lock: Arc<tokio::sync::Mutex<()>>,
    /// What the tasks did since the last poll, in words. Each poll empties this list.
    steps: Mutex<Vec<String>>,
}
// ANCHOR_END: database

impl Database {
    // ANCHOR: run
    /// Runs one statement, and then lets the other task have a turn.
    async fn run<T>(
        &self,
        statement: impl FnOnce(&mut BTreeMap<&'static str, i64>) -> (T, String),
    ) -> T {
        let (value, step) = statement(&mut lock(&self.numbers));
        lock(&self.steps).push(step);
        yield_now().await;
        value
    }
    // ANCHOR_END: run

    async fn get(&self, name: &'static str) -> i64 {
        self.run(|numbers| {
            let value = numbers.get(name).copied().unwrap_or_default();
            (value, format!("reads {name}: {value}"))
        })
        .await
    }

    async fn set(&self, name: &'static str, value: i64) {
        self.run(|numbers| {
            numbers.insert(name, value);
            ((), format!("writes {name}: {value}"))
        })
        .await
    }

    /// One statement that reads and writes, such as `SET stock = stock + 1`.
    async fn add(&self, name: &'static str, change: i64) {
        self.run(|numbers| {
            let value = numbers.entry(name).or_default();
            *value += change;
            ((), format!("adds {change} to {name}: {value}"))
        })
        .await
    }

    // ANCHOR: begin
    /// Like `BEGIN IMMEDIATE`, but waits for every other transaction.
    async fn begin(&self) -> OwnedMutexGuard<()> {
        let guard = self.lock.clone().lock_owned().await;
        lock(&self.steps).push("begins a transaction".to_owned());
        yield_now().await;
        guard
    }
    // ANCHOR_END: begin

    /// `INSERT … ON CONFLICT DO NOTHING` as the first statement of a transaction: waits
    /// while another transaction has inserted the same key. Returns whether the key is
    /// new.
    async fn insert(&self, key: &'static str) -> (bool, OwnedMutexGuard<()>) {
        let guard = self.lock.clone().lock_owned().await;
        let is_new = self
            .run(|numbers| {
                let is_new = numbers.insert(key, 1).unwrap_or_default() == 0;
                let step = match is_new {
                    true => format!("inserts {key}: 1 row"),
                    false => format!("inserts {key}: 0 rows"),
                };
                (is_new, step)
            })
            .await;
        (is_new, guard)
    }

    /// `COMMIT`: other transactions go on.
    fn commit(&self, transaction: OwnedMutexGuard<()>) {
        lock(&self.steps).push("commits".to_owned());
        drop(transaction);
    }
}

/// Nothing panics while one of these locks is held, so no data is half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// ANCHOR: croissant-usual
/// Places an order with three separate statements.
async fn order(db: &Database) -> &'static str {
    let stock = db.get("stock").await;
    if stock == 0 {
        return "sold out";
    }
    db.set("stock", stock - 1).await;
    db.add("sold", 1).await;
    "ordered"
}
// ANCHOR_END: croissant-usual

// ANCHOR: croissant-fixed
/// Places an order in one transaction.
async fn order_in_transaction(db: &Database) -> &'static str {
    let transaction = db.begin().await;
    let result = order(db).await;
    db.commit(transaction);
    result
}
// ANCHOR_END: croissant-fixed

/// A change that must be made once, although its request may arrive twice.
#[derive(Clone, Copy)]
struct Once {
    /// Where it is stored that the change was made.
    key: &'static str,
    /// The number to which the change adds 1.
    changes: &'static str,
    /// The result of the request that makes the change.
    made: &'static str,
    /// The result of a request that finds the change made.
    known: &'static str,
}

const ORDER: Once = Once {
    key: "keys",
    changes: "orders",
    made: "a new order",
    known: "the stored response",
};

const EVENT: Once = Once {
    key: "events",
    changes: "stock",
    made: "put back",
    known: "a known event",
};

/// Looks for the key, makes the change, and stores the key.
async fn change(db: &Database, once: Once) -> &'static str {
    if db.get(once.key).await == 1 {
        return once.known;
    }
    db.add(once.changes, 1).await;
    db.set(once.key, 1).await;
    once.made
}

/// Stores the key first, in the transaction of the change.
async fn change_in_transaction(db: &Database, once: Once) -> &'static str {
    let (is_new, transaction) = db.insert(once.key).await;
    let result = if is_new {
        db.add(once.changes, 1).await;
        once.made
    } else {
        once.known
    };
    db.commit(transaction);
    result
}

/// Reads whether the token is used, and then marks it as used.
async fn exchange(db: &Database) -> &'static str {
    if db.get("used").await == 1 {
        db.set("ended sessions", 1).await;
        return "401, and the session ends";
    }
    db.set("used", 1).await;
    db.add("new tokens", 1).await;
    "a new token"
}

/// Checks the token and marks it as used in one statement, with a grace period. Both
/// tabs send the token within this period.
async fn exchange_in_one_statement(db: &Database) -> &'static str {
    let (_, transaction) = db.insert("used").await;
    db.add("new tokens", 1).await;
    db.commit(transaction);
    "a new token"
}

/// The future of a task. It ends with the task's result.
type TaskFuture = Pin<Box<dyn Future<Output = &'static str> + Send>>;

fn task(race: Race, version: Version, db: Arc<Database>) -> TaskFuture {
    Box::pin(async move {
        match (race, version) {
            (Race::Croissant, Version::Usual) => order(&db).await,
            (Race::Croissant, Version::Fixed) => order_in_transaction(&db).await,
            (Race::Post, Version::Usual) => change(&db, ORDER).await,
            (Race::Post, Version::Fixed) => change_in_transaction(&db, ORDER).await,
            (Race::Refresh, Version::Usual) => exchange(&db).await,
            (Race::Refresh, Version::Fixed) => exchange_in_one_statement(&db).await,
            (Race::Webhook, Version::Usual) => change(&db, EVENT).await,
            (Race::Webhook, Version::Fixed) => {
                change_in_transaction(&db, EVENT).await
            }
        }
    })
}

/// A race that is running: its data and its two tasks.
struct Running {
    race: Race,
    database: Arc<Database>,
    /// `None` when the task has ended.
    tasks: [Option<TaskFuture>; 2],
}

/// What one poll has done.
#[derive(Debug, Serialize)]
pub struct Polled {
    task: Task,
    /// What the task has done, in words.
    step: String,
    /// Whether the task has ended. Another poll changes nothing.
    ended: bool,
    /// The numbers of the database after this poll.
    numbers: BTreeMap<&'static str, i64>,
    /// The result of the race in words, once both tasks have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
}

/// Says what the numbers at the end of a race mean.
fn outcome(race: Race, numbers: &BTreeMap<&'static str, i64>) -> &'static str {
    let number = |name| numbers.get(name).copied().unwrap_or_default();
    match race {
        Race::Croissant if number("sold") > 1 => {
            "The last croissant was sold twice."
        }
        Race::Croissant => "The last croissant was sold once.",
        Race::Post if number("orders") > 1 => "One order was stored twice.",
        Race::Post => "The order was stored once.",
        Race::Refresh if number("ended sessions") > 0 => {
            "The customer is signed out."
        }
        Race::Refresh => "Both tabs stay signed in.",
        Race::Webhook if number("stock") > 1 => "One croissant was put back twice.",
        Race::Webhook => "The croissant was put back once.",
    }
}

impl Running {
    fn start(race: Race, version: Version) -> Self {
        let database = Arc::new(Database::default());
        let numbers: &[_] = match race {
            Race::Croissant => &[("stock", 1), ("sold", 0)],
            Race::Post => &[("keys", 0), ("orders", 0)],
            Race::Refresh => {
                &[("used", 0), ("new tokens", 0), ("ended sessions", 0)]
            }
            Race::Webhook => &[("events", 0), ("stock", 0)],
        };
        lock(&database.numbers).extend(numbers.iter().copied());
        let tasks = [(); 2].map(|()| Some(task(race, version, database.clone())));
        Self {
            race,
            database,
            tasks,
        }
    }

    // ANCHOR: poll
    /// Polls a task once. The task runs up to the next `.await` where it has to wait.
    fn poll(&mut self, task: Task) -> Polled {
        let slot = &mut self.tasks[task as usize];
        let mut context = Context::from_waker(Waker::noop());
        let polled = slot
            .as_mut()
            .map(|future| future.as_mut().poll(&mut context));
        let mut steps = std::mem::take(&mut *lock(&self.database.steps));
        match polled {
            Some(Poll::Ready(result)) => {
                steps.push(format!("ends: {result}"));
                *slot = None;
            }
            Some(Poll::Pending) if steps.is_empty() => {
                steps.push("waits for the other transaction".to_owned());
            }
            Some(Poll::Pending) => {}
            None => steps.push("has ended".to_owned()),
        }
        // ANCHOR_END: poll
        let ended = slot.is_none();
        let numbers = lock(&self.database.numbers).clone();
        let all_ended = self.tasks.iter().all(Option::is_none);
        Polled {
            task,
            step: steps.join(", "),
            ended,
            outcome: all_ended.then(|| outcome(self.race, &numbers)),
            numbers,
        }
    }
}

/// All races of one app.
type Races = Arc<Mutex<BTreeMap<(Race, Version), Running>>>;

#[instrument(skip_all)]
async fn poll_task(
    State(races): State<Races>,
    Path((race, version, task)): Path<(Race, Version, Task)>,
) -> Json<Polled> {
    let mut races = lock(&races);
    let running = races
        .entry((race, version))
        .or_insert_with(|| Running::start(race, version));
    Json(running.poll(task))
}

#[instrument(skip_all)]
async fn start_again(
    State(races): State<Races>,
    Path((race, version)): Path<(Race, Version)>,
) {
    lock(&races).remove(&(race, version));
}
