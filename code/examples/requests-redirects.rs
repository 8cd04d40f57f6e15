//! A permanent redirect, and the redirect after a form.

use axum::{
    Form, Router,
    body::Body,
    http::{Request, header::LOCATION},
    response::Redirect,
    routing::{get, post},
};
use serde::Deserialize;
use tower::ServiceExt; // for `oneshot`

// ANCHOR: redirects
#[derive(Deserialize)]
struct Reservation {
    table: u32,
}

async fn reserve(Form(reservation): Form<Reservation>) -> Redirect {
    // A real handler stores the reservation here.
    Redirect::to(&format!("/tables/{}", reservation.table))
}

async fn old_menu() -> Redirect {
    Redirect::permanent("/menu")
}
// ANCHOR_END: redirects

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new()
        .route("/reservations", post(reserve))
        .route("/card", get(old_menu));
    for request in [
        Request::post("/reservations")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from("table=4"))?,
        Request::get("/card").body(Body::empty())?,
    ] {
        println!("> {} {}", request.method(), request.uri());
        let response = app.clone().oneshot(request).await?;
        println!("< {}", response.status());
        println!("< location: {}", response.headers()[LOCATION].to_str()?);
    }
    Ok(())
}
