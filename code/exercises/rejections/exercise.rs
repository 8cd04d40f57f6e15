//! The exercise of the chapter on rejections: a kitchen whose errors become problem
//! documents.
//! `cargo exercise rejections` tells you what already works.

use axum::{
    Router,
    extract::{FromRequest, Path, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use shop::problem::Problem;

/// A kitchen that makes soup and toast.
pub fn app() -> Router {
    Router::new()
        .route("/dishes/{id}", get(show_dish))
        .route("/dishes/{id}/orders", post(order_dish))
    // 3. Yours: the two fallbacks.
}

// ANCHOR: complete
// 1. Finished example: the problem document for a dish that the kitchen doesn't make.
enum Error {
    UnknownDish(String),
    Unreadable(JsonRejection),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = match self {
            Self::UnknownDish(id) => {
                let detail = format!("The kitchen doesn't make {id}");
                Problem::new(StatusCode::NOT_FOUND, detail)
            }
            Self::Unreadable(rejection) => unreadable(&rejection),
        };
        problem.into_response()
    }
}
// ANCHOR_END: complete

async fn show_dish(Path(id): Path<String>) -> Result<&'static str, Error> {
    match id.as_str() {
        "soup" => Ok("Soup, 6.50"),
        "toast" => Ok("Toast, 4.20"),
        _ => Err(Error::UnknownDish(id)),
    }
}

// ANCHOR: gap
// 2. Fill in the gap: a rejection of the extractor becomes a problem document, too.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Error))]
struct Json<T>(T);

impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        Self::Unreadable(rejection)
    }
}

fn unreadable(rejection: &JsonRejection) -> Problem {
    todo!("{rejection}: a problem with its status and its text")
}
// ANCHOR_END: gap

#[derive(Deserialize)]
struct OrderRequest {
    plates: u8,
}

async fn order_dish(
    Path(id): Path<String>,
    Json(order): Json<OrderRequest>,
) -> Result<(StatusCode, String), Error> {
    let dish = show_dish(Path(id)).await?;
    Ok((StatusCode::CREATED, format!("{} x {dish}", order.plates)))
}

// ANCHOR: yours
// 3. Yours: three more errors, each as a problem document.
//    404: a path that no route matches.
//    405: a method that the path doesn't support.
//    422: an order for more than ten plates. Its problem document has the type
//         "/problems/too-many-plates" and a title of its own.
// ANCHOR_END: yours
