use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::Response,
};

// ANCHOR: next-first
async fn log_request(next: Next, request: Request) -> Response {
    println!("{} {}", request.method(), request.uri());
    next.run(request).await
}

fn app(routes: Router) -> Router {
    routes.layer(from_fn(log_request))
}
// ANCHOR_END: next-first

fn main() {}
