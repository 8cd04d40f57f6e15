//! Orders, and the rules that hold for them. Nothing here knows of HTTP or SQL.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::error::OrderError;
use crate::customers::model::{CustomerId, Identity, Role};
use crate::fields::FieldError;
use crate::menu::model::{Cents, Item, ItemId, Portion};

/// The number of an order. It is unique, and never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OrderId(u64);

impl OrderId {
    /// The order with this number.
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An order that was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Order {
    /// The number in its path.
    pub id: OrderId,
    /// The customer who placed it.
    pub customer: CustomerId,
    /// What was ordered.
    pub lines: Vec<Line>,
    /// A special request, such as "oat milk".
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub note: Option<Note>,
    /// What all lines cost together, in cents. Only the server computes it.
    pub total_cents: Cents,
    /// How far the order has come.
    pub status: Status,
    /// When the order was placed, to the millisecond.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub placed_at: Timestamp,
}

/// One line of an order, with the name and the price that the item had when the order was
/// placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Line {
    /// The id of the item.
    pub item: ItemId,
    /// The name of the item.
    pub name: String,
    /// How many of the item.
    pub quantity: Quantity,
    /// The price of one, in cents.
    pub unit_price_cents: Cents,
}

impl Order {
    // ANCHOR: is-visible-to
    /// Whether this person may see the order: a barista sees every order, and a
    /// customer sees only their own.
    pub fn is_visible_to(&self, identity: &Identity) -> bool {
        identity.role == Role::Barista || identity.customer == self.customer
    }
    // ANCHOR_END: is-visible-to

    /// Checks that somebody may set this status now.
    ///
    /// # Errors
    ///
    /// [`OrderError::UnknownOrder`] if they may not even see the order. Then
    /// [`OrderError::WrongRole`] and [`OrderError::NotNow`].
    // ANCHOR: check-step
    pub fn check_step(
        &self,
        identity: &Identity,
        to: Status,
    ) -> Result<(), OrderError> {
        if !self.is_visible_to(identity) {
            return Err(OrderError::UnknownOrder(self.id));
        }
        // A barista may also be the customer who placed the order.
        let owner = (identity.customer == self.customer).then_some(Actor::Customer);
        let barista = (identity.role == Role::Barista).then_some(Actor::Barista);
        let actors: Vec<_> = [owner, barista].into_iter().flatten().collect();
        self.check_step_of(&actors, to)
    }
    // ANCHOR_END: check-step

    /// Checks that somebody who acts in these ways may set this status now.
    ///
    /// # Errors
    ///
    /// [`OrderError::WrongRole`] if they never may, and [`OrderError::NotNow`] if they may
    /// when the order has another status.
    // ANCHOR: check-step-of
    pub fn check_step_of(
        &self,
        actors: &[Actor],
        to: Status,
    ) -> Result<(), OrderError> {
        let statuses_after =
            |from: Status| actors.iter().flat_map(move |&a| from.next(a));
        let allowed: Vec<_> = statuses_after(self.status).copied().collect();
        if allowed.contains(&to) {
            return Ok(());
        }
        if !Status::ALL
            .into_iter()
            .flat_map(statuses_after)
            .any(|&s| s == to)
        {
            return Err(OrderError::WrongRole(to));
        }
        Err(OrderError::NotNow {
            id: self.id,
            from: self.status,
            to,
            allowed,
        })
    }
    // ANCHOR_END: check-step-of

    /// What the order took out of the stock.
    pub fn portions(&self) -> Vec<Portion> {
        let portion = |line: &Line| Portion {
            item: line.item.clone(),
            quantity: line.quantity.get(),
        };
        self.lines.iter().map(portion).collect()
    }
}

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Status {
    /// The customer has to pay.
    Placed,
    /// A barista has to make it.
    Paid,
    /// The customer can collect it.
    Made,
    /// The customer has it.
    Collected,
    /// It will not be made, and its items are back in the stock.
    Canceled,
}

/// Who changes the status of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The customer who placed the order.
    Customer,
    /// A barista.
    Barista,
    /// The `payments` feature, after Stripe has said what happened to the money.
    Payments,
}

impl Status {
    /// All statuses.
    pub const ALL: [Self; 5] = [
        Self::Placed,
        Self::Paid,
        Self::Made,
        Self::Collected,
        Self::Canceled,
    ];

    // ANCHOR: next
    /// The statuses that an actor may set after this one. All steps that an order can take
    /// are in this `match`, and nowhere else.
    pub const fn next(self, actor: Actor) -> &'static [Self] {
        match (self, actor) {
            (Self::Placed, Actor::Customer) => &[Self::Canceled],
            (Self::Placed, Actor::Payments) => &[Self::Paid, Self::Canceled],
            (Self::Paid, Actor::Barista) => &[Self::Made],
            (Self::Paid, Actor::Payments) => &[Self::Canceled],
            (Self::Made, Actor::Barista) => &[Self::Collected],
            _ => &[],
        }
    }
    // ANCHOR_END: next

    /// The status as clients and databases write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Paid => "paid",
            Self::Made => "made",
            Self::Collected => "collected",
            Self::Canceled => "canceled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The body of `POST /orders`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OrderRequest {
    /// What is ordered: 1 to 20 lines.
    #[cfg_attr(feature = "server", schema(min_items = 1, max_items = 20))]
    pub lines: Vec<LineRequest>,
    /// A special request, such as "oat milk".
    #[cfg_attr(feature = "server", schema(value_type = Option<Note>))]
    pub note: Option<String>,
}

// ANCHOR: line-request
/// One line of an order: an item and its quantity.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LineRequest {
    /// The id of an item.
    #[cfg_attr(feature = "server", schema(value_type = ItemId))]
    pub item: String,
    /// How many, from 1 to 10.
    #[cfg_attr(feature = "server", schema(value_type = Quantity))]
    pub quantity: u32,
}
// ANCHOR_END: line-request

/// The body of `PATCH /orders/{id}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct StatusRequest {
    /// The new status.
    pub status: RequestedStatus,
}

// ANCHOR: requested-status
/// The statuses that a client may ask for. `Paid` isn't one of them: only Stripe reports
/// payments. Nor is `Placed`: an order never goes back to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum RequestedStatus {
    /// See [`Status::Canceled`].
    Canceled,
    /// See [`Status::Made`].
    Made,
    /// See [`Status::Collected`].
    Collected,
}
// ANCHOR_END: requested-status

impl From<RequestedStatus> for Status {
    fn from(requested: RequestedStatus) -> Self {
        match requested {
            RequestedStatus::Canceled => Self::Canceled,
            RequestedStatus::Made => Self::Made,
            RequestedStatus::Collected => Self::Collected,
        }
    }
}

/// How many lines an order may have.
const MAX_LINES: usize = 20;

/// The largest total. Stripe takes no amount with more than eight digits.
const MAX_TOTAL: Cents = Cents::new(99_999_999);

/// What a client gets that orders something else. The menu may say the same later, when the
/// order is placed.
pub(super) const NOT_ON_MENU: &str = "must be the id of an item on the menu";

/// An order that may be placed, if its items are on the menu and enough of them is left. It
/// has 1 to 20 lines, each of another item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    lines: Vec<NewLine>,
    note: Option<Note>,
}

/// One line of a [`NewOrder`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLine {
    /// What should be the id of an item. Only the storage can tell, at the moment when it
    /// places the order.
    pub item: ItemId,
    /// How many of the item.
    pub quantity: Quantity,
}

impl TryFrom<OrderRequest> for NewOrder {
    /// All mistakes in the request, so that the client can correct them all at
    /// once.
    type Error = Vec<FieldError>;

    fn try_from(request: OrderRequest) -> Result<Self, Self::Error> {
        let mut mistakes = Vec::new();
        if !(1..=MAX_LINES).contains(&request.lines.len()) {
            mistakes.push(FieldError::new("lines", "must have 1 to 20 entries"));
        }
        let mut lines: Vec<NewLine> = Vec::new();
        // A list that is much too long would make the list of its mistakes too long, too.
        for (index, line) in request.lines.into_iter().take(MAX_LINES).enumerate() {
            let item = ItemId::try_from(line.item)
                .map_err(|_| FieldError::new("item", NOT_ON_MENU))
                .and_then(|item| {
                    if lines.iter().any(|earlier| earlier.item == item) {
                        return Err(FieldError::new("item", REPEATED));
                    }
                    Ok(item)
                });
            match (item, Quantity::try_from(line.quantity)) {
                (Ok(item), Ok(quantity)) => lines.push(NewLine { item, quantity }),
                (item, quantity) => {
                    let path = format!("lines/{index}");
                    let found = [item.err(), quantity.err()].into_iter().flatten();
                    mistakes.extend(found.map(|mistake| mistake.inside(&path)));
                }
            }
        }
        let note = request.note.map(Note::try_from).transpose();
        match note {
            Ok(note) if mistakes.is_empty() => Ok(Self { lines, note }),
            note => {
                mistakes.extend(note.err());
                Err(mistakes)
            }
        }
    }
}

const REPEATED: &str = "must not be the item of an earlier line";

impl NewOrder {
    /// The lines.
    pub fn lines(&self) -> &[NewLine] {
        &self.lines
    }

    /// The special request.
    pub fn note(&self) -> Option<&Note> {
        self.note.as_ref()
    }

    /// What the order takes out of the stock, line by line.
    pub fn portions(&self) -> Vec<Portion> {
        let portion = |line: &NewLine| Portion {
            item: line.item.clone(),
            quantity: line.quantity.get(),
        };
        self.lines.iter().map(portion).collect()
    }

    /// The lines with the names and the prices of their items, and the total. `items` has
    /// the item of each line, in the same sequence.
    ///
    /// # Errors
    ///
    /// [`OrderError::TotalTooLarge`].
    pub fn price(&self, items: &[Item]) -> Result<(Vec<Line>, Cents), OrderError> {
        let lines = self.lines.iter().zip(items).map(|(line, item)| Line {
            item: line.item.clone(),
            name: item.name.clone(),
            quantity: line.quantity,
            unit_price_cents: item.price_cents,
        });
        let lines: Vec<_> = lines.collect();
        let total = lines.iter().try_fold(Cents::new(0), |total, line| {
            let price = line.unit_price_cents.checked_mul(line.quantity.get())?;
            total.checked_add(price)
        });
        let total = total.filter(|&total| total <= MAX_TOTAL);
        Ok((lines, total.ok_or(OrderError::TotalTooLarge)?))
    }
}

/// How many of an item a customer orders: 1 to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "server", schema(minimum = 1, maximum = 10))]
pub struct Quantity(u32);

impl Quantity {
    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// A quantity that a repository has stored: it was valid when it was stored.
    #[cfg(feature = "server")]
    pub(crate) const fn from_stored(number: u32) -> Self {
        Self(number)
    }
}

impl TryFrom<u32> for Quantity {
    type Error = FieldError;

    fn try_from(number: u32) -> Result<Self, FieldError> {
        if (1..=10).contains(&number) {
            return Ok(Self(number));
        }
        Err(FieldError::new("quantity", "must be from 1 to 10"))
    }
}

/// A special request for an order: 1 to 200 characters without control characters, and
/// without spaces around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "server",
    schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )
)]
pub struct Note(String);

impl Note {
    /// The note as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A note that a repository has stored: it was valid when it was stored.
    #[cfg(feature = "server")]
    pub(crate) fn from_stored(note: String) -> Self {
        Self(note)
    }
}

impl TryFrom<String> for Note {
    type Error = FieldError;

    fn try_from(given: String) -> Result<Self, FieldError> {
        let note = given.trim();
        // White space around the note counts here, as it does for the OpenAPI document.
        if !note.is_empty()
            && given.chars().count() <= 200
            && !given.contains(char::is_control)
        {
            return Ok(Self(note.to_owned()));
        }
        let reason =
            "must have 1 to 200 characters, none of them a control character";
        Err(FieldError::new("note", reason))
    }
}

/// The query string of `GET /orders`, as the client sends it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
pub struct OrderQuery {
    /// Only the orders with this status.
    #[serde(default, deserialize_with = "even_if_empty")]
    pub status: Option<Status>,
    /// Only the orders of this customer. Only a barista may ask for those of others.
    #[serde(default, deserialize_with = "even_if_empty")]
    pub customer: Option<u64>,
    /// Only the orders after this one in the list: the `next` of the previous page.
    pub after: Option<u64>,
    /// The maximum number of orders on a page.
    #[cfg_attr(feature = "server", param(minimum = 1, maximum = 100))]
    pub limit: Option<u32>,
}

/// Reads the value of a filter also if it's empty, and then it's invalid. axum-extra's
/// `Query` reads `customer=` as `None`, as if there were no filter, and would list the
/// orders of all customers.
fn even_if_empty<'de, T, D>(value: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(value).map(Some)
}

/// Which orders to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only the orders of this customer.
    pub customer: Option<CustomerId>,
    /// Only the orders with this status.
    pub status: Option<Status>,
    /// Only the orders that are older than this one.
    pub after: Option<OrderId>,
    /// How many orders the page may have.
    pub limit: PageLimit,
}

impl TryFrom<OrderQuery> for OrderFilter {
    type Error = FieldError;

    fn try_from(query: OrderQuery) -> Result<Self, FieldError> {
        let limit = query.limit.map(PageLimit::try_from).transpose()?;
        Ok(Self {
            customer: query.customer.map(CustomerId::new),
            status: query.status,
            after: query.after.map(OrderId::new),
            limit: limit.unwrap_or_default(),
        })
    }
}

/// How many orders a page may have: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(u32);

impl PageLimit {
    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(20)
    }
}

impl TryFrom<u32> for PageLimit {
    type Error = FieldError;

    fn try_from(number: u32) -> Result<Self, FieldError> {
        if (1..=100).contains(&number) {
            return Ok(Self(number));
        }
        Err(FieldError::new("limit", "must be from 1 to 100"))
    }
}

// ANCHOR: page
/// One page of the list of orders. The list begins with the newest order.
///
/// It doesn't begin with the oldest, because an order gets its id before its transaction
/// commits. So order 8 can become visible before order 7, and a client that has read up to 8
/// would never see 7. If the list begins with the newest, each order that was visible when
/// the client read the first page is on exactly one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Page {
    /// The orders on this page.
    pub items: Vec<Order>,
    /// The cursor: send it as `after` to get the next page. The last page has no
    /// `next`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(nullable = false))]
    pub next: Option<OrderId>,
}
// ANCHOR_END: page

impl Page {
    /// Makes a page from the orders that were found. If there is one order more
    /// than the limit allows, there is a next page.
    pub fn new(mut found: Vec<Order>, limit: PageLimit) -> Self {
        let limit = limit.get() as usize;
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().map(|order| order.id);
        Self {
            items: found,
            next: last.filter(|_| more),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customers::model::SessionId;

    const CUSTOMER: CustomerId = CustomerId::new(1);

    fn order(status: Status) -> Order {
        Order {
            id: OrderId::new(1),
            customer: CUSTOMER,
            lines: Vec::new(),
            note: None,
            total_cents: Cents::new(0),
            status,
            placed_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn identity(customer: u64, role: Role) -> Identity {
        Identity {
            customer: CustomerId::new(customer),
            role,
            session: SessionId::new(1),
        }
    }

    /// What the response would be.
    fn outcome(result: Result<(), OrderError>) -> u16 {
        match result {
            Ok(()) => 200,
            Err(OrderError::WrongRole(_)) => 403,
            Err(OrderError::UnknownOrder(_)) => 404,
            Err(OrderError::NotNow { .. }) => 409,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn every_step_is_allowed_only_to_those_who_may_make_it() {
        use Status::{Canceled, Collected, Made, Paid, Placed};

        let owner = identity(1, Role::Customer);
        let other = identity(2, Role::Customer);
        let barista = identity(2, Role::Barista);
        // A barista who has ordered something.
        let both = identity(1, Role::Barista);
        let statuses = [Canceled, Made, Collected, Paid, Placed];
        for (status, who, outcomes) in [
            (Placed, owner, [200, 403, 403, 403, 403]),
            (Placed, barista, [403, 409, 409, 403, 403]),
            (Placed, both, [200, 409, 409, 403, 403]),
            (Paid, owner, [409, 403, 403, 403, 403]),
            (Paid, barista, [403, 200, 409, 403, 403]),
            (Paid, both, [409, 200, 409, 403, 403]),
            (Made, owner, [409, 403, 403, 403, 403]),
            (Made, barista, [403, 409, 200, 403, 403]),
            (Made, both, [409, 409, 200, 403, 403]),
            (Collected, owner, [409, 403, 403, 403, 403]),
            (Collected, barista, [403, 409, 409, 403, 403]),
            (Collected, both, [409, 409, 409, 403, 403]),
            (Canceled, owner, [409, 403, 403, 403, 403]),
            (Canceled, barista, [403, 409, 409, 403, 403]),
            (Canceled, both, [409, 409, 409, 403, 403]),
        ] {
            let order = order(status);
            let result = |to| outcome(order.check_step(&who, to));
            assert_eq!(statuses.map(result), outcomes, "{status} {who:?}");
            let result = |to| outcome(order.check_step(&other, to));
            assert_eq!(statuses.map(result), [404; 5], "{status}");
        }
    }

    #[test]
    fn only_payments_make_an_order_paid_or_cancel_one_that_is() {
        use Status::{Canceled, Collected, Made, Paid, Placed};

        for (status, paid, canceled) in [
            (Placed, 200, 200),
            (Paid, 409, 200),
            (Made, 409, 409),
            (Collected, 409, 409),
            (Canceled, 409, 409),
        ] {
            let order = order(status);
            let result = |to| outcome(order.check_step_of(&[Actor::Payments], to));
            assert_eq!(
                (result(Paid), result(Canceled)),
                (paid, canceled),
                "{status}"
            );
        }
    }

    #[test]
    fn an_error_names_the_steps_that_are_allowed_instead() {
        let barista = identity(2, Role::Barista);
        let error = order(Status::Paid).check_step(&barista, Status::Collected);
        assert_eq!(
            error.unwrap_err().to_string(),
            "Order 1 is paid. You can't set it to collected now. You can only set it to made"
        );
    }
}
