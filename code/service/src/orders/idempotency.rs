//! Idempotency keys: a client that got no response may send its order again, and it is
//! placed only once.
//!
//! There is no standard for this. The `idempotency-key` header was described in an Internet
//! draft of the IETF (draft-ietf-httpapi-idempotency-key-header), which has expired. Here, as
//! in the API of Stripe, a key belongs to one customer and to one request, and the response
//! is stored with the order, in one transaction.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::model::{NewOrder, Order};
use crate::storage::StorageError;

// ANCHOR: keep
/// How long keys are kept, in milliseconds: 24 hours. After that, a request with the same key
/// can place another order.
const KEEP: i64 = 24 * 60 * 60 * 1000;
// ANCHOR_END: keep

/// Keys from this time or earlier are no longer kept.
pub(super) fn keys_end(now: Timestamp) -> Timestamp {
    let end = now.as_millisecond().saturating_sub(KEEP);
    Timestamp::from_millisecond(end).unwrap_or(Timestamp::MIN)
}

/// A name that the client gives to its request: 1 to 255 visible ASCII characters, such as
/// those of a UUID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&[u8]> for IdempotencyKey {
    type Error = &'static str;

    fn try_from(key: &[u8]) -> Result<Self, Self::Error> {
        let valid = (1..=255).contains(&key.len())
            && key.iter().all(|byte| byte.is_ascii_graphic());
        match str::from_utf8(key) {
            Ok(key) if valid => Ok(Self(key.to_owned())),
            _ => Err("must have 1 to 255 visible ASCII characters"),
        }
    }
}

/// Tells requests apart: two orders with the same fingerprint ask for the same. It is a
/// SHA-256 hash, since a table that has the orders twice would only be larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    // ANCHOR: fingerprint
    /// The fingerprint of an order. Spaces in the JSON make no difference, because the
    /// fingerprint is made from the order after its JSON has been parsed.
    pub fn of(new: &NewOrder) -> Self {
        let mut hash = Sha256::new();
        for line in new.lines() {
            // A line break follows each quantity, and neither an id nor a note
            // contains one. So two different orders never give the hash the same
            // input.
            hash.update(line.item.as_str());
            hash.update(format!(" {}\n", line.quantity.get()));
        }
        hash.update(new.note().map_or("", |note| note.as_str()));
        Self(hash.finalize().into())
    }
    // ANCHOR_END: fingerprint

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

// ANCHOR: answer
/// The response to an order that was placed. The service stores it, and sends it again
/// if the request is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status of the response.
    pub status: u16,
    /// The path of the order.
    pub location: String,
    /// The order as JSON.
    pub body: String,
}
// ANCHOR_END: answer

impl Answer {
    /// The response for an order that has just been placed.
    ///
    /// # Errors
    ///
    /// If the order can't be written as JSON.
    pub fn created(order: &Order) -> Result<Self, StorageError> {
        let body = serde_json::to_string(order);
        Ok(Self {
            status: 201,
            location: format!("/orders/{}", order.id),
            body: body.map_err(|error| StorageError::Failed(error.into()))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::{LineRequest, OrderRequest};

    fn fingerprint(lines: &[(&str, u32)], note: Option<&str>) -> Fingerprint {
        let line = |&(item, quantity): &(&str, u32)| LineRequest {
            item: item.into(),
            quantity,
        };
        let request = OrderRequest {
            lines: lines.iter().map(line).collect(),
            note: note.map(Into::into),
        };
        Fingerprint::of(&NewOrder::try_from(request).unwrap())
    }

    #[test]
    fn orders_that_differ_have_different_fingerprints() {
        let tea = fingerprint(&[("tea", 1)], None);
        assert_eq!(tea, fingerprint(&[("tea", 1)], None));
        for other in [
            fingerprint(&[("tea", 2)], None),
            fingerprint(&[("tea", 10)], None),
            fingerprint(&[("muffin", 1)], None),
            fingerprint(&[("tea", 1)], Some("hot")),
            fingerprint(&[("tea", 1)], Some("muffin 1")),
            fingerprint(&[("tea", 1), ("muffin", 1)], None),
        ] {
            assert_ne!(tea, other);
        }
    }
}
