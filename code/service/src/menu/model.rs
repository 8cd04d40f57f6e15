//! Items, and the rules that hold for them. Nothing here knows of HTTP or SQL.

use serde::{Deserialize, Serialize};

use super::error::{MenuError, StockError};
use crate::fields::FieldError;

/// Something that customers can order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Item {
    /// The id in a path, such as `flat-white`.
    pub id: ItemId,
    /// The name that customers read, such as `Flat white`.
    pub name: String,
    /// The price of one, in cents.
    pub price_cents: Cents,
    /// How many can still be sold.
    pub stock: u32,
    /// How often the item has changed, counted from 1. It is the `etag` of the item, and no
    /// part of the body.
    #[serde(skip)]
    pub version: u64,
}

/// Some of an item, to be taken out of the stock or put back into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portion {
    /// The item.
    pub item: ItemId,
    /// How many.
    pub quantity: u32,
}

/// An item of which less is left than somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// Which portion it is, counted from 0.
    pub portion: usize,
    /// The name of the item.
    pub name: String,
    /// How many are left.
    pub left: u32,
}

/// Takes portions out of the stock, if all of them are there. No two portions may be of the
/// same item.
///
/// `items` must contain the items of the portions, as far as they are on the menu. The
/// result has an item for each portion, with what is left of it.
///
/// # Errors
///
/// [`StockError::NotOnMenu`] and [`StockError::NotEnoughLeft`].
pub fn take(items: &[Item], portions: &[Portion]) -> Result<Vec<Item>, StockError> {
    let mut taken = Vec::new();
    let mut not_on_menu = Vec::new();
    let mut shortages = Vec::new();
    for (index, portion) in portions.iter().enumerate() {
        let Some(item) = items.iter().find(|item| item.id == portion.item) else {
            not_on_menu.push(index);
            continue;
        };
        match item.stock.checked_sub(portion.quantity) {
            Some(stock) => taken.push(Item {
                stock,
                version: item.version + 1,
                ..item.clone()
            }),
            None => shortages.push(Shortage {
                portion: index,
                name: item.name.clone(),
                left: item.stock,
            }),
        }
    }
    if !not_on_menu.is_empty() {
        return Err(StockError::NotOnMenu(not_on_menu));
    }
    if !shortages.is_empty() {
        return Err(StockError::NotEnoughLeft(shortages));
    }
    Ok(taken)
}

/// Puts portions back in stock, after an order was canceled.
pub fn put_back(items: &mut [Item], portions: &[Portion]) {
    for portion in portions {
        for item in items.iter_mut().filter(|item| item.id == portion.item) {
            item.stock = item.stock.saturating_add(portion.quantity);
            item.version += 1;
        }
    }
}

/// The body of `PUT /menu/{id}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ItemRequest {
    /// The name that customers read.
    #[cfg_attr(
        feature = "server",
        schema(
            min_length = 1,
            max_length = 100,
            pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
        )
    )]
    pub name: String,
    /// The price of one, in cents.
    #[cfg_attr(feature = "server", schema(maximum = 1_000_000))]
    pub price_cents: u32,
    /// How many can be sold.
    #[cfg_attr(feature = "server", schema(maximum = 1_000_000))]
    pub stock: u32,
}

/// What an item of the menu should be from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// The id.
    pub id: ItemId,
    /// The name: 1 to 100 characters.
    pub name: String,
    /// The price of one, in cents: at most 1,000,000.
    pub price_cents: Cents,
    /// How many can be sold: at most 1,000,000.
    pub stock: u32,
}

impl NewItem {
    /// Checks a request.
    ///
    /// # Errors
    ///
    /// All mistakes of the request.
    pub fn new(id: ItemId, request: ItemRequest) -> Result<Self, Vec<FieldError>> {
        let name = request.name.trim();
        // White space around the name counts here, as it does for the OpenAPI document.
        let checks = [
            (
                !name.is_empty()
                    && request.name.chars().count() <= 100
                    && !request.name.contains(char::is_control),
                FieldError::new(
                    "name",
                    "must have 1 to 100 characters, none of them a control character",
                ),
            ),
            (
                request.price_cents <= 1_000_000,
                FieldError::new("price_cents", "must be at most 1000000"),
            ),
            (
                request.stock <= 1_000_000,
                FieldError::new("stock", "must be at most 1000000"),
            ),
        ];
        let mistakes = checks.into_iter().filter(|(valid, _)| !valid);
        let mistakes: Vec<_> = mistakes.map(|(_, mistake)| mistake).collect();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Self {
            id,
            name: name.to_owned(),
            price_cents: Cents::new(request.price_cents),
            stock: request.stock,
        })
    }
}

/// Which version of an item a client expects to replace, so that it doesn't overwrite a
/// change that it hasn't seen (RFC 9110, section 13.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// `if-none-match: *`: there must be no such item.
    Nothing,
    /// `if-match: *`: there must be such an item, in any version.
    Anything,
    /// `if-match: "3"`: it must have one of these versions.
    Versions(Vec<u64>),
}

impl Expected {
    /// Whether the item, if there is one, is as the client expects.
    pub fn allows(&self, item: Option<&Item>) -> bool {
        match (self, item) {
            (Self::Nothing, None) | (Self::Anything, Some(_)) => true,
            (Self::Versions(versions), Some(item)) => {
                versions.contains(&item.version)
            }
            _ => false,
        }
    }

    /// The error for an item that isn't as the client expects.
    pub const fn unmet(&self) -> MenuError {
        match self {
            Self::Nothing => MenuError::Exists,
            Self::Anything | Self::Versions(_) => MenuError::Stale,
        }
    }
}

/// The id of an item: 1 to 50 lowercase letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "server", schema(pattern = "^[a-z0-9-]{1,50}$"))]
pub struct ItemId(String);

impl ItemId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An id that a repository has stored: it was valid when it was stored.
    #[cfg(feature = "server")]
    pub(crate) fn from_stored(id: String) -> Self {
        Self(id)
    }
}

impl TryFrom<String> for ItemId {
    type Error = FieldError;

    fn try_from(id: String) -> Result<Self, FieldError> {
        let allowed =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=50).contains(&id.len()) && id.bytes().all(allowed) {
            return Ok(Self(id));
        }
        let reason = "must be 1 to 50 lowercase letters, digits and hyphens";
        Err(FieldError::new("id", reason))
    }
}

/// An amount of money, in cents.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Cents(u32);

impl Cents {
    /// This many cents.
    pub const fn new(cents: u32) -> Self {
        Self(cents)
    }

    /// How many cents.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The price of several, if it fits.
    pub fn checked_mul(self, quantity: u32) -> Option<Self> {
        self.0.checked_mul(quantity).map(Self)
    }

    /// The sum, if it fits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

/// The menu of a shop that opens today.
pub fn opening_menu() -> Vec<Item> {
    let items = [
        ("croissant", "Croissant", 290, 1),
        ("espresso", "Espresso", 250, 40),
        ("flat-white", "Flat white", 380, 30),
        ("muffin", "Muffin", 310, 4),
        ("tea", "Tea", 220, 20),
    ];
    let items = items.map(|(id, name, price_cents, stock)| Item {
        id: ItemId(id.to_owned()),
        name: name.to_owned(),
        price_cents: Cents(price_cents),
        stock,
        version: 1,
    });
    items.to_vec()
}
