//! The state that all requests share.

use axum::extract::FromRef;

use super::extract::StaffToken;
use super::services::Shop;

/// The data that belongs to the whole program. Each handler takes the part that it
/// needs, such as `State<Shop>`.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// The operations of the shop.
    pub shop: Shop,
    /// The secret that staff send.
    pub staff_token: StaffToken,
}
