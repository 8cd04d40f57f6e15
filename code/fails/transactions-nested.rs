use rusqlite::{Connection, Result};

// ANCHOR: nested
fn sell_and_pay(connection: &mut Connection) -> Result<()> {
    let sale = connection.transaction()?;
    let payment = connection.transaction()?;
    payment.commit()?;
    sale.commit()
}
// ANCHOR_END: nested

fn main() -> Result<()> {
    sell_and_pay(&mut Connection::open_in_memory()?)
}
