//! The handlers of the favorites.

use axum::{extract::State, http::StatusCode};
use tracing::instrument;

use super::model::Favorite;
use super::services::Favorites;
use crate::customers::extract::SignedIn;
use crate::error::Error;
use crate::extract::{Json, Path};
use crate::menu::model::ItemId;

// ANCHOR: list-and-add
/// `GET /me/favorites`
#[instrument(skip_all)]
pub async fn list_favorites(
    SignedIn(identity): SignedIn,
    State(favorites): State<Favorites>,
) -> Result<Json<Vec<Favorite>>, Error> {
    Ok(Json(favorites.list(identity).await?))
}

/// `PUT /me/favorites/{id}`
#[instrument(skip_all)]
pub async fn add_favorite(
    SignedIn(identity): SignedIn,
    State(favorites): State<Favorites>,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    let item = ItemId::try_from(id).map_err(Error::invalid_parameter)?;
    favorites.add(identity, item).await?;
    Ok(StatusCode::NO_CONTENT)
}
// ANCHOR_END: list-and-add

// ANCHOR: remove
/// `DELETE /me/favorites/{id}`
#[instrument(skip_all)]
pub async fn remove_favorite(
    SignedIn(identity): SignedIn,
    State(favorites): State<Favorites>,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    let item = ItemId::try_from(id).map_err(Error::invalid_parameter)?;
    favorites.remove(identity, item).await?;
    Ok(StatusCode::NO_CONTENT)
}
// ANCHOR_END: remove
