//! The data as tables.

use std::path::Path;

use rusqlite::{Connection, Transaction, params};

use super::data::{
    CATEGORIES, COUNTRIES, Data, PLANS, PRIORITIES, REGIONS, SEGMENTS, STATUSES, id,
};
use super::distractors;
use crate::Error;
use crate::random::Random;

/// The file of the database, beside the task file.
pub const DATABASE: &str = "warehouse.sqlite";

const SCHEMA: &str = "
CREATE TABLE regions (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE countries (id INTEGER PRIMARY KEY, name TEXT NOT NULL, region_id INTEGER NOT NULL REFERENCES regions(id));
CREATE TABLE segments (id INTEGER PRIMARY KEY, code TEXT NOT NULL);
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, segment_id INTEGER NOT NULL REFERENCES segments(id),
  country_id INTEGER NOT NULL REFERENCES countries(id), is_test INTEGER NOT NULL, sales_region TEXT, created_at TEXT);
CREATE TABLE categories (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE suppliers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, country_id INTEGER NOT NULL REFERENCES countries(id));
CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, category_id INTEGER NOT NULL REFERENCES categories(id),
  supplier_id INTEGER NOT NULL REFERENCES suppliers(id), list_price_cents INTEGER NOT NULL, category_label TEXT);
CREATE TABLE representatives (id INTEGER PRIMARY KEY, name TEXT NOT NULL, home_region_id INTEGER REFERENCES regions(id));
CREATE TABLE order_statuses (id INTEGER PRIMARY KEY, code TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id),
  representative_id INTEGER NOT NULL REFERENCES representatives(id), status_id INTEGER NOT NULL REFERENCES order_statuses(id),
  ordered_on TEXT NOT NULL, total_cents INTEGER);
CREATE TABLE order_lines (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id),
  product_id INTEGER NOT NULL REFERENCES products(id), quantity INTEGER NOT NULL, unit_price_cents INTEGER NOT NULL,
  discount_percent INTEGER NOT NULL, amount_gross_cents INTEGER);
CREATE TABLE returns (id INTEGER PRIMARY KEY, order_line_id INTEGER NOT NULL REFERENCES order_lines(id), quantity INTEGER NOT NULL);
CREATE TABLE plans (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE subscriptions (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id),
  plan_id INTEGER NOT NULL REFERENCES plans(id));
CREATE TABLE priorities (id INTEGER PRIMARY KEY, code TEXT NOT NULL);
CREATE TABLE tickets (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id),
  priority_id INTEGER NOT NULL REFERENCES priorities(id), opened_on TEXT NOT NULL, closed INTEGER NOT NULL, urgency TEXT);
";

pub(super) fn write(path: &Path, data: &Data, random: &mut Random) -> Result<(), Error> {
    let place = path.display().to_string();
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::io(&place)(error));
        }
        _ => {}
    }
    let failed = |source| Error::Database {
        place: place.clone(),
        source,
    };
    let mut connection = Connection::open(path).map_err(failed)?;
    let all = connection.transaction().map_err(failed)?;
    fill(&all, data, random).map_err(failed)?;
    all.commit().map_err(failed)
}

fn fill(all: &Transaction<'_>, data: &Data, random: &mut Random) -> rusqlite::Result<()> {
    all.execute_batch(SCHEMA)?;
    named(all, "regions (id, name)", &REGIONS)?;
    named(all, "segments (id, code)", &SEGMENTS)?;
    named(all, "categories (id, name)", &CATEGORIES)?;
    named(all, "order_statuses (id, code)", &STATUSES)?;
    named(all, "priorities (id, code)", &PRIORITIES)?;
    named(all, "plans (id, name)", &PLANS)?;
    people(all, data, random)?;
    things(all, data, random)?;
    orders(all, data, random)?;
    distractors::fill(all, data, random)
}

fn named(all: &Transaction<'_>, table: &str, names: &[&str]) -> rusqlite::Result<()> {
    let mut insert = all.prepare(&format!("INSERT INTO {table} VALUES (?1, ?2)"))?;
    for (number, name) in names.iter().enumerate() {
        insert.execute(params![id(number), name])?;
    }
    Ok(())
}

fn people(all: &Transaction<'_>, data: &Data, random: &mut Random) -> rusqlite::Result<()> {
    let mut insert = all.prepare("INSERT INTO countries VALUES (?1, ?2, ?3)")?;
    for (number, (name, region)) in COUNTRIES.iter().enumerate() {
        insert.execute(params![id(number), name, id(*region)])?;
    }
    let mut insert = all.prepare("INSERT INTO representatives VALUES (?1, ?2, ?3)")?;
    for (number, (name, region)) in data.representatives.iter().enumerate() {
        insert.execute(params![id(number), name, id(*region)])?;
    }
    let mut customer = all.prepare("INSERT INTO customers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    let mut subscription = all.prepare("INSERT INTO subscriptions VALUES (?1, ?2, ?3)")?;
    for (number, one) in data.customers.iter().enumerate() {
        // Who looks after a customer is not where it is.
        let region = random.pick(&REGIONS);
        let made = format!(
            "20{}-0{}-1{}",
            random.range(15, 22),
            random.range(1, 10),
            random.range(0, 10)
        );
        let (segment, country) = (id(one.segment), id(one.country));
        customer.execute(params![
            id(number),
            one.name,
            segment,
            country,
            one.is_test,
            region,
            made
        ])?;
        subscription.execute(params![id(number), id(number), id(one.plan)])?;
    }
    let mut insert = all.prepare("INSERT INTO tickets VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (number, one) in data.tickets.iter().enumerate() {
        let opened = format!(
            "{}-{:02}-{:02}",
            one.year,
            random.range(1, 13),
            random.range(1, 29)
        );
        let urgency = random.pick(&PRIORITIES);
        let (customer, priority) = (id(one.customer), id(one.priority));
        insert.execute(params![
            id(number),
            customer,
            priority,
            opened,
            one.is_closed,
            urgency
        ])?;
    }
    Ok(())
}

fn things(all: &Transaction<'_>, data: &Data, random: &mut Random) -> rusqlite::Result<()> {
    let mut insert = all.prepare("INSERT INTO suppliers VALUES (?1, ?2, ?3)")?;
    for (number, (name, country)) in data.suppliers.iter().enumerate() {
        insert.execute(params![id(number), name, id(*country)])?;
    }
    let mut insert = all.prepare("INSERT INTO products VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (number, one) in data.products.iter().enumerate() {
        // Labels are old, and some are wrong.
        let old = random.pick(&CATEGORIES);
        let label = if random.chance(70) {
            CATEGORIES.get(one.category).copied()
        } else {
            old
        };
        let (category, supplier) = (id(one.category), id(one.supplier));
        insert.execute(params![
            id(number),
            one.name,
            category,
            supplier,
            one.list_price_cents,
            label
        ])?;
    }
    Ok(())
}

fn orders(all: &Transaction<'_>, data: &Data, random: &mut Random) -> rusqlite::Result<()> {
    let mut order = all.prepare("INSERT INTO orders VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let mut line = all.prepare("INSERT INTO order_lines VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    let mut back = all.prepare("INSERT INTO returns (order_line_id, quantity) VALUES (?1, ?2)")?;
    let mut line_id = 0;
    for (number, one) in data.orders.iter().enumerate() {
        let on = format!("{}-{:02}-{:02}", one.year, one.month, random.range(1, 29));
        // A total that freight was added to.
        let gross = one
            .lines
            .iter()
            .map(|line| line.quantity * line.unit_price_cents)
            .sum::<i64>();
        let total = gross + random.range(0, 5_000);
        let (customer, representative) = (id(one.customer), id(one.representative));
        order.execute(params![
            id(number),
            customer,
            representative,
            id(one.status),
            on,
            total
        ])?;
        for one in &one.lines {
            line_id += 1;
            let (price, discount) = (one.unit_price_cents, one.discount_percent);
            let gross = one.quantity * price;
            line.execute(params![
                line_id,
                id(number),
                id(one.product),
                one.quantity,
                price,
                discount,
                gross
            ])?;
            if one.returned > 0 {
                back.execute(params![line_id, one.returned])?;
            }
        }
    }
    Ok(())
}
