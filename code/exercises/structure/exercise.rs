//! Your turn: customers who pay later. `cargo exercise structure` says what is met and
//! what is missing. Each layer is a `mod` here, so that all of it lies in one file.

use axum::Router;

/// A shop in which Ada's tab is at 450 cents.
pub fn app() -> Router {
    routes::routes(services::Tabs::with("ada", 450))
}

mod routes {
    use axum::{
        Router,
        routing::{get, post},
    };

    use super::controllers::{charge, show_tab};
    use super::services::Tabs;

    pub(super) fn routes(tabs: Tabs) -> Router {
        // ANCHOR: routes
        Router::new()
            .route("/tabs/{customer}", get(show_tab))
            .route("/tabs/{customer}/charges", post(charge))
            // 3. Yours: POST /tabs/{customer}/payments
            // ANCHOR_END: routes
            .with_state(tabs)
    }
}

mod controllers {
    use axum::{
        Json,
        extract::{Path, State},
        http::StatusCode,
    };
    use serde::Deserialize;

    use super::services::{Tab, TabError, Tabs};

    // ANCHOR: complete-controller
    pub(super) async fn show_tab(
        State(tabs): State<Tabs>,
        Path(customer): Path<String>,
    ) -> Result<Json<Tab>, (StatusCode, String)> {
        let tab = tabs.tab(&customer).map_err(refused)?;
        Ok(Json(tab))
    }
    // ANCHOR_END: complete-controller

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Amount {
        cents: u32,
    }

    pub(super) async fn charge(
        State(tabs): State<Tabs>,
        Path(customer): Path<String>,
        Json(amount): Json<Amount>,
    ) -> Result<Json<Tab>, (StatusCode, String)> {
        let tab = tabs.charge(&customer, amount.cents).map_err(refused)?;
        Ok(Json(tab))
    }

    // ANCHOR: gap-controller
    // 2. The other gap: what each no means in HTTP.
    fn refused(error: TabError) -> (StatusCode, String) {
        let status = match error {
            TabError::NoTab(_) => StatusCode::NOT_FOUND,
            TabError::OverLimit => {
                todo!("which status says that the tab is in the way?")
            }
        };
        (status, error.to_string())
    }
    // ANCHOR_END: gap-controller
}

mod services {
    use std::fmt;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    use serde::Serialize;

    /// The most that a tab may come to, in cents.
    const LIMIT: u32 = 2_000;

    #[derive(Clone, Serialize)]
    pub(super) struct Tab {
        customer: String,
        /// What is still to be paid.
        cents: u32,
    }

    pub(super) enum TabError {
        NoTab(String),
        OverLimit,
    }

    impl fmt::Display for TabError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Self::NoTab(customer) => write!(f, "{customer} has no tab"),
                Self::OverLimit => write!(f, "A tab ends at {LIMIT} cents"),
            }
        }
    }

    #[derive(Clone)]
    pub(super) struct Tabs(Arc<Mutex<Vec<Tab>>>);

    impl Tabs {
        pub(super) fn with(customer: &str, cents: u32) -> Self {
            let customer = customer.into();
            Self(Arc::new(Mutex::new(vec![Tab { customer, cents }])))
        }

        // ANCHOR: complete
        // 1. Complete: the tab of a customer.
        pub(super) fn tab(&self, customer: &str) -> Result<Tab, TabError> {
            find(&mut self.tabs(), customer).cloned()
        }
        // ANCHOR_END: complete

        // ANCHOR: gap
        // 2. With a gap: more on the tab, as long as it stays within the limit.
        pub(super) fn charge(
            &self,
            customer: &str,
            cents: u32,
        ) -> Result<Tab, TabError> {
            let mut tabs = self.tabs();
            let tab = find(&mut tabs, customer)?;
            if !fits(tab.cents, cents) {
                return Err(TabError::OverLimit);
            }
            tab.cents += cents;
            Ok(tab.clone())
        }
        // ANCHOR_END: gap

        // ANCHOR: yours
        // 3. Yours: a payment. POST /tabs/{customer}/payments takes { "cents": 200 }.
        //    200: paid. The body shows the tab.
        //    404: the customer has no tab.
        //    409: it is more than what is on the tab.
        //    422: it is nothing at all.
        //    Where the shop says no, the tab stays as it was.
        // ANCHOR_END: yours

        fn tabs(&self) -> MutexGuard<'_, Vec<Tab>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    // ANCHOR: gap-rule
    fn fits(owed: u32, cents: u32) -> bool {
        todo!("whether {owed} and {cents} together are within {LIMIT}")
    }
    // ANCHOR_END: gap-rule

    fn find<'a>(
        tabs: &'a mut [Tab],
        customer: &str,
    ) -> Result<&'a mut Tab, TabError> {
        let found = tabs.iter_mut().find(|tab| tab.customer == customer);
        found.ok_or_else(|| TabError::NoTab(customer.into()))
    }
}
