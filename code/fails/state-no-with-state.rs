use axum::{Router, extract::State, routing::get};

#[derive(Clone)]
struct Shop;

async fn list_menu(State(_shop): State<Shop>) -> &'static str {
    "Espresso, tea"
}

fn app() -> Router {
    Router::new().route("/menu", get(list_menu))
}

fn main() {
    app();
}
