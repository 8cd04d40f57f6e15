use axum::{
    Json, Router,
    extract::Path,
    http::StatusCode,
    response::IntoResponse,
    routing::get,
};

// ANCHOR: branches
async fn show_price(Path(id): Path<String>) -> impl IntoResponse {
    if id == "tea" {
        Json(220)
    } else {
        StatusCode::NOT_FOUND
    }
}
// ANCHOR_END: branches

fn main() {
    let _app: Router = Router::new().route("/menu/{id}/price", get(show_price));
}
