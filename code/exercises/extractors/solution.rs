//! One way to solve the exercise of the chapter on extractors.

use axum::{
    Json, Router,
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    routing::post,
};
use serde::Deserialize;

/// The route for reviews.
pub fn app() -> Router {
    Router::new().route("/reviews", post(post_review))
}

// ANCHOR: handler
async fn post_review(
    Table(table): Table,
    Json(request): Json<ReviewRequest>,
) -> Result<(StatusCode, String), (StatusCode, String)> {
    let review = Review::try_from(request).map_err(invalid)?;
    let Review { stars, text } = review;
    let reply = format!("Table {table}: {} stars: {}", stars.0, text.0);
    Ok((StatusCode::CREATED, reply))
}
// ANCHOR_END: handler

/// A 422 response with one mistake per line.
fn invalid(mistakes: Vec<&'static str>) -> (StatusCode, String) {
    (StatusCode::UNPROCESSABLE_ENTITY, mistakes.join("\n"))
}

/// The body of `POST /reviews`, as the client sends it: not validated yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReviewRequest {
    stars: u32,
    text: String,
}

/// A review with valid fields.
struct Review {
    stars: Stars,
    text: ReviewText,
}

struct Stars(u32);

impl TryFrom<u32> for Stars {
    type Error = &'static str;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if (1..=5).contains(&number) {
            return Ok(Self(number));
        }
        Err("stars must be from 1 to 5")
    }
}

struct ReviewText(String);

impl TryFrom<String> for ReviewText {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim();
        if (1..=200).contains(&text.chars().count()) {
            return Ok(Self(text.to_owned()));
        }
        Err("text must have 1 to 200 characters")
    }
}

// ANCHOR: review
impl TryFrom<ReviewRequest> for Review {
    type Error = Vec<&'static str>;

    fn try_from(request: ReviewRequest) -> Result<Self, Self::Error> {
        let stars = Stars::try_from(request.stars);
        let text = ReviewText::try_from(request.text);
        match (stars, text) {
            (Ok(stars), Ok(text)) => Ok(Self { stars, text }),
            (stars, text) => {
                let mistakes = [stars.err(), text.err()];
                Err(mistakes.into_iter().flatten().collect())
            }
        }
    }
}
// ANCHOR_END: review

// ANCHOR: table
struct Table(u32);

impl<S: Send + Sync> FromRequestParts<S> for Table {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Self, Self::Rejection> {
        let header = parts.headers.get("table-number");
        let text = header.and_then(|value| value.to_str().ok());
        let number = text.and_then(|text| text.parse().ok());
        match number {
            Some(number) if (1..=12).contains(&number) => Ok(Self(number)),
            _ => Err((
                StatusCode::BAD_REQUEST,
                "table-number must be a number from 1 to 12",
            )),
        }
    }
}
// ANCHOR_END: table
