//! What can go wrong with payments, and the response for it.

use axum::http::StatusCode;
use thiserror::Error;

use super::provider::ProviderError;
use super::webhook::{SIGNATURE_HEADER, SignatureError};
use crate::orders::error::OrderError;
use crate::orders::model::{OrderId, Status};
use crate::problem::{ErrorDetail, OUR_FAULT, Problem};
use crate::storage::StorageError;

/// Why a request about payments failed.
#[derive(Debug, Error)]
pub enum PaymentError {
    /// The service runs without an account at Stripe.
    #[error("Payments are turned off on this server")]
    Off,
    /// There is no such order, for this person.
    #[error(transparent)]
    Order(OrderError),
    /// A barista wants to pay for somebody else.
    #[error("Only the customer who placed an order can pay for it")]
    NotOwner,
    /// The order can't be paid, or not any more.
    #[error("Order {0} is {1}, so it can't be paid")]
    NotPlaced(OrderId, Status),
    /// The order costs less than Stripe takes.
    #[error("Order {0} costs less than 50 cents, which can't be paid online")]
    TooLittle(OrderId),
    /// The order will be canceled before somebody can pay for it.
    #[error("Order {0} has waited too long for a payment. Place a new order")]
    TooOld(OrderId),
    /// The customer has paid, and the money is on its way.
    #[error("The payment for order {0} is being processed")]
    Processing(OrderId),
    /// Money is there, but not what the order costs.
    #[error("Another amount was paid for order {0}. The shop has to look into it")]
    Mismatched(OrderId),
    /// The payment ended while its page was being created.
    #[error("The payment for order {0} has ended. Ask for a new one")]
    Ended(OrderId),
    /// There is no money that could go back, or the order was made already.
    #[error("Order {0} is {1}, and there is no money that can be sent back")]
    NotRefundable(OrderId, Status),
    /// An event isn't from Stripe, or was sent at another time.
    #[error("{SIGNATURE_HEADER} {0}")]
    Signature(#[from] SignatureError),
    /// An event is from Stripe, but isn't as this service expects it.
    #[error("the event can't be read")]
    Event(#[source] serde_json::Error),
    /// The payment provider didn't do what we asked for.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// An event says that money has to go back, and the payment provider didn't send it.
    #[error("a refund is due")]
    RefundDue(#[source] ProviderError),
    /// An event says that money has to go back, and no event has contained Stripe's id of the
    /// payment, its `payment_intent`.
    #[error(
        "a refund is due, but no event has contained the id of the PaymentIntent"
    )]
    NoMoneyId,
    /// The storage was busy, or it failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<OrderError> for PaymentError {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Storage(error) => Self::Storage(error),
            error => Self::Order(error),
        }
    }
}

impl From<&PaymentError> for Problem {
    fn from(error: &PaymentError) -> Self {
        let detail = error.to_string();
        match error {
            PaymentError::Off => Self::new(StatusCode::SERVICE_UNAVAILABLE, detail),
            PaymentError::Order(error) => Self::from(error),
            PaymentError::NotOwner => Self::new(StatusCode::FORBIDDEN, detail),
            PaymentError::NotPlaced(..)
            | PaymentError::TooLittle(_)
            | PaymentError::TooOld(_)
            | PaymentError::Processing(_)
            | PaymentError::Mismatched(_)
            | PaymentError::Ended(_)
            | PaymentError::NotRefundable(..) => {
                Self::new(StatusCode::CONFLICT, detail)
            }
            PaymentError::Signature(error) => {
                let detail =
                    ErrorDetail::in_header(SIGNATURE_HEADER, error.to_string());
                Self::invalid(StatusCode::BAD_REQUEST, vec![detail])
            }
            PaymentError::Event(error) => {
                let detail = format!("The event can't be read: {error}");
                Self::new(StatusCode::BAD_REQUEST, detail)
            }
            PaymentError::Provider(ProviderError::Refused(_)) => {
                Self::new(StatusCode::BAD_GATEWAY, REFUSED)
            }
            PaymentError::Provider(ProviderError::Unavailable(_)) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE)
            }
            PaymentError::Provider(ProviderError::OutcomeUnknown(_)) => Self {
                r#type: "/problems/outcome-unknown",
                title: "Outcome unknown",
                ..Self::new(StatusCode::BAD_GATEWAY, OUTCOME_UNKNOWN)
            },
            PaymentError::RefundDue(_) | PaymentError::NoMoneyId => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, OUR_FAULT)
            }
            PaymentError::Storage(error) => Self::from(error),
        }
    }
}

const REFUSED: &str = "The payment provider refused. The log of this server has the reason, with this x-request-id";
const UNAVAILABLE: &str = "The payment provider can't be reached, and nothing was done. \
                           Try again in a second";
const OUTCOME_UNKNOWN: &str = "The payment provider didn't answer. Try again: nothing will \
                               be done twice";
