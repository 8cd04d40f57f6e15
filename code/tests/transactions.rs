//! What the chapter on transactions says, tested: first by hand, one step after the other,
//! then with a hundred buyers at once, then with a server that is killed.

mod support;

// In a module of the chapter's name, so that `cargo test transactions` finds them.
mod transactions {
    mod by_hand;
    mod crash;
    mod crowd;
    mod dropped;

    use std::error::Error;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use crate::support::contract::Books;
    use crate::support::{buy, get};
    use axum::http::StatusCode;
    use code::data::repository::Sale;
    use code::legacy::OPENING;
    use code::transactions::{open, sqlite::Sqlite};
    use rusqlite::Connection;
    use tempfile::TempDir;

    // ANCHOR: contract
    fn sqlite(file: &Path) -> Books {
        Arc::new(Sqlite::open(file).expect("a new database"))
    }

    mod contract {
        crate::rules!(test_each(super::sqlite));
    }
    // ANCHOR_END: contract

    type Tested<T = ()> = Result<T, Box<dyn Error>>;

    #[tokio::test]
    async fn what_was_ordered_is_there_when_the_shop_opens_again() -> Tested {
        let (_folder, file) = file()?;
        let (status, order) = buy(&open(&file)?, "tea", 1).await;
        assert_eq!(status, StatusCode::CREATED);
        let found = get(&open(&file)?, "/orders/1").await;
        assert_eq!(found, (StatusCode::OK, order));
        Ok(())
    }

    /// A name for a database in a folder of its own, which goes with the test.
    fn file() -> Tested<(TempDir, PathBuf)> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("shop.db");
        Ok((folder, file))
    }

    /// One croissant.
    fn croissant(customer: &str) -> Sale {
        Sale {
            customer: customer.into(),
            item: "croissant".into(),
            quantity: 1,
            note: None,
            table: None,
            total_cents: 290,
            placed_at: OPENING,
        }
    }

    /// How many croissants are left, as a connection sees it.
    fn left(connection: &Connection) -> rusqlite::Result<u32> {
        let sql = "SELECT stock FROM items WHERE id = 'croissant'";
        connection.query_row(sql, [], |row| row.get(0))
    }
}
