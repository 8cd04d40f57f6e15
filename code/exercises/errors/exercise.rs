//! Your turn: a kitchen that says no. `cargo exercise errors` says what is met and what is
//! missing.

use axum::{
    Router,
    extract::{FromRequest, Path, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use code::errors::problem::Problem;
use serde::Deserialize;

/// A kitchen that makes soup and toast.
pub fn app() -> Router {
    // ANCHOR: routes
    Router::new()
        .route("/dishes/{id}", get(show_dish))
        .route("/dishes/{id}/orders", post(order_dish))
    // 3. Yours: what answers where no route does.
    // ANCHOR_END: routes
}

// ANCHOR: complete
// 1. Complete: a dish that nobody makes, and its problem.
enum Error {
    UnknownDish(String),
    Unreadable(JsonRejection),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = match self {
            Self::UnknownDish(id) => {
                let detail = format!("The kitchen makes no {id}");
                Problem::of(StatusCode::NOT_FOUND, detail)
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
// 2. With a gap: what the extractor refuses becomes a problem too.
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
struct NewOrder {
    plates: u8,
}

async fn order_dish(
    Path(id): Path<String>,
    Json(order): Json<NewOrder>,
) -> Result<(StatusCode, String), Error> {
    let dish = show_dish(Path(id)).await?;
    Ok((StatusCode::CREATED, format!("{} x {dish}", order.plates)))
}

// ANCHOR: yours
// 3. Yours: what is left, each as a problem.
//    404: a path that no route has.
//    405: a method that the route has not.
//    409: a plate too many. The kitchen has ten, so nobody orders more. The problem has the
//         type "/problems/not-enough-plates" and a title of its own.
// ANCHOR_END: yours
