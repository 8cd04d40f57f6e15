//! An order whose customer hangs up: its handler is dropped where it waits.
//!
//! Where that is, is no matter of luck here. The runtime has one thread for work that blocks,
//! and that thread is held until the order waits for it.

use std::path::Path;
use std::pin::Pin;
use std::sync::mpsc::{self, Sender};
use std::task::{Context, Waker};

use code::data;
use code::data::repository::{Repository, StorageError};
use code::transactions::sqlite::Sqlite;
use rusqlite::Connection;
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;

use super::{Tested, croissant, file, left};

/// Polls an order until it waits for work that blocks. That begins when the sender is dropped.
fn poll(order: &mut Pin<Box<impl Future + ?Sized>>) -> Sender<()> {
    let (hold, held) = mpsc::channel();
    spawn_blocking(move || held.recv());
    let mut nobody = Context::from_waker(Waker::noop());
    assert!(order.as_mut().poll(&mut nobody).is_pending());
    hold
}

/// Waits until all is done that blocks: the one thread does one thing after the other.
async fn blocking_is_done() -> Tested {
    Ok(spawn_blocking(|| ()).await?)
}

/// Ada orders the croissant, and hangs up while this call is under way.
async fn hang_up(books: impl Repository, call: usize) -> Tested {
    let mut order = books.place_order(croissant("Ada"));
    for _ in 1..call {
        drop(poll(&mut order));
        blocking_is_done().await?;
    }
    let hold = poll(&mut order);
    drop(order);
    drop(hold);
    blocking_is_done().await // what blocks is not dropped: it is done, and nobody hears of it
}

/// What the books say after that.
fn books_after<R: Repository>(
    call: usize,
    open: fn(&Path) -> Result<R, StorageError>,
) -> Tested<String> {
    let (_folder, file) = file()?;
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(1).build()?;
    runtime.block_on(hang_up(open(&file)?, call))?;
    let books = Connection::open(&file)?;
    let sql = "SELECT count(*) FROM orders";
    let sold: u32 = books.query_row(sql, [], |row| row.get(0))?;
    Ok(format!("{} left, {sold} sold", left(&books)?))
}

// ANCHOR: dropped
#[test]
fn who_hangs_up_between_the_calls_takes_a_croissant_along() -> Tested {
    let three_calls = data::sqlite::Sqlite::open;
    assert_eq!(books_after(1, three_calls)?, "1 left, 0 sold");
    assert_eq!(books_after(2, three_calls)?, "0 left, 0 sold"); // whose is it?
    assert_eq!(books_after(3, three_calls)?, "0 left, 1 sold");
    Ok(())
}

#[test]
fn who_hangs_up_in_a_transaction_has_ordered() -> Tested {
    assert_eq!(books_after(1, Sqlite::open)?, "0 left, 1 sold");
    Ok(())
}
// ANCHOR_END: dropped
