//! Declares a module for each feature, and merges their routers.

use axum::Router;

// ANCHOR: app
pub mod menu;
pub mod orders;

/// The routers of both features, each with its state.
pub fn app() -> Router {
    let menu_service = menu::services::Menu::default();
    let orders_service = orders::services::Orders::new(menu_service.clone());
    Router::new()
        .merge(menu::routes::routes().with_state(menu_service))
        .merge(orders::routes::routes().with_state(orders_service))
}
// ANCHOR_END: app
