//! Your turn: tests of stamp cards. `cargo exercise contracts` says what is met and what is
//! missing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::{Router, extract::Path, http::StatusCode, routing::get};
use code::exercise;

// ANCHOR: stamp-cards
/// The stamp cards of the shop's customers.
trait StampCards {
    /// How many stamps are on the card of a customer. A new card has none.
    fn stamps(&self, customer: &str) -> u32;

    /// Puts a stamp on the card of a customer, and on no other.
    fn stamp(&self, customer: &str);

    /// Takes ten stamps from the card for a free coffee, and returns `true`. With fewer
    /// stamps, the card stays as it is, and this returns `false`.
    fn redeem(&self, customer: &str) -> bool;
}
// ANCHOR_END: stamp-cards

// ANCHOR: complete
// 1. Finished example: this test passes with the correct implementation, and fails with
//    one in which a new card already has a stamp.
fn a_new_card_is_empty(cards: &dyn StampCards) {
    assert_eq!(cards.stamps("Ada"), 0);
}
// ANCHOR_END: complete

// ANCHOR: gap
// 2. Fill in the gap: this test must fail if all customers share one card.
fn every_customer_has_a_card_of_their_own(cards: &dyn StampCards) {
    cards.stamp("Ada");
    assert_eq!(cards.stamps("Ada"), 1);
    todo!("what must hold for the card of somebody else?")
}
// ANCHOR_END: gap

// ANCHOR: yours
// 3. Yours: test `redeem`. This test must fail with each of these mistakes:
//    - Nine stamps are enough for a free coffee.
//    - A free coffee takes no stamps from the card.
//    - A free coffee takes all stamps from the card instead of ten.
fn ten_stamps_are_worth_one_free_coffee(cards: &dyn StampCards) {
    let _ = cards.redeem("Ada");
}
// ANCHOR_END: yours

// You need not change anything from here on.

/// The cards of all customers, in memory.
struct Memory {
    stamps: Mutex<HashMap<String, u32>>,
    mistake: Option<Mistake>,
}

/// A mistake that is easy to make.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mistake {
    /// A new card has one stamp already.
    FirstStampIsFree,
    /// All customers share one card.
    OneCardForAll,
    /// Nine stamps are enough for a free coffee.
    NineAreEnough,
    /// A free coffee takes no stamps from the card.
    StampsStay,
    /// A free coffee takes all stamps from the card, however many it has.
    AllStampsGo,
}

impl Memory {
    fn with(mistake: Option<Mistake>) -> Self {
        let stamps = Mutex::default();
        Self { stamps, mistake }
    }

    /// Lets a function change the stamps of a customer.
    fn card<T>(&self, customer: &str, change: impl FnOnce(&mut u32) -> T) -> T {
        let shared = self.mistake == Some(Mistake::OneCardForAll);
        let owner = if shared { "everyone" } else { customer };
        let free = self.mistake == Some(Mistake::FirstStampIsFree);
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        let new = if free { 1 } else { 0 };
        change(stamps.entry(owner.to_owned()).or_insert(new))
    }
}

impl StampCards for Memory {
    fn stamps(&self, customer: &str) -> u32 {
        self.card(customer, |stamps| *stamps)
    }

    fn stamp(&self, customer: &str) {
        self.card(customer, |stamps| *stamps += 1);
    }

    fn redeem(&self, customer: &str) -> bool {
        let mistake = self.mistake;
        let price = if mistake == Some(Mistake::NineAreEnough) {
            9
        } else {
            10
        };
        self.card(customer, |stamps| {
            let enough = *stamps >= price;
            match mistake {
                _ if !enough => {}
                Some(Mistake::StampsStay) => {}
                Some(Mistake::AllStampsGo) => *stamps = 0,
                _ => *stamps -= price,
            }
            enough
        })
    }
}

/// `GET /TEST/CARDS` runs one of the tests above with one kind of cards, and says whether
/// it passed. That's how `cargo exercise` checks your tests.
pub fn app() -> Router {
    Router::new().route("/{test}/{cards}", get(run))
}

async fn run(
    Path((test, cards)): Path<(String, String)>,
) -> Result<String, StatusCode> {
    let test: fn(&dyn StampCards) = match test.as_str() {
        "empty" => a_new_card_is_empty,
        "own" => every_customer_has_a_card_of_their_own,
        "free" => ten_stamps_are_worth_one_free_coffee,
        _ => return Err(StatusCode::NOT_FOUND),
    };
    let mistake = match cards.as_str() {
        "right" => None,
        "first-stamp-is-free" => Some(Mistake::FirstStampIsFree),
        "one-card-for-all" => Some(Mistake::OneCardForAll),
        "nine-are-enough" => Some(Mistake::NineAreEnough),
        "stamps-stay" => Some(Mistake::StampsStay),
        "all-stamps-go" => Some(Mistake::AllStampsGo),
        _ => return Err(StatusCode::NOT_FOUND),
    };
    let cards = Memory::with(mistake);
    Ok(match exercise::try_test(|| test(&cards)) {
        Ok(()) => "passed".to_owned(),
        Err(message) => format!("failed: {message}"),
    })
}
