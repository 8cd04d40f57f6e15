//! Records what a failing test prints, for the chapter on testing.

mod support;

// In a module of the chapter's name, so that `cargo test testing` finds them.
mod testing {
    use std::env;
    use std::process::Command;

    use crate::support::recorded;

    struct Item {
        price_cents: u32,
        stock: u32,
    }

    // ANCHOR: mistake
    /// This contains a mistake: if the total is too large, the stock has changed already.
    fn sell(item: &mut Item, quantity: u32) -> Option<u32> {
        item.stock = item.stock.checked_sub(quantity)?;
        item.price_cents.checked_mul(quantity)
    }
    // ANCHOR_END: mistake

    #[test]
    #[ignore = "this test fails on purpose"]
    fn a_failed_sale_leaves_the_stock_as_it_was() {
        let mut item = Item {
            price_cents: u32::MAX,
            stock: 2,
        };
        assert_eq!(sell(&mut item, 2), None);
        assert_eq!(item.stock, 2);
    }

    /// Runs the test above in a process of its own.
    #[test]
    fn a_failing_test_shows_both_values() {
        let output = Command::new(env::current_exe().expect("a test has a file"))
            .args([
                "--include-ignored",
                "a_failed_sale_leaves_the_stock_as_it_was",
            ])
            .env_remove("RUST_BACKTRACE")
            .output()
            .expect("this program can be started again");
        assert!(!output.status.success());
        let printed = String::from_utf8(output.stdout).expect("text");
        // The number of the thread and the time differ from run to run.
        let lines = printed.lines().map(|line| {
            if line.contains("panicked") {
                let (thread, rest) = line.split_once(" (").unwrap_or((line, ""));
                let (_, rest) = rest.split_once(')').unwrap_or_default();
                format!("{thread}{rest}\n")
            } else if line.contains("filtered") {
                let (counts, _time) = line.rsplit_once(';').unwrap_or_default();
                format!("{counts}\n")
            } else {
                format!("{line}\n")
            }
        });
        recorded("output/testing/failing.txt", &lines.collect::<String>());
    }
}
