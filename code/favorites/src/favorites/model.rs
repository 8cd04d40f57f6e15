// ANCHOR: model
//! The types of the favorites.

use serde::Serialize;

use crate::menu::model::ItemId;

/// How many favorites a customer may have.
pub const MAX_FAVORITES: usize = 20;

/// An item that a customer has marked as a favorite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Favorite {
    /// The id of the item.
    pub item: ItemId,
}
// ANCHOR_END: model
