//! Your turn: gift cards. `cargo exercise handlers` says what is met and what is
//! missing. Each layer is a `mod` of this file, so that you see all of them at once.

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

    use super::handlers::{show_card, top_up};
    use super::services::GiftCards;

    pub(super) fn routes() -> Router<GiftCards> {
        Router::new()
            .route("/gift-cards/{number}", get(show_card))
            .route("/gift-cards/{number}/top-ups", post(top_up))
        // 3. Yours: POST /gift-cards/{number}/payments
    }
}

mod handlers {
    use axum::{
        Json,
        extract::{Path, State},
    };
    use serde::Deserialize;

    use super::error::Error;
    use super::services::{GiftCard, GiftCards};

    // ANCHOR: complete-handler
    pub(super) async fn show_card(
        State(cards): State<GiftCards>,
        Path(number): Path<u32>,
    ) -> Result<Json<GiftCard>, Error> {
        let card = cards.card(number)?;
        Ok(Json(card))
    }
    // ANCHOR_END: complete-handler

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

    // ANCHOR: gap-status
    // 2. Fill in this gap, too: the status code for `OverLimit`.
    fn status(error: &CardError) -> StatusCode {
        match error {
            CardError::UnknownCard(_) => StatusCode::NOT_FOUND,
            CardError::OverLimit => {
                todo!("the request is valid, but the balance is too high for it")
            }
        }
    }
    // ANCHOR_END: gap-status
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

    /// Why something can't be done with a gift card.
    pub(super) enum CardError {
        UnknownCard(u32),
        OverLimit,
    }

    impl fmt::Display for CardError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Self::UnknownCard(number) => write!(f, "There is no card {number}"),
                Self::OverLimit => write!(f, "A card can hold {LIMIT} cents"),
            }
        }
    }

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

        // ANCHOR: complete
        // 1. Finished example: find a card.
        pub(super) fn card(&self, number: u32) -> Result<GiftCard, CardError> {
            find(&mut self.lock(), number).cloned()
        }
        // ANCHOR_END: complete

        // 2. Fill in the gap: add an amount to a card, up to the limit.
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

        // ANCHOR: yours
        // 3. Yours: pay with a card.
        //    POST /gift-cards/{number}/payments takes { "cents": 200 }.
        //    200: paid. The body is the card.
        //    404: there is no card with this number.
        //    409: the balance is lower than the amount.
        //    422: the amount is zero.
        //    After an error, the balance is the same as before.
        // ANCHOR_END: yours

        fn lock(&self) -> MutexGuard<'_, Vec<GiftCard>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    // ANCHOR: gap-rule
    fn fits(balance: u32, cents: u32) -> bool {
        todo!("return true if {balance} + {cents} is at most {LIMIT}")
    }
    // ANCHOR_END: gap-rule

    fn find(
        cards: &mut [GiftCard],
        number: u32,
    ) -> Result<&mut GiftCard, CardError> {
        let mut cards = cards.iter_mut();
        let card = cards.find(|card| card.number == number);
        card.ok_or(CardError::UnknownCard(number))
    }
}
