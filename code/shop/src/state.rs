//! The state that all requests share.

use axum::extract::FromRef;

use crate::extract::StaffToken;
use crate::services::Shop;

/// What the handlers share. Each takes the part that it needs, such as `State<Shop>`.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// What the handlers call.
    pub shop: Shop,
    /// The secret of the staff. Without one, no request is from staff.
    pub staff_token: Option<StaffToken>,
}
