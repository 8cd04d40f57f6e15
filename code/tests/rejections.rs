//! What the chapter on rejections says and no test of the shop holds.

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    routing::get,
};
use shop::extract::Path;
use tower::ServiceExt;

async fn status_of(router: Router, method: &str, path: &str) -> StatusCode {
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Body::empty()).expect("this request is valid");
    let Ok(response) = router.oneshot(request).await;
    response.status()
}

// In a module of the chapter's name, so that `cargo test rejections` finds them.
mod rejections {
    use super::*;

    #[tokio::test]
    async fn a_405_fallback_only_applies_to_routes_that_are_there() {
        let teapot = || async { StatusCode::IM_A_TEAPOT };
        let router = Router::new()
            .route("/before", get(teapot))
            .method_not_allowed_fallback(|| async { StatusCode::IM_A_TEAPOT })
            .route("/after", get(teapot));
        let before = status_of(router.clone(), "DELETE", "/before").await;
        let after = status_of(router, "DELETE", "/after").await;
        assert_eq!(before, StatusCode::IM_A_TEAPOT);
        assert_eq!(after, StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn a_route_without_the_parameter_of_its_handler_is_a_bug() {
        async fn show(Path(_): Path<u64>) {}
        let router = Router::new().route("/orders", get(show));
        let status = status_of(router, "GET", "/orders").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    }
}
