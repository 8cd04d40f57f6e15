use axum::response::{IntoResponse, Response};

// ANCHOR: orphan
impl IntoResponse for rusqlite::Error {
    fn into_response(self) -> Response {
        self.to_string().into_response()
    }
}
// ANCHOR_END: orphan
