//! Two routers, each nested below a path.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Path,
    http::{Request, Uri},
    routing::get,
};
use tower::ServiceExt; // for `oneshot`

// ANCHOR: nest
fn app() -> Router {
    Router::new()
        .nest("/menu", menu_routes())
        .nest("/tables/{table}", table_routes())
}

fn menu_routes() -> Router {
    Router::new()
        .route("/", get(|| async { "the whole menu" }))
        .route("/{id}", get(show_item))
}

fn table_routes() -> Router {
    Router::new().route("/seats/{seat}", get(show_seat))
}

async fn show_item(Path(id): Path<String>, uri: Uri) -> String {
    format!("the item {id}, and the URI is {uri}")
}

async fn show_seat(Path((table, seat)): Path<(u32, u32)>) -> String {
    format!("table {table}, seat {seat}")
}
// ANCHOR_END: nest

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in ["/menu", "/menu/", "/menu/tea", "/tables/4/seats/2"] {
        let request = Request::get(path).body(Body::empty())?;
        let response = app().oneshot(request).await?;
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1024).await?;
        let body = String::from_utf8_lossy(&body);
        println!("{}", format!("{path}\n  {status}  {body}").trim_end());
    }
    Ok(())
}
