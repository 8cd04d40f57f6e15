//! The paths of the menu.

use axum::Router;
use axum::routing::get;

use super::handlers::list_menu;
use super::services::Menu;

/// The endpoints of the menu.
pub fn routes() -> Router<Menu> {
    Router::new().route("/menu", get(list_menu))
}
