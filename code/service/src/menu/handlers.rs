//! The handlers of the menu.

use axum::{
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{ETAG, IF_MATCH, IF_NONE_MATCH},
    },
    response::{IntoResponse, Response},
};
use tracing::{info, instrument};

use super::error::MenuError;
use super::model::{Expected, ItemId, ItemRequest, NewItem};
use super::repository::Put;
use super::services::Menu;
use crate::customers::extract::Barista;
use crate::error::Error;
use crate::etag::{self, EntityTags};
use crate::extract::{Json, Path};

/// `GET /menu`
#[instrument(skip_all)]
pub async fn list_menu(
    State(menu): State<Menu>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    // ANCHOR: list-version
    let items = menu.items().await?;
    // A new item adds 1 to the sum of the versions, and each change of an item adds 1,
    // too. Items are never removed, so the sum only grows, and two different versions
    // of the menu never have the same sum, unless the database is restored from a
    // backup. The README says what to do then.
    let version = items.iter().map(|item| item.version).sum();
    Ok(cached(&headers, version, Json(items)))
    // ANCHOR_END: list-version
}

/// `GET /menu/{id}`
#[instrument(skip_all)]
pub async fn show_item(
    State(menu): State<Menu>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let item = menu.item(&id).await?;
    Ok(cached(&headers, item.version, Json(item)))
}

// ANCHOR: cached
/// Responds with a 304 and no body if the client already has this version (RFC 9110,
/// section 15.4.5).
fn cached(headers: &HeaderMap, version: u64, body: impl IntoResponse) -> Response {
    let etag = [(ETAG, etag::of(version))];
    match EntityTags::read(headers, IF_NONE_MATCH) {
        Some(tags) if tags.match_weakly(version) => {
            (StatusCode::NOT_MODIFIED, etag).into_response()
        }
        _ => (etag, body).into_response(),
    }
}
// ANCHOR_END: cached

/// `PUT /menu/{id}`: 201 for a new item, 200 for one that was replaced.
#[instrument(skip_all)]
// ANCHOR: only-barista
pub async fn put_item(
    State(menu): State<Menu>,
    Barista(_): Barista,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(request): Json<ItemRequest>,
) -> Result<impl IntoResponse, Error> {
    // ANCHOR_END: only-barista
    let id = ItemId::try_from(id).map_err(Error::invalid_parameter)?;
    let new = NewItem::new(id, request).map_err(Error::invalid_body)?;
    let (status, item) = match menu.put_item(new, expected(&headers)?).await? {
        Put::Created(item) => (StatusCode::CREATED, item),
        Put::Replaced(item) => (StatusCode::OK, item),
    };
    info!(
        item = item.id.as_str(),
        version = item.version,
        "the menu was changed"
    );
    Ok((status, [(ETAG, etag::of(item.version))], Json(item)))
}

// ANCHOR: expected
/// What the client expects to replace. A request without a condition is refused (RFC 6585,
/// section 3), because it could overwrite a change that its sender hasn't seen.
fn expected(headers: &HeaderMap) -> Result<Expected, MenuError> {
    match EntityTags::read(headers, IF_MATCH) {
        Some(EntityTags::Any) => return Ok(Expected::Anything),
        Some(EntityTags::List(tags)) => {
            return Ok(Expected::Versions(etag::versions(&tags)));
        }
        None => {}
    }
    match EntityTags::read(headers, IF_NONE_MATCH) {
        Some(EntityTags::Any) => Ok(Expected::Nothing),
        _ => Err(MenuError::NoCondition),
    }
}
// ANCHOR_END: expected
