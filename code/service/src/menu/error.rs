//! What can go wrong with the menu, and the response for it.

use axum::http::StatusCode;
use thiserror::Error;

use super::model::Shortage;
use crate::problem::{ErrorDetail, Problem};
use crate::storage::StorageError;

/// Why a request about the menu failed.
#[derive(Debug, Error)]
pub enum MenuError {
    /// No item has the id that was asked for.
    #[error("There is no {0} on the menu")]
    UnknownItem(String),
    /// A change came without a condition that says which version it replaces.
    #[error("The request has neither if-match nor if-none-match")]
    NoCondition,
    /// The item isn't in the version that the client expects to replace, so nothing was
    /// changed.
    #[error("The item has changed, or it isn't there")]
    Stale,
    /// The client expects to add an item, but there is one with this id, so nothing was
    /// changed.
    #[error("The item is there already")]
    Exists,
    /// The storage was busy, or it failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why items can't be taken out of the stock. In each case, nothing was taken.
#[derive(Debug, Error)]
pub enum StockError {
    /// The items of these portions, counted from 0, aren't on the menu.
    #[error("Some of the items are not on the menu")]
    NotOnMenu(Vec<usize>),
    /// Less is left than somebody wants.
    #[error("Not enough left: {}", names(.0))]
    NotEnoughLeft(Vec<Shortage>),
    /// The storage was busy, or it failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

fn names(shortages: &[Shortage]) -> String {
    let names = shortages.iter().map(|shortage| shortage.name.as_str());
    names.collect::<Vec<_>>().join(", ")
}

impl From<&MenuError> for Problem {
    fn from(error: &MenuError) -> Self {
        match error {
            MenuError::UnknownItem(_) => {
                Self::new(StatusCode::NOT_FOUND, error.to_string())
            }
            MenuError::NoCondition => Self {
                errors: vec![ErrorDetail::in_header("if-match", CONDITION)],
                ..Self::new(StatusCode::PRECONDITION_REQUIRED, CONDITION)
            },
            MenuError::Stale => Self {
                errors: vec![ErrorDetail::in_header("if-match", STALE)],
                ..Self::new(StatusCode::PRECONDITION_FAILED, STALE)
            },
            MenuError::Exists => Self {
                errors: vec![ErrorDetail::in_header("if-none-match", EXISTS)],
                ..Self::new(StatusCode::PRECONDITION_FAILED, EXISTS)
            },
            MenuError::Storage(error) => Self::from(error),
        }
    }
}

const CONDITION: &str = "Send if-match with the etag of the item that you replace, or \
                         if-none-match: * to add an item";
const STALE: &str = "The etag in if-match isn't the current one. Fetch the item again, and \
                     send its current etag";
const EXISTS: &str = "An item with this id already exists. To replace it, fetch it, and \
                      send its etag in if-match";
