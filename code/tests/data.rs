//! What the chapter on data says, tested: one suite for every repository, then what a file adds.

mod support;

// In a module of the chapter's name, so that `cargo test data` finds them.
mod data {
    mod failing;
    mod files;
    mod forgetful;

    use std::path::Path;
    use std::sync::Arc;

    use crate::rules;
    use crate::support::contract::{Books, Rule};
    use crate::support::{is_still_the_shop, recorded};
    use code::data::memory::Memory;
    use code::data::repository::StorageError;
    use code::data::services::Failure;
    use code::data::sqlite::Sqlite;
    use code::legacy::opening_menu;
    use code::legacy_structure::services::ShopError;
    use forgetful::Forgetful;

    // ANCHOR: both
    fn memory(_: &Path) -> Books {
        Arc::new(Memory::new(opening_menu()))
    }

    fn sqlite(file: &Path) -> Books {
        Arc::new(Sqlite::open(file).expect("a new database"))
    }

    mod in_memory {
        crate::rules!(test_each(super::memory));
    }

    mod in_sqlite {
        crate::rules!(test_each(super::sqlite));
    }
    // ANCHOR_END: both

    fn forgetful(_: &Path) -> Books {
        Arc::new(Forgetful::new(opening_menu()))
    }

    #[tokio::test]
    async fn the_router_answers_as_before() {
        is_still_the_shop(&code::data::app()).await;
    }

    #[test]
    fn a_failure_says_what_is_behind_it() {
        let no = Failure::Shop(ShopError::UnknownOrder(7));
        assert_eq!(no.to_string(), "There is no order 7");
        let broken = Failure::Storage(StorageError::new("the disk is gone"));
        assert!(broken.to_string().ends_with("the disk is gone"));
    }

    #[tokio::test]
    async fn the_suite_catches_a_repository_that_forgets_the_stock() {
        let mut table = format!("{:52}  memory  sqlite  forgetful\n", "");
        for rule in rules!(name_each()) {
            let told = rule.0.replace('_', " ");
            let memory = outcome(rule, memory).await;
            let sqlite = outcome(rule, sqlite).await;
            let forgetful = outcome(rule, forgetful).await;
            table += &format!("{told:52}  {memory:6}  {sqlite:6}  {forgetful}\n");
        }
        assert!(table.contains("FAILED"), "nothing is caught:\n{table}");
        recorded("output/data/contract.txt", &table);
    }

    /// Asks a rule in a task of its own: a rule that is broken panics, and ends that task alone.
    async fn outcome((_, rule): Rule, open: fn(&Path) -> Books) -> &'static str {
        let folder = tempfile::tempdir().expect("a folder for a file");
        let books = open(&folder.path().join("shop.db"));
        match tokio::spawn(async move { rule(books).await }).await {
            Ok(()) => "ok",
            Err(_) => "FAILED",
        }
    }
}
