//! The client of Stripe's API, against a stand-in for it on an address of its own.

#![cfg(feature = "server")]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

use std::time::Duration;

use jiff::Timestamp;
use service::clock::Random;
use service::menu::model::Cents;
use service::payments::provider::{
    Ended, NewSession, PaymentProvider, ProviderError, Refund,
};
use service::payments::stripe::{Stripe, Timeouts};

#[path = "support/stripe.rs"]
mod stripe_api;

use stripe_api::{Fault, SECRET_KEY, StripeApi};

/// Long for what happens, and short for what doesn't.
const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(30),
    response: Duration::from_secs(30),
    total: Duration::from_secs(60),
    first_pause: Duration::from_millis(1),
};

/// For the tests in which Stripe doesn't answer.
const SHORT: Timeouts = Timeouts {
    response: Duration::from_millis(100),
    ..TIMEOUTS
};

fn client(url: &str, secret_key: &str, timeouts: Timeouts) -> Stripe {
    let random = Random::new(|| [7; 32]);
    let shop = "https://shop.example";
    Stripe::new(url, &secret_key.into(), shop, random, timeouts).unwrap()
}

async fn start() -> (StripeApi, Stripe) {
    let api = StripeApi::start().await;
    let stripe = client(&api.url, SECRET_KEY, TIMEOUTS);
    (api, stripe)
}

fn new_session() -> NewSession {
    NewSession {
        reference: "p1".into(),
        order: 7,
        amount: Cents::new(670),
        expires_at: Timestamp::from_second(1_772_441_160).unwrap(),
    }
}

fn refund() -> Refund {
    Refund {
        reference: "p1".into(),
        payment_intent: "pi_1".into(),
    }
}

#[tokio::test]
async fn a_session_has_the_total_of_the_order_and_an_idempotency_key() {
    let (api, stripe) = start().await;
    let session = stripe.create_session(&new_session()).await.unwrap();
    assert_eq!(session.id, "cs_test_1");
    assert_eq!(session.url, "https://checkout.stripe.com/c/pay/cs_test_1");

    let [request] = api.received().try_into().unwrap();
    assert_eq!(request.path, "/v1/checkout/sessions");
    assert_eq!(request.key(), "session-p1");
    let expected = [
        ("mode", "payment"),
        ("line_items[0][quantity]", "1"),
        ("line_items[0][price_data][currency]", "eur"),
        ("line_items[0][price_data][unit_amount]", "670"),
        ("line_items[0][price_data][product_data][name]", "Order 7"),
        ("adaptive_pricing[enabled]", "false"),
        ("client_reference_id", "7"),
        ("metadata[payment]", "p1"),
        ("payment_intent_data[metadata][payment]", "p1"),
        ("success_url", "https://shop.example/orders/7"),
        ("cancel_url", "https://shop.example/orders/7"),
        ("expires_at", "1772441160"),
    ];
    let expected = expected.map(|(name, value)| (name.into(), value.into()));
    assert_eq!(request.form, expected.into());
}

// ANCHOR: three-times
#[tokio::test]
async fn a_call_is_tried_three_times_with_the_same_key() {
    for status in [409, 424, 429, 500, 502, 503] {
        let (api, stripe) = start().await;
        api.fail([Fault::Status(status), Fault::Status(status)]);
        let session = stripe.create_session(&new_session()).await.unwrap();
        assert_eq!(session.id, "cs_test_1");
        let keys: Vec<_> =
            api.received().iter().map(|r| r.key().to_owned()).collect();
        assert_eq!(keys, ["session-p1"; 3], "{status}");
    }
}
// ANCHOR_END: three-times

#[tokio::test]
async fn a_call_is_not_tried_for_a_fourth_time() {
    for (status, unknown) in [(429, false), (424, true), (500, true)] {
        let (api, stripe) = start().await;
        api.fail(vec![Fault::Status(status); 3]);
        let error = stripe.refund(&refund()).await.unwrap_err();
        let is_unknown = matches!(error, ProviderError::OutcomeUnknown(_));
        assert_eq!(is_unknown, unknown, "{error:?}");
        assert_eq!(api.received().len(), 3);
    }
}

#[tokio::test]
async fn a_response_that_was_lost_is_repeated_and_nothing_is_done_twice() {
    for fault in [Fault::HangAfterwards, Fault::BreakOff] {
        let api = StripeApi::start().await;
        let stripe = client(&api.url, SECRET_KEY, SHORT);
        api.fail([fault.clone()]);
        let session = stripe.create_session(&new_session()).await.unwrap();
        assert_eq!(session.id, "cs_test_1");
        api.fail([fault]);
        stripe.refund(&refund()).await.unwrap();
        assert_eq!(api.refunds(), ["pi_1"]);
        assert_eq!(api.received().len(), 4);
    }
}

#[tokio::test]
async fn without_a_response_the_outcome_is_unknown() {
    let api = StripeApi::start().await;
    let stripe = client(&api.url, SECRET_KEY, SHORT);
    api.fail(vec![Fault::Hang; 3]);
    let error = stripe.refund(&refund()).await.unwrap_err();
    assert!(
        matches!(error, ProviderError::OutcomeUnknown(_)),
        "{error:?}"
    );
    assert_eq!(api.received().len(), 3);

    // Stripe was too busy at the last try, but the first may have done it.
    api.fail([Fault::Hang, Fault::Status(429), Fault::Status(429)]);
    let error = stripe.refund(&refund()).await.unwrap_err();
    assert!(
        matches!(error, ProviderError::OutcomeUnknown(_)),
        "{error:?}"
    );
}

#[tokio::test]
async fn all_tries_together_have_a_limit() {
    let api = StripeApi::start().await;
    let timeouts = Timeouts {
        total: Duration::from_millis(50),
        ..TIMEOUTS
    };
    let stripe = client(&api.url, SECRET_KEY, timeouts);
    api.fail([Fault::Hang]);
    let error = stripe.refund(&refund()).await.unwrap_err();
    assert!(
        matches!(error, ProviderError::OutcomeUnknown(_)),
        "{error:?}"
    );

    // The pause would end after the limit, so there is no second try.
    let timeouts = Timeouts {
        total: Duration::from_secs(30),
        first_pause: Duration::from_secs(61),
        ..TIMEOUTS
    };
    let stripe = client(&api.url, SECRET_KEY, timeouts);
    api.fail([Fault::Status(500)]);
    stripe.refund(&refund()).await.unwrap_err();
    assert_eq!(api.received().len(), 2);
}

#[tokio::test]
async fn stripe_says_when_another_try_is_useless() {
    let (api, stripe) = start().await;
    api.fail([Fault::Final(500)]);
    let error = stripe.refund(&refund()).await.unwrap_err();
    assert!(
        matches!(error, ProviderError::OutcomeUnknown(_)),
        "{error:?}"
    );
    assert_eq!(api.received().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_not_tried_again_and_says_why() {
    let api = StripeApi::start().await;
    let stripe = client(&api.url, "sk_test_wrong", TIMEOUTS);
    let error = stripe.create_session(&new_session()).await.unwrap_err();
    let ProviderError::Refused(source) = error else {
        panic!("{error:?}");
    };
    let text = source.to_string();
    assert!(text.contains("401"), "{text}");
    assert!(text.contains("Invalid API Key"), "{text}");
    assert_eq!(api.received().len(), 1);
}

#[tokio::test]
async fn without_a_connection_nothing_was_done() {
    // A port that was free a moment ago, and that nobody listens on.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let stripe = client(&url, SECRET_KEY, TIMEOUTS);
    let error = stripe.refund(&refund()).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_session_that_is_not_open_is_not_expired() {
    let (api, stripe) = start().await;
    let session = stripe.create_session(&new_session()).await.unwrap();
    for _ in 0..2 {
        let ended = stripe.expire_session(&session.id).await.unwrap();
        assert_eq!(ended, Ended::Expired);
        assert_eq!(api.status(&session.id), "expired");
    }

    let another = NewSession {
        reference: "p2".into(),
        ..new_session()
    };
    let session = stripe.create_session(&another).await.unwrap();
    api.complete(&session.id);
    let ended = stripe.expire_session(&session.id).await.unwrap();
    assert_eq!(ended, Ended::Complete);
    assert_eq!(api.status(&session.id), "complete");
}

#[tokio::test]
async fn what_was_refunded_before_is_refunded() {
    let (api, stripe) = start().await;
    stripe.refund(&refund()).await.unwrap();
    let later = Refund {
        reference: "p2".into(),
        ..refund()
    };
    stripe.refund(&later).await.unwrap();
    assert_eq!(api.refunds(), ["pi_1"]);
}

#[tokio::test]
async fn a_key_that_no_header_can_hold_is_an_error_at_the_start() {
    let random = Random::new(|| [7; 32]);
    let key = "sk_test\n".into();
    let stripe = Stripe::new("http://127.0.0.1", &key, "", random, TIMEOUTS);
    assert!(stripe.is_err());
}

/// Nobody at this address speaks TLS: that the client notices shows that it does.
#[tokio::test]
async fn an_address_with_https_is_called_with_tls() {
    let api = StripeApi::start().await;
    let url = api.url.replace("http://", "https://");
    let stripe = client(&url, SECRET_KEY, TIMEOUTS);
    let error = stripe.refund(&refund()).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable(_)), "{error:?}");
    assert!(api.received().is_empty());
}
