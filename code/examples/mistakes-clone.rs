//! Two clones of one value: one shares it, the other does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Clones share the stock.
#[derive(Clone)]
struct Shelf(Arc<AtomicU32>);

/// A clone is a stock of its own.
#[derive(Clone)]
struct Tray(Vec<&'static str>);

fn main() {
    let shelf = Shelf(Arc::new(AtomicU32::new(4)));
    let tablet = shelf.clone();
    tablet.0.fetch_sub(1, Relaxed);
    println!("the shelf's clone took one: {} left", shelf.0.load(Relaxed));

    let tray = Tray(vec!["muffin"; 4]);
    let mut tablet = tray.clone();
    tablet.0.pop();
    println!("the tray's clone took one:  {} left", tray.0.len());
}
