//! Your turn: customers review their drinks on the tablets at the tables.
//! `cargo exercise extractors` says which requirements are met and which are missing.

// The third part needs more of these: `extract::FromRequestParts` and
// `http::request::Parts`.
use axum::{Json, Router, http::StatusCode, routing::post};
use serde::Deserialize;

/// The route for reviews.
pub fn app() -> Router {
    Router::new().route("/reviews", post(post_review))
}

async fn post_review(
    Json(request): Json<ReviewRequest>,
) -> Result<(StatusCode, String), (StatusCode, String)> {
    let review = Review::try_from(request).map_err(invalid)?;
    let Review { stars, text } = review;
    let reply = format!("{} stars: {}", stars.0, text.0);
    Ok((StatusCode::CREATED, reply))
}

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

// ANCHOR: complete
// 1. Finished example: a newtype for the text of a review.
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
// ANCHOR_END: complete

// ANCHOR: gap
// 2. Fill in the gap: convert a request to a `Review`, or return all of its mistakes.
impl TryFrom<ReviewRequest> for Review {
    type Error = Vec<&'static str>;

    fn try_from(request: ReviewRequest) -> Result<Self, Self::Error> {
        let stars = Stars::try_from(request.stars);
        let text = ReviewText::try_from(request.text);
        match (stars, text) {
            (Ok(stars), Ok(text)) => Ok(Self { stars, text }),
            (_stars, _text) => todo!("return every mistake"),
        }
    }
}
// ANCHOR_END: gap

// ANCHOR: yours
// 3. Yours: write an extractor `Table`, and add it to the arguments of `post_review`.
//    A tablet sends the number of its table in the `table-number` header.
//    If the number is from 1 to 12, the handler runs, and its text starts with the
//    table, as in "Table 4: 5 stars: Lovely".
//    If the header is missing or has any other value, the response is a 400 whose text
//    contains `table-number`.
//    The client must get this 400 even if the body is also invalid.
// ANCHOR_END: yours
