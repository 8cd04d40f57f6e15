//! What can go wrong with orders, and the response to each error.

use axum::http::StatusCode;
use thiserror::Error;

use super::model::{NOT_ON_MENU, OrderId, Status};
use crate::customers::error::CustomerError;
use crate::menu::error::StockError;
use crate::problem::{ErrorDetail, Problem};
use crate::storage::StorageError;

/// Why a request about orders failed.
#[derive(Debug, Error)]
pub enum OrderError {
    /// There is no such order, or it belongs to somebody else. The response is the same in
    /// both cases, so that nobody learns which orders exist.
    #[error("There is no order {0}")]
    UnknownOrder(OrderId),
    /// The items of a new order can't be taken out of the stock.
    #[error(transparent)]
    Stock(#[from] StockError),
    /// The total of a new order is higher than a payment can be.
    #[error("must cost less together")]
    TotalTooLarge,
    /// Somebody wants to set a status that only others may set.
    #[error("{}", who_may_set(*.0))]
    WrongRole(Status),
    /// The order can't change in this way now.
    #[error("Order {id} is {from}. {}", steps(*.to, .allowed))]
    NotNow {
        /// The order.
        id: OrderId,
        /// Its status.
        from: Status,
        /// The status that somebody wants to set.
        to: Status,
        /// The statuses that they can set instead.
        allowed: Vec<Status>,
    },
    /// A customer asks for the orders of another one.
    #[error("Only a barista can list the orders of another customer")]
    OthersOrders,
    /// The idempotency key came before, with another request.
    #[error("was used for a different order")]
    KeyReused,
    /// A request with the same idempotency key has been running for too long.
    #[error("An order with this idempotency-key is being placed. Try again later")]
    KeyInUse,
    /// It's not clear who sends the request, for example because the account was removed
    /// after the access token was made.
    #[error(transparent)]
    Customer(#[from] CustomerError),
    /// The storage was busy, or it failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

fn who_may_set(status: Status) -> &'static str {
    match status {
        Status::Made | Status::Collected => {
            "Only a barista can say that an order is made or collected"
        }
        Status::Canceled => "Only the customer who placed an order can cancel it",
        Status::Placed | Status::Paid => "Nobody can set this status",
    }
}

fn steps(to: Status, allowed: &[Status]) -> String {
    let allowed: Vec<_> = allowed.iter().map(|status| status.as_str()).collect();
    if allowed.is_empty() {
        return format!("You can't set it to {to} now, or to any other status");
    }
    let allowed = allowed.join(" or ");
    format!("You can't set it to {to} now. You can only set it to {allowed}")
}

impl From<&OrderError> for Problem {
    fn from(error: &OrderError) -> Self {
        let detail = error.to_string();
        match error {
            OrderError::UnknownOrder(_) => Self::new(StatusCode::NOT_FOUND, detail),
            OrderError::Stock(StockError::NotOnMenu(lines)) => {
                let at_line = |line| {
                    let pointer = format!("#/lines/{line}/item");
                    ErrorDetail::at_pointer(pointer, NOT_ON_MENU)
                };
                let errors = lines.iter().map(at_line).collect();
                Self::invalid(StatusCode::UNPROCESSABLE_ENTITY, errors)
            }
            OrderError::Stock(StockError::NotEnoughLeft(shortages)) => Self {
                errors: shortages
                    .iter()
                    .map(|shortage| {
                        let pointer =
                            format!("#/lines/{}/quantity", shortage.portion);
                        let detail = format!("must be at most {}", shortage.left);
                        ErrorDetail::at_pointer(pointer, detail)
                    })
                    .collect(),
                ..Self::new(StatusCode::CONFLICT, detail)
            },
            OrderError::TotalTooLarge => Self::invalid(
                StatusCode::UNPROCESSABLE_ENTITY,
                vec![ErrorDetail::at_pointer("#/lines", detail)],
            ),
            OrderError::WrongRole(_) | OrderError::OthersOrders => {
                Self::new(StatusCode::FORBIDDEN, detail)
            }
            OrderError::NotNow { .. } | OrderError::KeyInUse => {
                Self::new(StatusCode::CONFLICT, detail)
            }
            OrderError::KeyReused => Self::invalid(
                StatusCode::UNPROCESSABLE_ENTITY,
                vec![ErrorDetail::in_header("idempotency-key", detail)],
            ),
            OrderError::Customer(error) => Self::from(error),
            OrderError::Stock(StockError::Storage(error))
            | OrderError::Storage(error) => Self::from(error),
        }
    }
}
