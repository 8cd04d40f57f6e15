//! The small shop of the page "From Express to axum", with axum. The same shop with Express is
//! express/shop.js. Both print the responses to the same requests, and a script compares them.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    Json, Router,
    extract::{
        FromRequestParts, Path, Query, Request, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{AUTHORIZATION, LOCATION, WWW_AUTHENTICATE},
        request::Parts,
    },
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

// ANCHOR: state
#[derive(Clone, Serialize)]
struct Item {
    id: &'static str,
    name: &'static str,
    price: u32,
}

#[derive(Clone, Serialize)]
struct Order {
    id: usize,
    item: String,
    quantity: u32,
}

#[derive(Clone)]
struct Shop {
    menu: Vec<Item>,
    orders: Arc<Mutex<Vec<Order>>>,
    requests: Arc<AtomicU64>,
}
// ANCHOR_END: state

// ANCHOR: routes
fn app(shop: Shop) -> Router {
    Router::new()
        .route("/menu", get(list_menu))
        .route("/menu/{id}", get(get_item))
        .route("/search", get(search))
        .route("/orders", post(create_order))
        .route("/drinks", get(drinks))
        .route("/today", get(today))
        .nest("/staff", staff())
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(shop.clone(), count))
        .with_state(shop)
}
// ANCHOR_END: routes

// ANCHOR: middleware
async fn count(State(shop): State<Shop>, request: Request, next: Next) -> Response {
    let number = shop.requests.fetch_add(1, Ordering::Relaxed) + 1;
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert("x-request-number", HeaderValue::from(number));
    response
}
// ANCHOR_END: middleware

// ANCHOR: list
async fn list_menu(State(shop): State<Shop>) -> Json<Vec<Item>> {
    Json(shop.menu)
}
// ANCHOR_END: list

// ANCHOR: params
async fn get_item(
    State(shop): State<Shop>,
    Path(id): Path<String>,
) -> Result<Json<Item>, Error> {
    let item = shop.menu.into_iter().find(|item| item.id == id);
    let item = item.ok_or(Error::NoSuchItem)?;
    Ok(Json(item))
}
// ANCHOR_END: params

// ANCHOR: query
#[derive(Deserialize)]
struct Search {
    max_price: u32,
}

async fn search(
    State(shop): State<Shop>,
    query: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Vec<Item>>, Error> {
    let Query(Search { max_price }) = query?;
    let found = shop.menu.into_iter().filter(|item| item.price <= max_price);
    Ok(Json(found.collect()))
}
// ANCHOR_END: query

// ANCHOR: body
#[derive(Deserialize)]
struct NewOrder {
    item: String,
    quantity: u32,
}

async fn create_order(
    State(shop): State<Shop>,
    body: Result<Json<NewOrder>, JsonRejection>,
) -> Result<impl IntoResponse, Error> {
    let Json(NewOrder { item, quantity }) = body?;
    if !(1..=10).contains(&quantity) {
        return Err(Error::Quantity);
    }
    let mut orders = shop.orders.lock().unwrap_or_else(PoisonError::into_inner);
    let id = orders.len() + 1;
    let order = Order { id, item, quantity };
    orders.push(order.clone());
    let location = format!("/orders/{id}");
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(order)))
}
// ANCHOR_END: body

// ANCHOR: redirect
async fn drinks() -> Redirect {
    Redirect::permanent("/menu")
}
// ANCHOR_END: redirect

// ANCHOR: concurrent
async fn special() -> &'static str {
    "latte"
}

async fn closing_time() -> &'static str {
    "18:00"
}

#[derive(Serialize)]
struct Today {
    drink: &'static str,
    closes: &'static str,
}

async fn today() -> Json<Today> {
    let (drink, closes) = tokio::join!(special(), closing_time());
    Json(Today { drink, closes })
}
// ANCHOR_END: concurrent

// ANCHOR: user
struct Staff {
    name: &'static str,
}

impl<S: Sync> FromRequestParts<S> for Staff {
    type Rejection = ([(HeaderName, &'static str); 1], Error);

    async fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        let header = parts.headers.get(AUTHORIZATION);
        match header.map(HeaderValue::as_bytes) {
            Some(b"Bearer espresso") => Ok(Staff { name: "Tom" }),
            _ => {
                let challenge = (WWW_AUTHENTICATE, "Bearer realm=\"staff\"");
                Err(([challenge], Error::OnlyStaff))
            }
        }
    }
}
// ANCHOR_END: user

// ANCHOR: router
fn staff() -> Router<Shop> {
    Router::new().route("/orders", get(staff_orders))
}

async fn staff_orders(staff: Staff, State(shop): State<Shop>) -> Json<Value> {
    let orders = shop.orders.lock().unwrap_or_else(PoisonError::into_inner);
    Json(json!({ "for": staff.name, "orders": *orders }))
}
// ANCHOR_END: router

// ANCHOR: not-found
async fn not_found() -> impl IntoResponse {
    let error = json!({ "error": "there is nothing at this path" });
    (StatusCode::NOT_FOUND, Json(error))
}
// ANCHOR_END: not-found

// ANCHOR: error-class
enum Error {
    NoSuchItem,
    Quantity,
    OnlyStaff,
    Query(QueryRejection),
    Body(JsonRejection),
}

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Self {
        Error::Query(rejection)
    }
}

impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        Error::Body(rejection)
    }
}
// ANCHOR_END: error-class

// ANCHOR: error-handler
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Error::NoSuchItem => (StatusCode::NOT_FOUND, "there is no such item"),
            Error::OnlyStaff => {
                (StatusCode::UNAUTHORIZED, "only staff may do this")
            }
            Error::Quantity => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "quantity must be from 1 to 10",
            ),
            Error::Query(rejection) => {
                (rejection.status(), "max_price must be a number of cents")
            }
            Error::Body(JsonRejection::JsonSyntaxError(_)) => {
                (StatusCode::BAD_REQUEST, "the body isn't valid JSON")
            }
            Error::Body(rejection) => (
                rejection.status(),
                "item must be a string, and quantity a whole number",
            ),
        };
        (status, Json(json!({ "error": error }))).into_response()
    }
}
// ANCHOR_END: error-handler

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // ANCHOR: menu
    let menu = vec![
        Item {
            id: "tea",
            name: "Tea",
            price: 250,
        },
        Item {
            id: "latte",
            name: "Latte",
            price: 420,
        },
    ];
    let shop = Shop {
        menu,
        orders: Arc::default(),
        requests: Arc::default(),
    };
    // ANCHOR_END: menu
    // ANCHOR: listen
    // Port 0 stands for any free port.
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let server = axum::serve(listener, app(shop));
    // ANCHOR_END: listen
    // A server of your own only has `server.await?`. This one ends when the requests have been sent.
    tokio::select! {
        served = server.into_future() => served?,
        sent = send_requests(&address) => sent?,
    }
    Ok(())
}

/// Sends the same requests as express/shop.js, in the same order, and prints the responses.
async fn send_requests(address: &str) -> Result<(), Box<dyn std::error::Error>> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let get = |path: &str| (client.get(format!("{address}{path}")), "");
    let order = |body: &'static str| {
        let request = client.post(format!("{address}/orders"));
        let request = request.header("content-type", "application/json");
        (request.body(body), body)
    };
    let as_staff = |token: &str| {
        let request = client.get(format!("{address}/staff/orders"));
        (request.bearer_auth(token), "")
    };
    for (request, body) in [
        get("/menu/tea"),
        get("/menu/cake"),
        get("/search?max_price=300"),
        get("/search?max_price=cheap"),
        order(r#"{"item": "tea", "quantity": 2}"#),
        order(r#"{"item": "tea", "quantity": 11}"#),
        order(r#"{"item": "tea", "quantity": "two"}"#),
        order(r#"{"item": "tea", "#),
        get("/drinks"),
        get("/today"),
        as_staff("espresso"),
        as_staff("decaf"),
        get("/menu"),
        get("/cake"),
    ] {
        let request = request.build()?;
        let path = &request.url().as_str()[address.len()..];
        let method = request.method().clone();
        match body {
            "" => print!("{method} {path} → "),
            body => print!("{method} {path} {body}\n  "),
        }
        let response = client.execute(request).await?;
        let header = |name| response.headers().get(name).map(HeaderValue::to_str);
        let number = header("x-request-number").transpose()?.unwrap_or_default();
        let mut line = format!("{number}: {}", response.status().as_u16());
        for name in ["location", "www-authenticate"] {
            if let Some(value) = header(name).transpose()? {
                line = format!("{line} {value}");
            }
        }
        let text = response.text().await?;
        println!("{}", format!("{line} {text}").trim_end());
    }
    Ok(())
}
