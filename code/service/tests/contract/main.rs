//! The contracts of the repositories: one suite of rules for every storage. Each rule is a
//! function that gets repositories with the opening menu and with nothing else.

#![allow(clippy::unwrap_used)] // in a test, a panic is the report

#[path = "../support/mod.rs"]
mod support;

use std::pin::Pin;

use support::Repositories;

type Rule = fn(Repositories) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Makes two tests of each rule, one for each storage, and a list of all rules.
macro_rules! contract {
    ($($rule:ident),* $(,)?) => {
        mod memory {
            $(
                #[tokio::test]
                async fn $rule() {
                    super::$rule(crate::support::Repositories::in_memory()).await;
                }
            )*
        }

        #[cfg(feature = "server")]
        mod postgres {
            $(
                #[tokio::test]
                async fn $rule() {
                    crate::support::postgres::on_postgres(super::$rule).await;
                }
            )*
        }

        const RULES: &[(&str, crate::Rule)] = &[
            $((stringify!($rule), |repositories| Box::pin($rule(repositories)))),*
        ];
    };
}

// They come after the macro, because a macro is known only from its definition on.
mod customers;
mod menu;
mod orders;
mod payments;

/// The rules that repositories break. Each rule gets new ones.
async fn broken_rules(
    rules: &[(&'static str, Rule)],
    repositories: impl Fn() -> Repositories,
) -> Vec<&'static str> {
    let mut broken = Vec::new();
    for (name, rule) in rules {
        if tokio::spawn(rule(repositories())).await.is_err() {
            broken.push(*name);
        }
    }
    broken
}
