//! The description of the favorites' routes. utoipa reads the attributes here, and nothing
//! calls the functions.
#![allow(dead_code)]

use utoipa::OpenApi;

use super::model::Favorite;
use crate::menu::model::ItemId;
use crate::openapi::{Conflict, InvalidParameter, NotFound};

// ANCHOR: document
/// The favorites' part of the document.
#[derive(OpenApi)]
#[openapi(paths(list_favorites, add_favorite, remove_favorite))]
pub struct Document;
// ANCHOR_END: document

// ANCHOR: list-favorites
/// List your favorites
#[utoipa::path(
    get,
    path = "/me/favorites",
    tag = "favorites",
    responses((
        status = 200,
        description = "Your favorites, sorted by the item's id",
        body = Vec<Favorite>,
    )),
    security(("bearerAuth" = [])),
)]
fn list_favorites() {}
// ANCHOR_END: list-favorites

// ANCHOR: add-favorite
/// Add a favorite
///
/// If the item is already one of your favorites, nothing changes.
#[utoipa::path(
    put,
    path = "/me/favorites/{id}",
    tag = "favorites",
    params(("id" = ItemId, Path, description = "The id of the item")),
    responses(
        (status = 204, description = "The item is one of your favorites"),
        InvalidParameter,
        NotFound,
        Conflict,
    ),
    security(("bearerAuth" = [])),
)]
fn add_favorite() {}
// ANCHOR_END: add-favorite

// ANCHOR: remove-favorite
/// Remove a favorite
///
/// If the item isn't one of your favorites, nothing changes.
#[utoipa::path(
    delete,
    path = "/me/favorites/{id}",
    tag = "favorites",
    params(("id" = ItemId, Path, description = "The id of the item")),
    responses(
        (status = 204, description = "The item is not, or no longer, one of your favorites"),
        InvalidParameter,
    ),
    security(("bearerAuth" = [])),
)]
fn remove_favorite() {}
// ANCHOR_END: remove-favorite
