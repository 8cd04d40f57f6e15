//! Prints tickets, and is prepared for kinds of tickets that don't exist.

use std::collections::HashMap;

use serde_json::Value;

// ANCHOR: formatter
trait TicketFormatter {
    fn format(&self, order: &Value) -> String;
}

struct StandardTicketFormatter;

impl TicketFormatter for StandardTicketFormatter {
    fn format(&self, order: &Value) -> String {
        let item = order["item"].as_str().unwrap_or_default();
        format!("{} x {item}\n", order["quantity"])
    }
}

struct TicketFormatterFactory {
    formatters: HashMap<&'static str, Box<dyn TicketFormatter>>,
}

impl TicketFormatterFactory {
    fn create(&self, kind: &str) -> &dyn TicketFormatter {
        let standard = &self.formatters["standard"];
        &**self.formatters.get(kind).unwrap_or(standard)
    }
}
// ANCHOR_END: formatter

// ANCHOR: manager
/// Chooses the kind of ticket for an order.
pub(super) struct TicketManager {
    factory: TicketFormatterFactory,
}

impl TicketManager {
    pub(super) fn print(&self, order: &Value) -> String {
        let kind = match order["table"] {
            Value::Number(_) => "table",
            _ => "to-go",
        };
        self.factory.create(kind).format(order)
    }
}
// ANCHOR_END: manager

impl Default for TicketManager {
    fn default() -> Self {
        let standard: Box<dyn TicketFormatter> = Box::new(StandardTicketFormatter);
        let formatters = HashMap::from([("standard", standard)]);
        let factory = TicketFormatterFactory { formatters };
        Self { factory }
    }
}
