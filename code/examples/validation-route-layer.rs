//! An extractor that protects all routes of a router.

use axum::{
    Router,
    body::Body,
    extract::{FromRef, FromRequestParts},
    http::{Request, StatusCode, header::AUTHORIZATION, request::Parts},
    middleware::from_extractor_with_state,
    routing::{delete, get},
};
use subtle::ConstantTimeEq;
use tower::ServiceExt;

#[derive(Clone)]
struct StaffToken(&'static str);

struct Staff;

impl<S> FromRequestParts<S> for Staff
where
    StaffToken: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = StatusCode;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Self, Self::Rejection> {
        let StaffToken(token) = StaffToken::from_ref(state);
        let expected = format!("Bearer {token}");
        let sent = parts.headers.get(AUTHORIZATION);
        let is_staff = |sent: &[u8]| bool::from(sent.ct_eq(expected.as_bytes()));
        match sent {
            Some(sent) if is_staff(sent.as_bytes()) => Ok(Self),
            _ => Err(StatusCode::UNAUTHORIZED),
        }
    }
}

// ANCHOR: route-layer
fn app(token: StaffToken) -> Router {
    let check_token = from_extractor_with_state::<Staff, _>(token);
    Router::new()
        .route("/orders", get(async || "all orders"))
        .route("/menu/{id}", delete(async || "deleted"))
        .route_layer(check_token)
        .route("/menu", get(async || "the menu"))
}
// ANCHOR_END: route-layer

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = app(StaffToken("ladle"));
    for request in [
        Request::get("/orders"),
        Request::get("/orders").header(AUTHORIZATION, "Bearer ladle"),
        Request::delete("/menu/tea"),
        Request::get("/menu"),
    ] {
        let request = request.body(Body::empty())?;
        let method = request.method();
        let token = request.headers().contains_key(AUTHORIZATION);
        let token = if token { "token" } else { "no token" };
        let line = format!("{method:6} {:9}  {token:8}", request.uri().path());
        let response = app.clone().oneshot(request).await?;
        println!("{line}  {}", response.status());
    }
    Ok(())
}
