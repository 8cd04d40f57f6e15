// The shop's data in SQLite, for both Node.js programs. The SQL and the settings are those of
// `code/shop/src/repository/sqlite.rs`.

import Database from "better-sqlite3";

/** A rule of the shop rejects the order. `status` is the status of the response. */
export class Rejected extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Opens a database that the shop has created. */
export function openStore(file) {
  const db = new Database(file, { fileMustExist: true, timeout: 5000 });
  db.pragma("journal_mode = WAL");
  // better-sqlite3 is compiled with NORMAL as the default in WAL mode. With NORMAL, an order
  // could be lost after its response was sent, so the comparison wouldn't be fair.
  db.pragma("synchronous = FULL");

  const selectMenu = db.prepare(
    `SELECT id, name, price_cents, stock FROM items
     WHERE price_cents <= ? ORDER BY position`,
  );
  const selectItem = db.prepare(
    "SELECT id, name, price_cents, stock FROM items WHERE id = ?",
  );
  const updateStock = db.prepare("UPDATE items SET stock = ? WHERE id = ?");
  const insertOrder = db.prepare(
    `INSERT INTO orders (customer, item, item_name, unit_price_cents, quantity,
         total_cents, note, table_number, status, placed_at)
     VALUES (:customer, :item, :item_name, :unit_price_cents, :quantity,
         :total_cents, :note, :table, :status, :placed_at)`,
  );

  const place = db.transaction((request) => {
    const item = selectItem.get(request.item);
    if (!item) throw new Rejected(422, "item must be the id of an item on the menu");
    if (item.stock < request.quantity) {
      throw new Rejected(409, `Not enough left: ${item.name}`);
    }
    updateStock.run(item.stock - request.quantity, item.id);
    const placedAt = Date.now();
    const order = {
      customer: request.customer,
      item: item.id,
      item_name: item.name,
      unit_price_cents: item.price_cents,
      quantity: request.quantity,
      note: request.note,
      table: request.table,
      total_cents: item.price_cents * request.quantity,
      status: "placed",
    };
    const { lastInsertRowid } = insertOrder.run({
      ...order,
      note: order.note ?? null,
      table: order.table ?? null,
      placed_at: placedAt,
    });
    return { id: lastInsertRowid, ...order, placed_at: new Date(placedAt).toISOString() };
  });

  return {
    menu: (maxPrice = 4294967295) => selectMenu.all(maxPrice),
    /** Places an order in one transaction, which begins with BEGIN IMMEDIATE. */
    place: place.immediate,
    close: () => db.close(),
  };
}
