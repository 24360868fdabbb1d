//! The records of the Airtable base: a visa agency's orders and applications, all invented.

use std::collections::BTreeMap;

use serde_json::{Value, json};

const ORDERS: u32 = 40;

pub(crate) fn tables() -> BTreeMap<String, Vec<Value>> {
    let orders = (1..=ORDERS).map(order).collect();
    let applications = (1..=ORDERS).flat_map(|number| [application(number, 1), application(number, 2)]).collect();
    BTreeMap::from([("Orders".to_owned(), orders), ("Applications".to_owned(), applications)])
}

fn order(number: u32) -> Value {
    let status = ["Approved", "Completed", "In process"][(number % 3) as usize];
    let country = ["הודו", "קנדה", "וייטנאם"][(number % 3) as usize];
    record(
        &format!("recORDER{number:09}"),
        &json!({
            "ID": format!("IL2602{number:02}IN{}", number % 7),
            "Name": format!("לקוח {number}"),
            "Email": format!("Customer{number}@mail.test"),
            "Phone": format!("9995550{number:05}"),
            "Phone number": format!("+999 555 0{number:05}"),
            "Country": country,
            "Status": status,
            "email_confirmed": !number.is_multiple_of(5),
            "Total": 100 + number * 37 % 900,
            "Applications": [format!("recAPPLY{number:07}01"), format!("recAPPLY{number:07}02")],
            "Note": "",
        }),
    )
}

fn application(order: u32, place: u32) -> Value {
    record(
        &format!("recAPPLY{order:07}{place:02}"),
        &json!({
            "ID": format!("E2602{order:02}ISR{place}"),
            "Applicant Name": format!("נוסע {order}.{place}"),
            "Status": "Approved",
            "Visa URL": format!("https://files.test/visa/{order}/{place}.pdf"),
        }),
    )
}

fn record(id: &str, fields: &Value) -> Value {
    json!({ "id": id, "fields": fields })
}
