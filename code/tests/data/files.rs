//! What a database file adds: it is there when the program comes back.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;

use crate::support::buy;
use crate::support::contract::sale;
use code::data::open;
use code::data::repository::{Repository, StorageError};
use code::data::sqlite::{Sqlite, migrations};
use code::legacy::opening_menu;
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

type Tested = Result<(), Box<dyn Error>>;

/// A name for a database in a folder of its own, which goes with the test.
pub fn file() -> Result<(TempDir, PathBuf), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("shop.db");
    Ok((folder, file))
}

async fn stock(shop: &Sqlite, id: &str) -> Result<Option<u32>, StorageError> {
    Ok(shop.item(id).await?.map(|item| item.stock))
}

// ANCHOR: again
#[tokio::test]
async fn what_was_ordered_is_there_when_the_file_is_opened_again() -> Tested {
    let (_folder, file) = file()?;
    let shop = Sqlite::open(&file)?;
    shop.place_order(sale("croissant", 1)).await?;
    drop(shop);

    let shop = Sqlite::open(&file)?;
    let order = shop.order(1).await?.expect("it was placed");
    assert_eq!(order.item, "croissant");
    assert_eq!(stock(&shop, "croissant").await?, Some(0)); // not one again
    let next = shop.place_order(sale("tea", 1)).await?;
    assert_eq!(next.expect("there is tea").id, 2);
    Ok(())
}
// ANCHOR_END: again

#[tokio::test]
async fn the_app_can_be_made_with_a_file() -> Tested {
    let (_folder, file) = file()?;
    let (status, order) = buy(&open(&file)?, "croissant", 1).await;
    assert_eq!((status.as_u16(), &order["id"]), (201, &1.into()));
    // Another app with the same file is the same shop.
    let (status, _) = buy(&open(&file)?, "croissant", 1).await;
    assert_eq!(status, 409);
    Ok(())
}

#[tokio::test]
async fn what_was_taken_off_the_menu_stays_off() -> Tested {
    let (_folder, file) = file()?;
    drop(Sqlite::open(&file)?);
    Connection::open(&file)?
        .execute("DELETE FROM items WHERE id = 'muffin'", [])?;
    assert_eq!(stock(&Sqlite::open(&file)?, "muffin").await?, None);
    Ok(())
}

#[tokio::test]
async fn two_programs_can_have_a_file_open() -> Tested {
    let (_folder, file) = file()?;
    let (counter, tablet) = (Sqlite::open(&file)?, Sqlite::open(&file)?);
    counter.place_order(sale("croissant", 1)).await?;
    assert_eq!(stock(&tablet, "croissant").await?, Some(0));
    assert!(tablet.place_order(sale("croissant", 1)).await?.is_none());
    Ok(())
}

/// A step that has been published stays as it is. When the opening menu changes, this fails:
/// then a step is added that changes it for old files, too.
#[tokio::test]
async fn a_new_database_has_the_opening_menu() -> Tested {
    let (_folder, file) = file()?;
    let menu = Sqlite::open(&file)?.menu(None).await?;
    assert_eq!(json!(menu), json!(opening_menu()));
    Ok(())
}

#[test]
fn programs_that_start_at_once_make_one_database() -> Tested {
    for _ in 0..8 {
        let (_folder, file) = file()?;
        let begin = Barrier::new(8);
        thread::scope(|programs| {
            let program = || {
                begin.wait();
                Sqlite::open(&file).map(drop)
            };
            let programs = [(); 8].map(|()| programs.spawn(program));
            programs.map(|one| one.join().expect("it says what is wrong"))
        })
        .into_iter()
        .collect::<Result<(), _>>()?;
    }
    Ok(())
}

#[test]
fn the_database_writes_ahead() -> Tested {
    let (_folder, file) = file()?;
    drop(Sqlite::open(&file)?);
    let mode: String = Connection::open(&file)?.pragma_query_value(
        None,
        "journal_mode",
        |row| row.get(0),
    )?;
    assert_eq!(mode, "wal");
    Ok(())
}

#[test]
fn a_database_of_another_program_is_refused() -> Tested {
    let (_folder, file) = file()?;
    Connection::open(&file)?.execute("CREATE TABLE items (beans TEXT)", [])?;
    let refused = Sqlite::open(&file).err().expect("it has other items");
    assert!(refused.to_string().contains("items"), "{refused}");
    Ok(())
}

#[test]
fn a_new_database_can_be_brought_to_every_version() -> Tested {
    Ok(migrations().validate()?)
}

// ANCHOR: version-1
#[tokio::test]
async fn an_old_database_is_brought_up_to_date_and_keeps_its_orders() -> Tested {
    let (_folder, file) = file()?;
    version_1(&file)?; // with order 7: two teas for Ada

    let shop = Sqlite::open(&file)?;
    let old = shop.order(7).await?.expect("it has been kept");
    assert_eq!((old.total_cents, old.table), (440, None));
    assert_eq!(stock(&shop, "tea").await?, Some(18));

    let mut new = sale("tea", 1);
    new.table = Some(4);
    let new = shop.place_order(new).await?.expect("there is tea");
    assert_eq!((new.id, new.table), (8, Some(4)));
    Ok(())
}
// ANCHOR_END: version-1

/// Makes a database as the first version of this program did, with one order.
fn version_1(file: &Path) -> rusqlite::Result<()> {
    let old = Connection::open(file)?;
    old.execute_batch(include_str!("../../migrations/1-shop.sql"))?;
    old.pragma_update(None, "user_version", 1)?;
    old.execute_batch(
        "UPDATE items SET stock = 18 WHERE id = 'tea';
         INSERT INTO orders
             VALUES (7, 'Ada', 'tea', 2, NULL, 440, '2025-11-03T09:30:00Z');",
    )
}

#[test]
fn what_cannot_be_a_database_is_said_so() -> Tested {
    let (folder, file) = file()?;
    fs::write(&file, "two flat whites and a muffin, to go, for Ada")?;
    let before = fs::read(&file)?;
    assert_eq!(refused(&file), "file is not a database");
    assert_eq!(fs::read(&file)?, before, "it has been left as it was");

    let nowhere = folder.path().join("cellar").join("shop.db");
    assert!(refused(&nowhere).starts_with("unable to open database file"));
    assert!(refused(folder.path()).starts_with("unable to open database file"));
    Ok(())
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() -> Tested {
    let (_folder, file) = file()?;
    drop(Sqlite::open(&file)?);
    Connection::open(&file)?.pragma_update(None, "user_version", 1000)?;
    let reason = "a newer version of this program has written the file";
    assert_eq!(refused(&file), reason);
    Ok(())
}

/// Why a file cannot be the shop's.
fn refused(file: &Path) -> String {
    let Err(error) = Sqlite::open(file) else {
        panic!("{} was opened", file.display());
    };
    assert!(error.source().is_none(), "a log would say it twice");
    let says = error.to_string();
    let (_, cause) = says.split_once(": ").expect("the cause is said");
    cause.to_owned()
}
