//! What can go wrong with favorites, and the response to each error.

use axum::http::StatusCode;
use thiserror::Error;

use super::model::MAX_FAVORITES;
use crate::customers::error::CustomerError;
use crate::problem::Problem;
use crate::storage::StorageError;

// ANCHOR: error
/// Why a request about favorites failed.
#[derive(Debug, Error)]
pub enum FavoriteError {
    /// The item isn't on the menu.
    #[error("There is no {0} on the menu")]
    NotOnMenu(String),
    /// The customer already has as many favorites as a customer may have.
    #[error("You already have {MAX_FAVORITES} favorites. Remove one of them first")]
    TooMany,
    /// The account was removed after the access token was issued.
    #[error(transparent)]
    Customer(#[from] CustomerError),
    /// The storage was busy, or it failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
// ANCHOR_END: error

// ANCHOR: problem
impl From<&FavoriteError> for Problem {
    fn from(error: &FavoriteError) -> Self {
        let detail = error.to_string();
        match error {
            FavoriteError::NotOnMenu(_) => Self::new(StatusCode::NOT_FOUND, detail),
            FavoriteError::TooMany => Self::new(StatusCode::CONFLICT, detail),
            FavoriteError::Customer(error) => Self::from(error),
            FavoriteError::Storage(error) => Self::from(error),
        }
    }
}
// ANCHOR_END: problem
