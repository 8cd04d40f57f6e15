//! A handler with three kinds of responses. It's an ordinary async function, so
//! `main` can call it without a server.

use axum::{
    Json,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};

async fn show_price(Path(id): Path<String>) -> Response {
    match id.as_str() {
        "tea" => Json(220).into_response(),
        "green-tea" => Redirect::permanent("/menu/tea/price").into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

#[tokio::main]
async fn main() {
    for (id, status) in [("tea", 200), ("green-tea", 308), ("juice", 404)] {
        let response = show_price(Path(id.to_owned())).await;
        assert_eq!(response.status(), status);
    }
}
