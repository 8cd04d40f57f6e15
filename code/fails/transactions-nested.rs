use rusqlite::{Connection, Result};

// ANCHOR: nested
fn place_and_pay(connection: &mut Connection) -> Result<()> {
    let order = connection.transaction()?;
    let payment = connection.transaction()?;
    payment.commit()?;
    order.commit()
}
// ANCHOR_END: nested

fn main() -> Result<()> {
    place_and_pay(&mut Connection::open_in_memory()?)
}
