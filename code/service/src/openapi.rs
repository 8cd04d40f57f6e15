//! The description of the API for programs (OpenAPI 3.1), and a page that shows it to
//! people.
//!
//! Each feature describes its own routes: the menu in `menu/openapi.rs`, for example. What
//! many routes have in common is described here. utoipa compares none of it with the
//! handlers, so tests do.
#![allow(dead_code)] // utoipa reads the types and the functions, and nothing else does.

use std::sync::LazyLock;

use axum::{
    Json, Router,
    http::header::CONTENT_SECURITY_POLICY,
    response::{Html, IntoResponse},
    routing::get,
};
use tracing::instrument;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{Object, Ref, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, Content, HeaderBuilder, OpenApi, RefOr, Response, ResponseBuilder,
};
use utoipa::{IntoResponses, OpenApi as _, ToSchema};

use crate::AppState;
use crate::problem::Problem;
use crate::{customers, menu, orders, payments};

/// The routes of the document and of the page that shows it.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/openapi.json", get(show_document))
        .route("/docs", get(show_page))
}

// ANCHOR: show-document
/// `GET /openapi.json`
#[instrument(skip_all)]
async fn show_document() -> Json<&'static OpenApi> {
    static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(document);
    Json(&DOCUMENT)
}
// ANCHOR_END: show-document

/// `GET /docs`. The page gets the document from this server and contacts no other.
#[instrument(skip_all)]
async fn show_page() -> impl IntoResponse {
    let policy = "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; \
                  style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                  frame-ancestors 'none'";
    let headers = [(CONTENT_SECURITY_POLICY, policy)];
    (headers, Html(include_str!("openapi.html")))
}

/// The whole document.
pub fn document() -> OpenApi {
    let mut document = Document::openapi();
    for feature in [
        customers::openapi::Document::openapi(),
        menu::openapi::Document::openapi(),
        orders::openapi::Document::openapi(),
        payments::openapi::Document::openapi(),
    ] {
        document.merge(feature);
    }
    // ANCHOR: security-scheme
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(
        "bearerAuth",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .description(Some("The `access_token` of `POST /sessions`"))
                .build(),
        ),
    );
    // ANCHOR_END: security-scheme
    let operations = document.paths.paths.values_mut().flat_map(operations);
    operations.for_each(complete);
    document
}

/// The parts of the document that belong to no feature.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "The coffee shop",
        description = "Customers order and pay, and baristas make the orders. Each error \
                       response is a problem document (RFC 9457).",
        license(name = "0BSD", identifier = "0BSD"),
    ),
    paths(live, ready, openapi_json, docs),
    components(schemas(Problem))
)]
struct Document;

/// Ask whether the process answers
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "health",
    responses((status = 200, description = "It does", body = Health)),
)]
fn live() {}

/// Ask whether the service can be used
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "health",
    responses((status = 200, description = "It can", body = Health)),
)]
fn ready() {}

/// Show this document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "documentation",
    responses((status = 200, description = "This document", body = serde_json::Value)),
)]
fn openapi_json() {}

/// Show a page with all routes
#[utoipa::path(
    get,
    path = "/docs",
    tag = "documentation",
    responses((
        status = 200,
        description = "The page",
        body = String,
        content_type = "text/html; charset=utf-8",
        headers(("content-security-policy" = String)),
    )),
)]
fn docs() {}

/// The state of the service.
#[derive(ToSchema)]
struct Health {
    /// `live` or `ready`.
    status: String,
}

/// One mistake in a request. `pointer`, `header` or `parameter` says where it is, unless
/// it concerns several fields.
#[derive(ToSchema)]
pub(crate) struct ErrorDetail {
    /// What is wrong, in words that a person can read.
    detail: String,
    /// The place in the body: a JSON Pointer, as a URI fragment (RFC 6901, section 6).
    #[schema(nullable = false)]
    pointer: Option<String>,
    /// The name of the header.
    #[schema(nullable = false)]
    header: Option<String>,
    /// The name of the parameter of the path or the query string.
    #[schema(nullable = false)]
    parameter: Option<String>,
}

/// The email address and the password, or the refresh token, are wrong.
#[derive(IntoResponses)]
#[response(
    status = 401,
    description = "The password or the refresh token isn't valid",
    content_type = "application/problem+json",
    headers(("www-authenticate" = String, description = "How to authenticate (RFC 6750)"))
)]
pub(crate) struct WrongCredentials(Problem);

/// A parameter or a header is missing or invalid.
#[derive(IntoResponses)]
#[response(
    status = 400,
    description = "A parameter, a header or the body can't be read",
    content_type = "application/problem+json"
)]
pub(crate) struct InvalidParameter(Problem);

/// The request isn't allowed.
#[derive(IntoResponses)]
#[response(
    status = 403,
    description = "Only others may do this",
    content_type = "application/problem+json"
)]
pub(crate) struct Forbidden(Problem);

// ANCHOR: not-found
/// The response if something doesn't exist.
#[derive(IntoResponses)]
#[response(
    status = 404,
    description = "The resource doesn't exist, or you may not see it",
    content_type = "application/problem+json"
)]
pub(crate) struct NotFound(Problem);
// ANCHOR_END: not-found

/// The request doesn't fit the present state.
#[derive(IntoResponses)]
#[response(
    status = 409,
    description = "This isn't possible in the current state",
    content_type = "application/problem+json"
)]
pub(crate) struct Conflict(Problem);

/// The client has this version.
#[derive(IntoResponses)]
#[response(
    status = 304,
    description = "You have this version already",
    headers(("etag" = String, description = "The version"))
)]
pub(crate) struct NotModified;

/// The payment provider failed.
#[derive(IntoResponses)]
#[response(
    status = 502,
    description = "The payment provider refused, or didn't answer",
    content_type = "application/problem+json"
)]
pub(crate) struct ProviderFailed(Problem);

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let methods = [
        &mut path.get,
        &mut path.put,
        &mut path.post,
        &mut path.patch,
        &mut path.delete,
    ];
    methods.into_iter().flatten()
}

/// Adds the responses that come from the extractors and the middleware.
fn complete(operation: &mut Operation) {
    let has_body = operation.request_body.is_some();
    let webhook = operation
        .tags
        .as_ref()
        .is_some_and(|tags| tags.iter().any(|tag| tag == "payments"));
    // ANCHOR: common
    let mut common = vec![
        (500, "The server failed. The cause is in its log"),
        (503, "The service is busy, or payments are turned off"),
    ];
    if has_body {
        common.push((400, "A parameter, a header or the body can't be read"));
        common.push((408, "The body took too long to arrive"));
        common.push((413, "The body is too long"));
    }
    // ANCHOR_END: common
    // ANCHOR: add-responses
    if has_body && !webhook {
        common.push((415, "The body isn't `application/json`"));
        common.push((422, "Some values in the body are invalid"));
    }
    if operation.security.is_some() {
        common.push((401, "There is no access token, or it isn't valid"));
    }
    let responses = &mut operation.responses.responses;
    for (status, description) in common {
        responses
            .entry(status.to_string())
            .or_insert_with(|| problem(status, description).into());
    }
    // ANCHOR_END: add-responses
    for response in responses.values_mut() {
        if let RefOr::T(response) = response {
            complete_headers(response);
        }
    }
}

/// The response for a problem of many routes.
fn problem(status: u16, description: &str) -> Response {
    let schema = Ref::from_schema_name("Problem");
    let response = ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", Content::new(Some(schema)));
    match status {
        401 => {
            let header = header(Type::String, "How to authenticate (RFC 6750)");
            response.header("www-authenticate", header)
        }
        503 => {
            let when = "When to try again, in seconds. Left out if that won't help";
            response.header("retry-after", header(Type::Integer, when))
        }
        _ => response,
    }
    .build()
}

fn header(value: Type, description: &str) -> Header {
    let header = HeaderBuilder::new().schema(Some(Object::with_type(value)));
    header.description(Some(description)).build()
}

/// Adds the header that each response has, and says that headers are never left out. Only
/// a 503 may lack its `retry-after`.
fn complete_headers(response: &mut Response) {
    let id = header(
        Type::String,
        "The id of the request, which the log has, too",
    );
    response.headers.insert("x-request-id".into(), id.into());
    for (name, header) in &mut response.headers {
        let optional = name == "retry-after"
            && response.description.contains("payments are turned off");
        if let RefOr::T(header) = header
            && !optional
        {
            let required = [("required", true)];
            header.extensions = Some(required.into_iter().collect());
        }
    }
}
