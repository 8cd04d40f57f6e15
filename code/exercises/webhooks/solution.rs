//! One way to solve the exercise of the chapter on webhooks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use tokio::task::yield_now;

/// There is one croissant, and there are no scones.
pub fn app() -> Router {
    let stock = [("croissant".to_owned(), 1), ("scone".to_owned(), 0)];
    let shop = Shop {
        stock: stock.into(),
        ..Shop::default()
    };
    Router::new()
        .route("/stock", get(show_stock))
        .route("/webhooks/bakery", post(announce))
        .with_state(Storage(Arc::new(Mutex::new(shop))))
}

/// The bakery and the shop know this secret. It's published here, so it protects nothing.
const SECRET: &[u8] = b"published_in_the_guide";

/// The time of this app, in seconds since 1970. Its clock stands still.
const NOW: u64 = 1_772_439_300;

/// The status and the body of an error response.
type Error = (StatusCode, &'static str);

const INVALID: Error = (StatusCode::BAD_REQUEST, "The signature is invalid");

/// The body of a request from the bakery.
#[derive(Deserialize)]
struct Delivery {
    /// If the bakery gets no response, it sends the delivery again with
    /// the same id.
    id: String,
    /// How many of each item the bakery delivers.
    items: BTreeMap<String, u32>,
}

async fn announce(
    State(storage): State<Storage>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Error> {
    let time = header(&headers, "bakery-time")?;
    check_time(time)?;
    let signature = header(&headers, "bakery-signature")?;
    check_signature(time, &body, signature)?;
    let delivery = serde_json::from_slice(&body)
        .map_err(|_| (StatusCode::BAD_REQUEST, "This isn't a delivery"))?;
    storage.record(delivery).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Error> {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.ok_or(INVALID)
}

// The time may differ by 300 seconds from the clock of the shop.
fn check_time(time: &str) -> Result<(), Error> {
    let time: u64 = time.parse().map_err(|_| INVALID)?;
    if NOW.abs_diff(time) > 300 {
        return Err((StatusCode::BAD_REQUEST, "The time of the request is wrong"));
    }
    Ok(())
}

// ANCHOR: gap
// The bakery signs the time, a dot and the body with HMAC-SHA256.
fn check_signature(time: &str, body: &[u8], signature: &str) -> Result<(), Error> {
    let signature = decode_hex(signature).ok_or(INVALID)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).map_err(|_| INVALID)?;
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.verify_slice(&signature).map_err(|_| INVALID)
}
// ANCHOR_END: gap

/// The bytes that an even number of hexadecimal digits stands for.
fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let byte = |[high, low]: &[u8; 2]| {
        u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
    };
    pairs.iter().map(byte).collect()
}

#[derive(Clone, Default)]
struct Shop {
    /// How many of each item are in stock.
    stock: BTreeMap<String, u32>,
    /// The ids of the deliveries that were recorded.
    deliveries: BTreeSet<String>,
}

#[derive(Clone)]
struct Storage(Arc<Mutex<Shop>>);

const UNKNOWN_ITEM: Error = (
    StatusCode::UNPROCESSABLE_ENTITY,
    "The shop doesn't sell one of the items",
);

impl Storage {
    /// Lets other tasks run first, so that two requests can overlap. Then it runs
    /// `work` on a copy of all data (the draft), and keeps the copy only if `work`
    /// succeeds.
    async fn transaction<T>(
        &self,
        work: impl FnOnce(&mut Shop) -> Result<T, Error>,
    ) -> Result<T, Error> {
        yield_now().await;
        let mut shop = self.lock();
        let mut draft = shop.clone();
        let result = work(&mut draft)?; // after an error, the draft is dropped: rollback
        *shop = draft; // commit
        Ok(result)
    }

    // ANCHOR: yours
    async fn record(&self, delivery: Delivery) -> Result<(), Error> {
        let record = self.transaction(|shop| {
            if !shop.deliveries.insert(delivery.id) {
                return Ok(());
            }
            for (item, pieces) in delivery.items {
                let in_stock = shop.stock.get_mut(&item).ok_or(UNKNOWN_ITEM)?;
                *in_stock = in_stock.saturating_add(pieces);
            }
            Ok(())
        });
        record.await
    }
    // ANCHOR_END: yours

    fn lock(&self) -> MutexGuard<'_, Shop> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn show_stock(State(storage): State<Storage>) -> Json<BTreeMap<String, u32>> {
    Json(storage.lock().stock.clone())
}
