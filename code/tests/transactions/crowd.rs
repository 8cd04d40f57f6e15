//! A hundred people at once, and one croissant.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use code::data;
use code::data::repository::Repository;
use code::legacy::OPENING;
use code::transactions::sqlite::Sqlite;
use tokio::task::JoinSet;

use super::{Tested, file};
use crate::support::{buy, get};

/// How often: a race that is won most of the time is lost.
const DAYS: usize = 50;

// ANCHOR: crowd
/// A hundred people want a croissant at once. How many get one?
async fn sold(shops: &[Router]) -> usize {
    let mut buyers = JoinSet::new();
    for number in 0..100 {
        let shop = shops[number % shops.len()].clone();
        buyers.spawn(async move { buy(&shop, "croissant", 1).await });
    }
    let answers = buyers.join_all().await;
    let with = |status| answers.iter().filter(|answer| answer.0 == status).count();
    let created = with(StatusCode::CREATED);
    let refused = with(StatusCode::CONFLICT);
    assert_eq!(created + refused, 100, "yes or no, and nothing else");
    created
}
// ANCHOR_END: crowd

/// Opens for so many days, each with one croissant, and counts what was sold.
async fn sold_on(days: usize, shops: &[Router], file: &Path) -> Tested<Vec<usize>> {
    let shelf = data::sqlite::Sqlite::open(file)?;
    let mut every_day = Vec::new();
    for _ in 0..days {
        shelf.set_stock("croissant", 1).await?;
        every_day.push(sold(shops).await);
        let (_, item) = get(&shops[0], "/menu/croissant").await;
        assert_eq!(item["stock"], 0);
    }
    Ok(every_day)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_buyers_get_one_croissant_from_memory() {
    for _ in 0..DAYS {
        assert_eq!(sold(&[code::transactions::app()]).await, 1);
    }
}

fn shop(books: impl Repository + 'static) -> Router {
    data::app_with(|| OPENING, Arc::new(books))
}

// ANCHOR: hundred
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_buyers_get_one_croissant_from_a_database() -> Tested {
    let (_folder, file) = file()?;
    let shop = shop(Sqlite::open(&file)?);
    assert_eq!(sold_on(DAYS, &[shop], &file).await?, [1; DAYS]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_open_twice_sells_one_croissant() -> Tested {
    let (_folder, file) = file()?;
    let counter = shop(Sqlite::open(&file)?);
    let tablets = shop(Sqlite::open(&file)?);
    assert_eq!(sold_on(DAYS, &[counter, tablets], &file).await?, [1; DAYS]);
    Ok(())
}
// ANCHOR_END: hundred

/// How many depends on the machine and on the moment: that is what is wrong with it.
/// `cargo test transactions -- --nocapture` prints what it was this time.
#[tokio::test(flavor = "multi_thread")]
async fn what_three_calls_sell_is_left_to_chance() -> Tested {
    let (_folder, file) = file()?;
    let shop = shop(data::sqlite::Sqlite::open(&file)?);
    let sold = sold_on(DAYS, &[shop], &file).await?;
    println!("One croissant a day, sold so many times: {sold:?}");
    assert!(sold.iter().all(|sold| (1..=100).contains(sold)));
    Ok(())
}
