//! Declares a module for each feature, and merges their routers.

use axum::Router;

// ANCHOR: app
pub mod menu;
pub mod orders;

/// The routers of both features, each with its state.
pub fn app() -> Router {
    let menu = menu::services::Menu::default();
    let orders = orders::services::Orders::new(menu.clone());
    Router::new()
        .merge(menu::routes::routes().with_state(menu))
        .merge(orders::routes::routes().with_state(orders))
}
// ANCHOR_END: app
