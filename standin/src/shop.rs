//! What the stand-in knows about orders, customers and rates: computed from the number, so that every run of every
//! test sees the same shop.

use serde_json::{Value, json};

const ORDERS_A_DAY: u64 = 5;

/// The digits of an id, read as a number.
pub(super) fn number(id: &str) -> Option<u64> {
    id.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// These answer 503 to the first call of each key, so that retries are part of an ordinary day.
pub(super) fn stumbles(number: u64) -> bool {
    number.is_multiple_of(7)
}

pub(super) fn order(id: &str, number: u64) -> Value {
    json!({
        "id": id,
        "customer_id": format!("c{}", number % 90 + 10),
        "currency": "ILS",
        "total": total(number),
        "items": [
            { "sku": format!("sku-{}", number % 13), "quantity": 1 + number % 3 },
            { "sku": "shipping", "quantity": 1 },
        ],
    })
}

pub(super) fn orders(date: &str) -> Value {
    let first = number(date).unwrap_or(0) % 100_000 * 10;
    let orders: Vec<_> = (first..first + ORDERS_A_DAY).map(|number| order(&number.to_string(), number)).collect();
    let total: u64 = (first..first + ORDERS_A_DAY).map(total).sum();
    json!({ "date": date, "count": orders.len(), "total": total, "orders": orders })
}

pub(super) fn customer(id: &str, number: u64) -> Value {
    json!({
        "id": id,
        "name": format!("Customer {number}"),
        "email": format!("customer{number}@mail.test"),
        "language": if number.is_multiple_of(2) { "he" } else { "en" },
    })
}

pub(super) fn rates() -> Value {
    json!({ "base": "ILS", "rates": { "EUR": 0.25, "USD": 0.27 } })
}

fn total(number: u64) -> u64 {
    100 + number * 37 % 900
}
