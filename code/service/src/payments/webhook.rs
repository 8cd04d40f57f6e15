//! Stripe's webhook: the signature of an event, and its content. Everything here is
//! computed from its arguments, so that a test needs neither a network nor a clock.

use std::collections::HashMap;

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use thiserror::Error;

/// The header with the signature.
pub const SIGNATURE_HEADER: &str = "stripe-signature";

/// How far the time of a signature may be from ours, in seconds. Somebody who has recorded
/// an event can't send it again later than that. It's the same as in Stripe's libraries.
pub const TOLERANCE: u64 = 300;

/// How many signatures a header may have, because each of them takes time to check. Stripe
/// sends one for each secret of ours.
const MAX_SIGNATURES: usize = 10;

/// How long a secret must be if the key is a live one, with its `whsec_`. Stripe's secrets are
/// longer. Those that somebody has made up for a test are usually shorter, such as the
/// `whsec_fake` of `examples/fake-stripe.rs`, which everybody can read.
const MIN_LENGTH: usize = 32;

/// The secrets that Stripe may have signed an event with. There is one for each endpoint
/// that is registered at Stripe, and two while one of them is being replaced.
#[derive(Debug, Clone)]
pub struct WebhookSecrets(Vec<SecretString>);

impl WebhookSecrets {
    // ANCHOR: secrets
    /// Reads secrets that are separated by commas.
    ///
    /// # Errors
    ///
    /// If a secret has the wrong form. The text of the error completes the sentence
    /// "STRIPE_WEBHOOK_SECRET must be …".
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        // If the secret contained whitespace, such as a line break that was copied with it,
        // no signature would ever match. You wouldn't notice until the first customer paid.
        let is_valid = |secret: &str| {
            secret.len() > "whsec_".len()
                && secret.starts_with("whsec_")
                && !secret.contains(char::is_whitespace)
        };
        if !text.split(',').all(is_valid) {
            return Err(
                "a secret such as whsec_…, or several, separated by commas, without whitespace",
            );
        }
        Ok(Self(text.split(',').map(SecretString::from).collect()))
    }
    // ANCHOR_END: secrets

    /// Whether each secret has at least 32 characters, as Stripe's have.
    pub fn are_long(&self) -> bool {
        let mut secrets = self.0.iter();
        secrets.all(|secret| secret.expose_secret().len() >= MIN_LENGTH)
    }
}

/// Why a request isn't accepted as an event that Stripe has just sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// The header is missing, it came twice, it isn't in Stripe's format, or it has too many
    /// signatures.
    #[error("must be there once, in the format t=…,v1=…")]
    Header,
    /// No signature was made for this body with one of our secrets.
    #[error("has no signature that matches the body")]
    Mismatch,
    /// The event was signed too long ago, or in the future.
    #[error("is more than 300 seconds away from this server's time")]
    Time,
}

/// Checks that Stripe has signed this body, and that it did so at this time.
///
/// The body must be the bytes that arrived: JSON that was read and written again may have
/// other bytes.
///
/// # Errors
///
/// See [`SignatureError`].
pub fn verify(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &WebhookSecrets,
    now: Timestamp,
) -> Result<(), SignatureError> {
    let mut values = headers.get_all(SIGNATURE_HEADER).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(SignatureError::Header);
    };
    let value = value.to_str().map_err(|_| SignatureError::Header)?;
    let SignatureHeader { time, signatures } = SignatureHeader::parse(value)?;

    // ANCHOR: matches
    // There may be several secrets and several signatures, for example while a secret is
    // being replaced. So compute an HMAC with each secret, and compare it with each
    // signature in the header.
    let matches = secrets.0.iter().any(|secret| {
        let key = secret.expose_secret().as_bytes();
        // HMAC accepts keys of any length, so `new_from_slice` never fails
        // here.
        Hmac::<Sha256>::new_from_slice(key).is_ok_and(|mac| {
            let mac = mac.chain_update(time).chain_update(b".").chain_update(body);
            // `verify_slice` always takes the same amount of time, wherever the
            // first difference is. With `==`, the time would reveal how many bytes
            // at the start of a forged signature are right.
            signatures
                .iter()
                .any(|s| mac.clone().verify_slice(s).is_ok())
        })
    });
    if !matches {
        return Err(SignatureError::Mismatch);
    }
    // ANCHOR_END: matches
    // ANCHOR: time
    let seconds: i64 = time.parse().map_err(|_| SignatureError::Header)?;
    if now.as_second().abs_diff(seconds) > TOLERANCE {
        return Err(SignatureError::Time);
    }
    Ok(())
    // ANCHOR_END: time
}

/// What the header says: `t=1772439300,v1=5257a869…,v1=…`.
struct SignatureHeader<'a> {
    /// When the event was signed: seconds since 1970, as Stripe wrote and signed them.
    time: &'a str,
    /// The signatures of the scheme `v1`.
    signatures: Vec<[u8; 32]>,
}

impl<'a> SignatureHeader<'a> {
    fn parse(value: &'a str) -> Result<Self, SignatureError> {
        let mut time = None;
        let mut signatures = Vec::new();
        for part in value.split(',') {
            match part.split_once('=').ok_or(SignatureError::Header)? {
                ("t", text) => {
                    let digits = text.bytes().all(|b| b.is_ascii_digit());
                    if text.is_empty() || !digits || time.replace(text).is_some() {
                        return Err(SignatureError::Header);
                    }
                }
                ("v1", hex) => signatures.extend(decode_hex(hex)),
                // Other schemes: `v0` is for events that only look like real ones.
                _ => {}
            }
        }
        let time = time.ok_or(SignatureError::Header)?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(SignatureError::Header);
        }
        Ok(Self { time, signatures })
    }
}

/// Reads a signature, which is written in hexadecimal digits.
fn decode_hex(text: &str) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|&[high, low]| u8::try_from(digit(high)? * 16 + digit(low)?).ok())
        .collect();
    bytes?.try_into().ok()
}

/// Something that has happened at Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The id. If Stripe sends an event again, it has the same id.
    pub id: String,
    /// What has happened.
    pub kind: EventKind,
}

/// What has happened. These are the kinds that the service uses, and the ones to choose
/// when you register its address at Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// `checkout.session.completed`: the customer has finished. The money is there, or it
    /// will come later, as `payment_status` says.
    Completed(CheckoutSession),
    /// `checkout.session.async_payment_succeeded`: the money has come later.
    AsyncPaymentSucceeded(CheckoutSession),
    /// `checkout.session.async_payment_failed`: the money won't come.
    AsyncPaymentFailed(CheckoutSession),
    /// `checkout.session.expired`: the customer didn't finish in time.
    Expired(CheckoutSession),
    /// `charge.refunded`: money went back to the customer.
    Refunded(Charge),
    /// Something that the service doesn't use.
    Other,
}

/// A Checkout Session: a page of Stripe's on which a customer pays once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CheckoutSession {
    /// The id, such as `cs_test_a1…`.
    pub id: String,
    /// What we told Stripe about the session when we created it.
    #[serde(default)]
    pub metadata: Option<HashMap<String, String>>,
    /// Whether the money is there.
    pub payment_status: PaymentStatus,
    /// The id of the payment, such as `pi_3…`: there is one once the customer has paid.
    #[serde(default)]
    pub payment_intent: Option<String>,
    /// The amount, in the smallest unit of the currency: for euros, in cents.
    #[serde(default)]
    pub amount_total: Option<i64>,
    /// The currency, in lowercase letters: `eur`.
    #[serde(default)]
    pub currency: Option<String>,
}

/// Whether the money for a session is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// The money is there.
    Paid,
    /// It isn't, or not yet.
    Unpaid,
    /// The session costs nothing. None of ours does.
    NoPaymentRequired,
    /// Something that Stripe has added since this was written.
    #[serde(other)]
    Unknown,
}

/// Money that was taken from a customer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Charge {
    /// The id of the payment, as in the session.
    #[serde(default)]
    pub payment_intent: Option<String>,
    /// What we told Stripe about the payment when we created the session.
    #[serde(default)]
    pub metadata: Option<HashMap<String, String>>,
    /// Whether all of the money went back. If a part did, it is false.
    pub refunded: bool,
}

impl Event {
    /// Reads an event whose signature was checked before.
    ///
    /// # Errors
    ///
    /// If it isn't JSON, or a field that we need is missing or different.
    pub fn parse(body: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Head {
            id: String,
            r#type: String,
        }

        // ANCHOR: kinds
        let Head { id, r#type } = serde_json::from_slice(body)?;
        let kind = match r#type.as_str() {
            "checkout.session.completed" => EventKind::Completed(object(body)?),
            "checkout.session.async_payment_succeeded" => {
                EventKind::AsyncPaymentSucceeded(object(body)?)
            }
            "checkout.session.async_payment_failed" => {
                EventKind::AsyncPaymentFailed(object(body)?)
            }
            "checkout.session.expired" => EventKind::Expired(object(body)?),
            "charge.refunded" => EventKind::Refunded(object(body)?),
            _ => EventKind::Other,
        };
        Ok(Self { id, kind })
        // ANCHOR_END: kinds
    }
}

/// The object that the event is about. Its type depends on that of the event.
fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    #[derive(Deserialize)]
    struct Body<T> {
        data: Data<T>,
    }
    #[derive(Deserialize)]
    struct Data<T> {
        object: T,
    }

    let body: Body<T> = serde_json::from_slice(body)?;
    Ok(body.data.object)
}

#[cfg(test)]
mod tests {
    use std::fmt::Display;

    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;

    const BODY: &[u8] = br#"{"id": "evt_1", "type": "customer.created"}"#;
    const SECRET: &str = "whsec_only-for-these-tests";
    const NOW: Timestamp = Timestamp::constant(1_772_439_300, 0);

    fn secrets(text: &str) -> WebhookSecrets {
        WebhookSecrets::parse(text).unwrap()
    }

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(SIGNATURE_HEADER, value);
        }
        headers
    }

    fn check(header: &str) -> Result<(), SignatureError> {
        verify(&headers(&[header]), BODY, &secrets(SECRET), NOW)
    }

    /// The header that Stripe sends with a body.
    fn sign(body: &[u8], secret: &str, time: impl Display) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        let mac = mac.chain_update(format!("{time}.")).chain_update(body);
        let bytes = mac.finalize().into_bytes();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("t={time},v1={hex}")
    }

    fn signed_at(seconds: i64) -> String {
        sign(BODY, SECRET, seconds)
    }

    fn our_header() -> String {
        signed_at(NOW.as_second())
    }

    // ANCHOR: by-stripe
    /// This header was generated by a function of Stripe's library for Node.js,
    /// `stripe.webhooks.generateTestHeaderString`, for the body, the secret and
    /// the time that these tests use.
    #[test]
    fn a_signature_from_stripes_own_library_is_accepted() {
        let header = "t=1772439300,v1=\
                      fefb8efb3fe182fc660900b47a6b3923409dfeab7eab858a33db2732fe14ff13";
        assert_eq!(check(header), Ok(()));
        assert_eq!(header, our_header());
    }
    // ANCHOR_END: by-stripe

    #[test]
    fn another_body_secret_or_time_does_not_match() {
        let check = |header: &str, body: &[u8], secret: &str| {
            verify(&headers(&[header]), body, &secrets(secret), NOW)
        };
        assert_eq!(check(&our_header(), BODY, SECRET), Ok(()));
        let mismatch = Err(SignatureError::Mismatch);
        assert_eq!(check(&our_header(), &BODY[1..], SECRET), mismatch);
        assert_eq!(check(&our_header(), b"", SECRET), mismatch);
        assert_eq!(check(&our_header(), BODY, "whsec_another"), mismatch);
        let later = our_header().replace("t=1772439300", "t=1772439301");
        assert_eq!(check(&later, BODY, SECRET), mismatch);
    }

    #[test]
    fn a_change_in_any_digit_of_the_signature_does_not_match() {
        let header = our_header();
        let first = header.find("v1=").unwrap() + 3;
        assert_eq!(header.len(), first + 64);
        for place in first..header.len() {
            let mut forged = header.clone().into_bytes();
            forged[place] = if forged[place] == b'0' { b'1' } else { b'0' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(check(&forged), Err(SignatureError::Mismatch), "{forged}");
        }
    }

    #[test]
    fn a_signature_is_accepted_for_300_seconds_in_both_directions() {
        for (seconds, expected) in [
            (-301, Err(SignatureError::Time)),
            (-300, Ok(())),
            (0, Ok(())),
            (300, Ok(())),
            (301, Err(SignatureError::Time)),
        ] {
            let header = signed_at(NOW.as_second() + seconds);
            assert_eq!(check(&header), expected, "{seconds}");
        }
        assert_eq!(check(&signed_at(0)), Err(SignatureError::Time));
        assert_eq!(check(&signed_at(i64::MAX)), Err(SignatureError::Time));
    }

    #[test]
    fn every_signature_is_tried_with_every_secret() {
        let both = secrets("whsec_old,whsec_new");
        let check = |header: &str| verify(&headers(&[header]), BODY, &both, NOW);
        let time = NOW.as_second();
        for secret in ["whsec_old", "whsec_new"] {
            let header = sign(BODY, secret, time);
            assert_eq!(check(&header), Ok(()));
            let signature = header.split_once(",").unwrap().1;
            let wrong = format!("v1={}", "ab".repeat(32));
            for several in [
                format!("t={time},{wrong},{signature}"),
                format!("t={time},{signature},{wrong}"),
                format!("{signature},v0=1,v1=zz,t={time}"),
            ] {
                assert_eq!(check(&several), Ok(()), "{several}");
            }
        }
        let other = sign(BODY, "whsec_other", time);
        assert_eq!(check(&other), Err(SignatureError::Mismatch));
    }

    #[test]
    fn a_header_has_ten_signatures_at_most() {
        let signed = our_header();
        let (time, signature) = signed.split_once(',').unwrap();
        let wrong = format!("v1={},", "ab".repeat(32));
        let header = |number| format!("{time},{}{signature}", wrong.repeat(number));
        assert_eq!(check(&header(9)), Ok(()));
        assert_eq!(check(&header(10)), Err(SignatureError::Header));
    }

    #[test]
    fn a_header_in_another_format_is_an_error() {
        let signature = our_header().split_once(',').unwrap().1.to_owned();
        for header in [
            "",
            "t",
            "t=1772439300,v1",
            &signature,
            &format!("t=,{signature}"),
            &format!("t=-1772439300,{signature}"),
            &format!("t=+1772439300,{signature}"),
            &format!("t=1772439300.0,{signature}"),
            &format!("t=1772439300,t=1772439300,{signature}"),
        ] {
            assert_eq!(check(header), Err(SignatureError::Header), "{header}");
        }
        for header in [
            "t=1772439300",
            "t=1772439300,v1=",
            "t=1772439300,v1=0",
            &format!("t=1772439300,v1={}", "+f".repeat(32)),
            &format!("t=1772439300,v1={}", "é".repeat(32)),
            &our_header().replace("v1", "v0"),
            &our_header()[..our_header().len() - 2],
            &format!("{}00", our_header()),
        ] {
            assert!(check(header).is_err(), "{header}");
        }
        // No timestamp of 64 bits has so many digits, even if the signature is right.
        let header = sign(BODY, SECRET, "9".repeat(30));
        assert_eq!(check(&header), Err(SignatureError::Header));
    }

    #[test]
    fn a_header_that_is_missing_or_repeated_is_an_error() {
        let check =
            |values: &[&str]| verify(&headers(values), BODY, &secrets(SECRET), NOW);
        assert_eq!(check(&[]), Err(SignatureError::Header));
        assert_eq!(
            check(&[&our_header(), &our_header()]),
            Err(SignatureError::Header)
        );
        assert_eq!(check(&["\u{e9}"]), Err(SignatureError::Header));
        assert_eq!(check(&[&our_header()]), Ok(()));
    }

    #[test]
    fn a_secret_with_white_space_is_refused_at_the_start() {
        for text in [
            "",
            ",",
            "whsec_",
            "whsec_a,",
            "whsec_a, whsec_b",
            "whsec_a\n",
            " whsec_a",
            "whsec_a b",
            "sk_test_a",
        ] {
            assert!(WebhookSecrets::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(secrets("whsec_a,whsec_b").0.len(), 2);
        let shown = format!("{:?}", secrets("whsec_a"));
        assert!(!shown.contains("whsec_a"), "{shown}");
    }

    fn event(kind: &str, object: serde_json::Value) -> Vec<u8> {
        let event = json!({
            "id": "evt_1", "object": "event", "type": kind, "data": { "object": object }
        });
        event.to_string().into()
    }

    #[test]
    fn an_event_of_each_kind_is_read() {
        let session = json!({
            "id": "cs_1", "object": "checkout.session", "payment_status": "paid",
            "payment_intent": "pi_1", "amount_total": 670, "currency": "eur",
            "metadata": { "payment": "p1" }
        });
        let expected = CheckoutSession {
            id: "cs_1".into(),
            metadata: Some([("payment".into(), "p1".into())].into()),
            payment_status: PaymentStatus::Paid,
            payment_intent: Some("pi_1".into()),
            amount_total: Some(670),
            currency: Some("eur".into()),
        };
        for (name, kind) in [
            ("completed", EventKind::Completed(expected.clone())),
            (
                "async_payment_succeeded",
                EventKind::AsyncPaymentSucceeded(expected.clone()),
            ),
            (
                "async_payment_failed",
                EventKind::AsyncPaymentFailed(expected.clone()),
            ),
            ("expired", EventKind::Expired(expected)),
        ] {
            let body = event(&format!("checkout.session.{name}"), session.clone());
            let id = "evt_1".into();
            assert_eq!(Event::parse(&body).unwrap(), Event { id, kind });
        }
        let charge =
            json!({ "id": "ch_1", "payment_intent": "pi_1", "refunded": true });
        let event = Event::parse(&event("charge.refunded", charge)).unwrap();
        let expected = Charge {
            payment_intent: Some("pi_1".into()),
            metadata: None,
            refunded: true,
        };
        assert_eq!(event.kind, EventKind::Refunded(expected));
    }

    #[test]
    fn an_expired_session_has_no_payment() {
        let object = json!({
            "id": "cs_1", "payment_status": "unpaid", "payment_intent": null,
            "amount_total": 670, "currency": "eur", "metadata": {}
        });
        let event = event("checkout.session.expired", object);
        let EventKind::Expired(session) = Event::parse(&event).unwrap().kind else {
            panic!("another kind of event")
        };
        assert_eq!(session.payment_status, PaymentStatus::Unpaid);
        assert_eq!(session.payment_intent, None);
    }

    #[test]
    fn other_kinds_of_events_are_read_with_any_content() {
        for body in [
            event("customer.created", json!({})),
            event("invoice.paid", json!([1, "two", null])),
            BODY.to_vec(),
        ] {
            assert_eq!(Event::parse(&body).unwrap().kind, EventKind::Other);
        }
    }

    #[test]
    fn an_event_without_what_we_need_is_an_error() {
        for body in [
            b"".to_vec(),
            b"[]".to_vec(),
            b"{}".to_vec(),
            br#"{"id": 1, "type": "customer.created"}"#.to_vec(),
            br#"{"id": "evt_1", "type": "charge.refunded"}"#.to_vec(),
            event("charge.refunded", json!({})),
            event("checkout.session.completed", json!({ "id": "cs_1" })),
        ] {
            assert!(Event::parse(&body).is_err());
        }
    }
}
