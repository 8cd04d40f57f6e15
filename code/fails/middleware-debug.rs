use axum::{
    extract::Request,
    middleware::Next,
    response::Response,
};

// ANCHOR: debug-middleware
#[axum::debug_middleware]
async fn log_request(next: Next, request: Request) -> Response {
    println!("{} {}", request.method(), request.uri());
    next.run(request).await
}
// ANCHOR_END: debug-middleware

fn main() {}
