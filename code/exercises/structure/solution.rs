//! One way to solve the exercise of the chapter on organizing the project.

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

    use super::controllers::{charge, pay, show_tab};
    use super::services::Tabs;

    pub(super) fn routes(tabs: Tabs) -> Router {
        // ANCHOR: routes
        Router::new()
            .route("/tabs/{customer}", get(show_tab))
            .route("/tabs/{customer}/charges", post(charge))
            .route("/tabs/{customer}/payments", post(pay))
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

    pub(super) async fn show_tab(
        State(tabs): State<Tabs>,
        Path(customer): Path<String>,
    ) -> Result<Json<Tab>, (StatusCode, String)> {
        let tab = tabs.tab(&customer).map_err(refused)?;
        Ok(Json(tab))
    }

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

    // ANCHOR: pay-controller
    pub(super) async fn pay(
        State(tabs): State<Tabs>,
        Path(customer): Path<String>,
        Json(amount): Json<Amount>,
    ) -> Result<Json<Tab>, (StatusCode, String)> {
        let tab = tabs.pay(&customer, amount.cents).map_err(refused)?;
        Ok(Json(tab))
    }
    // ANCHOR_END: pay-controller

    // ANCHOR: refused
    fn refused(error: TabError) -> (StatusCode, String) {
        let status = match error {
            TabError::NoTab(_) => StatusCode::NOT_FOUND,
            TabError::OverLimit | TabError::Overpaid => StatusCode::CONFLICT,
            TabError::Nothing => StatusCode::UNPROCESSABLE_ENTITY,
        };
        (status, error.to_string())
    }
    // ANCHOR_END: refused
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
        Overpaid,
        Nothing,
    }

    impl fmt::Display for TabError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Self::NoTab(customer) => write!(f, "{customer} has no tab"),
                Self::OverLimit => write!(f, "A tab ends at {LIMIT} cents"),
                Self::Overpaid => write!(f, "That is more than what is on the tab"),
                Self::Nothing => write!(f, "cents must be 1 at least"),
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

        pub(super) fn tab(&self, customer: &str) -> Result<Tab, TabError> {
            find(&mut self.tabs(), customer).cloned()
        }

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

        // ANCHOR: pay
        pub(super) fn pay(
            &self,
            customer: &str,
            cents: u32,
        ) -> Result<Tab, TabError> {
            if cents == 0 {
                return Err(TabError::Nothing);
            }
            let mut tabs = self.tabs();
            let tab = find(&mut tabs, customer)?;
            let left = tab.cents.checked_sub(cents);
            tab.cents = left.ok_or(TabError::Overpaid)?;
            Ok(tab.clone())
        }
        // ANCHOR_END: pay

        fn tabs(&self) -> MutexGuard<'_, Vec<Tab>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    // ANCHOR: fits
    fn fits(owed: u32, cents: u32) -> bool {
        // A tab is never over the limit. A sum could be more than a `u32` holds.
        cents <= LIMIT - owed
    }
    // ANCHOR_END: fits

    fn find<'a>(
        tabs: &'a mut [Tab],
        customer: &str,
    ) -> Result<&'a mut Tab, TabError> {
        let found = tabs.iter_mut().find(|tab| tab.customer == customer);
        found.ok_or_else(|| TabError::NoTab(customer.into()))
    }
}
