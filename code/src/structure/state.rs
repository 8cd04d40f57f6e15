//! What belongs to the whole program and not to one request.

use axum::extract::FromRef;

use super::extract::StaffToken;
use super::services::Shop;

/// What the handlers share. Each takes the part that it needs, such as `State<Shop>`.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// What the handlers call.
    pub shop: Shop,
    /// The secret of the staff.
    pub staff_token: StaffToken,
}
