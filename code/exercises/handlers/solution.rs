//! One way to solve the exercise of the chapter on handlers and errors.

use axum::Router;

/// A shop with one gift card: number 7, with a balance of 450 cents.
pub fn app() -> Router {
    routes::routes().with_state(services::GiftCards::with(7, 450))
}

mod routes {
    use axum::{
        Router,
        routing::{get, post},
    };

    use super::handlers::{pay, show_card, top_up};
    use super::services::GiftCards;

    // ANCHOR: routes
    pub(super) fn routes() -> Router<GiftCards> {
        Router::new()
            .route("/gift-cards/{number}", get(show_card))
            .route("/gift-cards/{number}/top-ups", post(top_up))
            .route("/gift-cards/{number}/payments", post(pay))
    }
    // ANCHOR_END: routes
}

mod handlers {
    use axum::{
        Json,
        extract::{Path, State},
    };
    use serde::Deserialize;

    use super::error::Error;
    use super::services::{GiftCard, GiftCards};

    pub(super) async fn show_card(
        State(cards): State<GiftCards>,
        Path(number): Path<u32>,
    ) -> Result<Json<GiftCard>, Error> {
        let card = cards.card(number)?;
        Ok(Json(card))
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Amount {
        cents: u32,
    }

    pub(super) async fn top_up(
        State(cards): State<GiftCards>,
        Path(number): Path<u32>,
        Json(amount): Json<Amount>,
    ) -> Result<Json<GiftCard>, Error> {
        let card = cards.top_up(number, amount.cents)?;
        Ok(Json(card))
    }

    // ANCHOR: pay-handler
    pub(super) async fn pay(
        State(cards): State<GiftCards>,
        Path(number): Path<u32>,
        Json(amount): Json<Amount>,
    ) -> Result<Json<GiftCard>, Error> {
        let card = cards.pay(number, amount.cents)?;
        Ok(Json(card))
    }
    // ANCHOR_END: pay-handler
}

mod error {
    use axum::{
        http::StatusCode,
        response::{IntoResponse, Response},
    };

    use super::services::CardError;

    /// Why a request gets an error response.
    pub(super) struct Error(CardError);

    impl From<CardError> for Error {
        fn from(error: CardError) -> Self {
            Self(error)
        }
    }

    impl IntoResponse for Error {
        fn into_response(self) -> Response {
            let Self(error) = self;
            (status(&error), error.to_string()).into_response()
        }
    }

    // ANCHOR: status
    fn status(error: &CardError) -> StatusCode {
        match error {
            CardError::UnknownCard(_) => StatusCode::NOT_FOUND,
            CardError::OverLimit | CardError::NotEnoughLeft => StatusCode::CONFLICT,
            CardError::NothingToPay => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
    // ANCHOR_END: status
}

mod services {
    use std::fmt;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    use serde::Serialize;

    /// The highest balance that a card may have, in cents.
    const LIMIT: u32 = 2_000;

    /// A card that a customer has paid for in advance.
    #[derive(Clone, Serialize)]
    pub(super) struct GiftCard {
        number: u32,
        balance_cents: u32,
    }

    // ANCHOR: card-error
    /// Why something can't be done with a gift card.
    pub(super) enum CardError {
        UnknownCard(u32),
        OverLimit,
        NotEnoughLeft,
        NothingToPay,
    }

    impl fmt::Display for CardError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Self::UnknownCard(number) => write!(f, "There is no card {number}"),
                Self::OverLimit => write!(f, "A card can hold {LIMIT} cents"),
                Self::NotEnoughLeft => write!(f, "The balance is too low"),
                Self::NothingToPay => write!(f, "cents must be at least 1"),
            }
        }
    }
    // ANCHOR_END: card-error

    #[derive(Clone)]
    pub(super) struct GiftCards(Arc<Mutex<Vec<GiftCard>>>);

    impl GiftCards {
        pub(super) fn with(number: u32, balance_cents: u32) -> Self {
            let card = GiftCard {
                number,
                balance_cents,
            };
            Self(Arc::new(Mutex::new(vec![card])))
        }

        pub(super) fn card(&self, number: u32) -> Result<GiftCard, CardError> {
            find(&mut self.lock(), number).cloned()
        }

        pub(super) fn top_up(
            &self,
            number: u32,
            cents: u32,
        ) -> Result<GiftCard, CardError> {
            let mut cards = self.lock();
            let card = find(&mut cards, number)?;
            if !fits(card.balance_cents, cents) {
                return Err(CardError::OverLimit);
            }
            card.balance_cents += cents;
            Ok(card.clone())
        }

        // ANCHOR: pay
        pub(super) fn pay(
            &self,
            number: u32,
            cents: u32,
        ) -> Result<GiftCard, CardError> {
            if cents == 0 {
                return Err(CardError::NothingToPay);
            }
            let mut cards = self.lock();
            let card = find(&mut cards, number)?;
            let left = card.balance_cents.checked_sub(cents);
            card.balance_cents = left.ok_or(CardError::NotEnoughLeft)?;
            Ok(card.clone())
        }
        // ANCHOR_END: pay

        fn lock(&self) -> MutexGuard<'_, Vec<GiftCard>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    // ANCHOR: fits
    fn fits(balance: u32, cents: u32) -> bool {
        // The sum could be more than a `u32` can hold. The difference can't be negative,
        // because no balance is over the limit.
        cents <= LIMIT - balance
    }
    // ANCHOR_END: fits

    fn find(
        cards: &mut [GiftCard],
        number: u32,
    ) -> Result<&mut GiftCard, CardError> {
        let mut cards = cards.iter_mut();
        let card = cards.find(|card| card.number == number);
        card.ok_or(CardError::UnknownCard(number))
    }
}
