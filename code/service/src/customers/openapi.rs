//! The description of the customers' routes. utoipa reads the attributes here, and nothing
//! calls the functions.
#![allow(dead_code)]

use utoipa::OpenApi;

use super::model::{
    Customer, RefreshRequest, SignInRequest, SignUpRequest, TokenPair,
};
use crate::openapi::{Conflict, WrongCredentials};

/// The customers' part of the document.
#[derive(OpenApi)]
#[openapi(paths(sign_up, sign_in, refresh, sign_out, show_me))]
pub struct Document;

/// Make an account
#[utoipa::path(
    post,
    path = "/customers",
    tag = "customers",
    request_body = SignUpRequest,
    responses(
        (
            status = 201,
            description = "The account was made",
            body = Customer,
            headers(("location" = String, description = "The path of the account")),
        ),
        Conflict,
    ),
)]
fn sign_up() {}

/// Sign in
#[utoipa::path(
    post,
    path = "/sessions",
    tag = "customers",
    request_body = SignInRequest,
    responses(
        (
            status = 200,
            description = "A session has begun",
            body = TokenPair,
            headers(("cache-control" = String, description = "`no-store`")),
        ),
        WrongCredentials,
        (
            status = 429,
            description = "There were too many attempts with this email address",
            body = crate::problem::Problem,
            content_type = "application/problem+json",
            headers(("retry-after" = u64, description = "When to try again, in seconds")),
        ),
    ),
)]
fn sign_in() {}

/// Exchange a refresh token for a new pair of tokens
#[utoipa::path(
    post,
    path = "/sessions/refresh",
    tag = "customers",
    request_body = RefreshRequest,
    responses(
        (
            status = 200,
            description = "The session goes on",
            body = TokenPair,
            headers(("cache-control" = String, description = "`no-store`")),
        ),
        WrongCredentials,
    ),
)]
fn refresh() {}

/// Sign out
#[utoipa::path(
    delete,
    path = "/sessions/current",
    tag = "customers",
    responses((status = 204, description = "The session has ended")),
    security(("bearerAuth" = [])),
)]
fn sign_out() {}

/// Show your own account
#[utoipa::path(
    get,
    path = "/me",
    tag = "customers",
    responses((status = 200, description = "The account", body = Customer)),
    security(("bearerAuth" = [])),
)]
fn show_me() {}
