//! HTTP in, HTTP out, for the menu.

use axum::Json;
use axum::extract::State;

use super::model::Item;
use super::services::Menu;

/// Lists the menu.
pub async fn list_menu(State(menu): State<Menu>) -> Json<Vec<Item>> {
    Json(menu.items())
}
