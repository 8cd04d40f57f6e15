//! A solution of the exercise of the chapter on rejections.

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
    // ANCHOR: routes
    Router::new()
        .route("/dishes/{id}", get(show_dish))
        .route("/dishes/{id}/orders", post(order_dish))
        .fallback(|| async { Error::NoSuchPath })
        .method_not_allowed_fallback(|| async { Error::WrongMethod })
    // ANCHOR_END: routes
}

// ANCHOR: kinds
enum Error {
    UnknownDish(String),
    Unreadable(JsonRejection),
    NoSuchPath,
    WrongMethod,
    TooManyPlates,
}
// ANCHOR_END: kinds

// ANCHOR: error
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = match self {
            Self::UnknownDish(id) => {
                let detail = format!("The kitchen doesn't make {id}");
                Problem::new(StatusCode::NOT_FOUND, detail)
            }
            Self::Unreadable(rejection) => unreadable(&rejection),
            Self::NoSuchPath => Problem::new(StatusCode::NOT_FOUND, "No such path"),
            Self::WrongMethod => {
                Problem::new(StatusCode::METHOD_NOT_ALLOWED, "See the allow header")
            }
            Self::TooManyPlates => Problem {
                r#type: "/problems/too-many-plates",
                title: "Too many plates",
                ..Problem::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "An order can have at most ten plates",
                )
            },
        };
        problem.into_response()
    }
}
// ANCHOR_END: error

async fn show_dish(Path(id): Path<String>) -> Result<&'static str, Error> {
    match id.as_str() {
        "soup" => Ok("Soup, 6.50"),
        "toast" => Ok("Toast, 4.20"),
        _ => Err(Error::UnknownDish(id)),
    }
}

#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Error))]
struct Json<T>(T);

impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        Self::Unreadable(rejection)
    }
}

// ANCHOR: gap
fn unreadable(rejection: &JsonRejection) -> Problem {
    Problem::new(rejection.status(), rejection.body_text())
}
// ANCHOR_END: gap

#[derive(Deserialize)]
struct OrderRequest {
    plates: u8,
}

// ANCHOR: plates
async fn order_dish(
    Path(id): Path<String>,
    Json(order): Json<OrderRequest>,
) -> Result<(StatusCode, String), Error> {
    let dish = show_dish(Path(id)).await?;
    if order.plates > 10 {
        return Err(Error::TooManyPlates);
    }
    Ok((StatusCode::CREATED, format!("{} x {dish}", order.plates)))
}
// ANCHOR_END: plates
