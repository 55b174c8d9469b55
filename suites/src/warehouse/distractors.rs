//! Tables that no question needs, and some that look as if it did.

use rusqlite::{Transaction, params};

use super::data::{COUNTRIES, Data, id};
use crate::random::Random;

/// Rows in each table.
const ROWS: i64 = 120;

/// Names and columns, the ids of other tables among them.
const TABLES: [(&str, &[&str]); 16] = [
    ("audit_log", &["actor_id", "entity_id", "action_code"]),
    ("campaigns", &["budget_cents", "region_id", "channel_code"]),
    (
        "campaign_members",
        &["campaign_id", "customer_id", "response_code"],
    ),
    ("carriers", &["country_id", "rating"]),
    ("contacts", &["customer_id", "role_code"]),
    ("currencies", &["numeric_code", "minor_unit"]),
    (
        "exchange_rates",
        &["currency_id", "rate_micros", "valid_year"],
    ),
    ("employees", &["department_id", "manager_id", "grade"]),
    ("departments", &["region_id", "cost_centre"]),
    ("inventory", &["product_id", "warehouse_id", "quantity"]),
    ("invoices", &["order_id", "amount_cents", "due_days"]),
    ("payments", &["invoice_id", "amount_cents", "method_code"]),
    ("price_lists", &["product_id", "price_cents", "valid_year"]),
    ("shipments", &["order_id", "carrier_id", "weight_grams"]),
    ("ticket_events", &["ticket_id", "event_code", "actor_id"]),
    ("warehouses", &["country_id", "capacity"]),
];

pub(super) fn fill(
    all: &Transaction<'_>,
    data: &Data,
    random: &mut Random,
) -> rusqlite::Result<()> {
    for (table, columns) in TABLES {
        let definitions: Vec<String> = columns
            .iter()
            .map(|column| format!("{column} INTEGER"))
            .collect();
        let definitions = definitions.join(", ");
        all.execute_batch(&format!(
            "CREATE TABLE {table} (id INTEGER PRIMARY KEY, {definitions}, note TEXT);"
        ))?;
        let names = columns.join(", ");
        let marks = vec!["?"; columns.len() + 1].join(", ");
        let mut insert = all.prepare(&format!(
            "INSERT INTO {table} ({names}, note) VALUES ({marks})"
        ))?;
        for row in 0..ROWS {
            let mut values: Vec<String> = columns
                .iter()
                .map(|_| random.range(1, 200).to_string())
                .collect();
            values.push(format!("row {row}"));
            insert.execute(rusqlite::params_from_iter(values))?;
        }
    }
    copies(all, data, random)
}

/// Tables that hold what the right ones hold, only not all of it, or not now.
fn copies(all: &Transaction<'_>, data: &Data, random: &mut Random) -> rusqlite::Result<()> {
    all.execute_batch(
        "CREATE TABLE orders_archive AS SELECT * FROM orders WHERE id % 3 = 0;
         CREATE TABLE order_lines_backup AS SELECT id, order_id, product_id, quantity + 1 AS quantity, unit_price_cents FROM order_lines WHERE id % 2 = 0;
         CREATE TABLE stg_products AS SELECT id, name, (category_id % 8) + 1 AS category_id, supplier_id FROM products;
         CREATE TABLE tmp_import_tickets AS SELECT * FROM tickets WHERE closed = 0;
         CREATE TABLE monthly_sales_report (id INTEGER PRIMARY KEY, month TEXT, category TEXT, country TEXT, revenue_cents INTEGER);
         CREATE TABLE customers_old (id INTEGER PRIMARY KEY, name TEXT, country TEXT, segment TEXT);",
    )?;
    let mut insert = all.prepare("INSERT INTO customers_old VALUES (?1, ?2, ?3, ?4)")?;
    for (number, customer) in data.customers.iter().enumerate() {
        let (country, _) = COUNTRIES
            .get(random.index(COUNTRIES.len()))
            .copied()
            .unwrap_or_default();
        insert.execute(params![id(number), customer.name, country, "legacy"])?;
    }
    let mut insert = all.prepare(
        "INSERT INTO monthly_sales_report (month, category, country, revenue_cents) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for _ in 0..ROWS {
        let month = format!("2023-{:02}", random.range(1, 13));
        let category = random.pick(&super::data::CATEGORIES);
        let (country, _) = COUNTRIES
            .get(random.index(COUNTRIES.len()))
            .copied()
            .unwrap_or_default();
        insert.execute(params![
            month,
            category,
            country,
            random.range(1_000, 9_000_000)
        ])?;
    }
    Ok(())
}
