//! The description of the menu's routes. utoipa reads the attributes here, and nothing
//! calls the functions.
#![allow(dead_code)]

use utoipa::OpenApi;

use super::model::{Item, ItemId, ItemRequest};
use crate::openapi::{Forbidden, InvalidParameter, NotFound, NotModified};
use crate::problem::Problem;

/// The menu's part of the document.
#[derive(OpenApi)]
#[openapi(paths(list_menu, show_item, put_item))]
pub struct Document;

/// List the menu
#[utoipa::path(
    get,
    path = "/menu",
    tag = "menu",
    params(
        ("if-none-match" = Option<String>, Header, description = "The etag of the menu that you have"),
    ),
    responses(
        (
            status = 200,
            description = "All items, sorted by id",
            body = [Item],
            headers(("etag" = String, description = "The version of the menu")),
        ),
        NotModified,
    ),
)]
fn list_menu() {}

/// Show an item
#[utoipa::path(
    get,
    path = "/menu/{id}",
    tag = "menu",
    params(
        ("id" = ItemId, Path, description = "The id of the item"),
        ("if-none-match" = Option<String>, Header, description = "The etag of the item that you have"),
    ),
    responses(
        (
            status = 200,
            description = "The item",
            body = Item,
            headers(("etag" = String, description = "The version of the item")),
        ),
        NotModified,
        NotFound,
    ),
)]
fn show_item() {}

/// Add or replace an item
///
/// One of the headers `if-match` and `if-none-match` is required, so that nobody overwrites
/// a change that they haven't seen.
#[utoipa::path(
    put,
    path = "/menu/{id}",
    tag = "menu",
    params(
        ("id" = ItemId, Path, description = "The id of the item"),
        ("if-match" = Option<String>, Header, description = "The etag of the item that you replace, or `*`"),
        ("if-none-match" = Option<String>, Header, description = "`*`, to add an item"),
    ),
    request_body = ItemRequest,
    responses(
        (
            status = 200,
            description = "The item was replaced",
            body = Item,
            headers(("etag" = String, description = "The version of the item")),
        ),
        (
            status = 201,
            description = "The item was added",
            body = Item,
            headers(("etag" = String, description = "The version of the item")),
        ),
        InvalidParameter,
        Forbidden,
        NotFound,
        (
            status = 412,
            description = "The item has changed, or it isn't there, or it is there already",
            body = Problem,
            content_type = "application/problem+json",
        ),
        (
            status = 428,
            description = "The request has neither `if-match` nor `if-none-match: *`",
            body = Problem,
            content_type = "application/problem+json",
        ),
    ),
    security(("bearerAuth" = [])),
)]
fn put_item() {}
