//! The handlers of the customers.

use axum::{
    extract::State,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, LOCATION},
    },
    response::IntoResponse,
};
use tracing::instrument;

use super::extract::SignedIn;
use super::model::{
    Customer, NewCustomer, RefreshRequest, SignInRequest, SignUpRequest, TokenPair,
};
use super::services::Customers;
use crate::error::Error;
use crate::extract::Json;

/// `POST /customers`
#[instrument(skip_all)]
// ANCHOR: sign-up
pub async fn sign_up(
    State(customers): State<Customers>,
    Json(request): Json<SignUpRequest>,
) -> Result<impl IntoResponse, Error> {
    let new = NewCustomer::try_from(request).map_err(Error::invalid_body)?;
    let customer = customers.sign_up(new).await?;
    Ok((StatusCode::CREATED, [(LOCATION, "/me")], Json(customer)))
}
// ANCHOR_END: sign-up

/// `POST /sessions`
#[instrument(skip_all)]
pub async fn sign_in(
    State(customers): State<Customers>,
    Json(request): Json<SignInRequest>,
) -> Result<impl IntoResponse, Error> {
    Ok(not_stored(customers.sign_in(request).await?))
}

/// `POST /sessions/refresh`
#[instrument(skip_all)]
pub async fn refresh(
    State(customers): State<Customers>,
    Json(request): Json<RefreshRequest>,
) -> Result<impl IntoResponse, Error> {
    Ok(not_stored(customers.refresh(request).await?))
}

/// Tokens, which no cache on the way may keep (RFC 6749, section 5.1).
fn not_stored(tokens: TokenPair) -> impl IntoResponse {
    ([(CACHE_CONTROL, "no-store")], Json(tokens))
}

/// `DELETE /sessions/current`
#[instrument(skip_all)]
pub async fn sign_out(
    State(customers): State<Customers>,
    SignedIn(identity): SignedIn,
) -> Result<StatusCode, Error> {
    customers.sign_out(identity).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /me`
#[instrument(skip_all)]
pub async fn show_me(
    State(customers): State<Customers>,
    SignedIn(identity): SignedIn,
) -> Result<Json<Customer>, Error> {
    Ok(Json(customers.customer(identity.customer).await?))
}
