//! Questions, with answers computed from the data.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::data::{CATEGORIES, COUNTRIES, Data, Line, PLANS, PRIORITIES, REGIONS, SEGMENTS, YEARS};
use super::database::DATABASE;
use crate::random::Random;
use crate::{Grader, Task};

/// Tries for each task that is wanted: some draws have no question.
const TRIES: usize = 8;
const SALES: &str = "Count completed orders only, and no customers marked as test.";

struct Draft {
    kind: &'static str,
    question: String,
    answer: Value,
    grader: Grader,
}

pub(super) fn tasks(data: &Data, random: &mut Random, wanted: usize) -> Vec<Task> {
    let kinds: [fn(&Data, &mut Random) -> Option<Draft>; 6] = [
        revenue,
        best_representative,
        buyers,
        return_rate,
        tickets,
        top_products,
    ];
    let mut tasks: Vec<Task> = Vec::new();
    for kind in kinds.iter().cycle().take(wanted.saturating_mul(TRIES)) {
        if tasks.len() >= wanted {
            break;
        }
        let Some(draft) = kind(data, random) else {
            continue;
        };
        if tasks.iter().any(|task| task.question == draft.question) {
            continue;
        }
        tasks.push(Task {
            id: format!("warehouse-{:04}", tasks.len() + 1),
            question: draft.question,
            files: Vec::new(),
            database: Some(DATABASE.to_owned()),
            inputs: Default::default(),
            answer: draft.answer,
            grader: draft.grader,
            tags: vec!["warehouse".to_owned(), draft.kind.to_owned()],
        });
    }
    tasks
}

fn numeric(tolerance: f64) -> Grader {
    Grader::Numeric {
        tolerance,
        relative: 0.0,
    }
}

fn a_year(random: &mut Random) -> i64 {
    YEARS
        .get(random.index(YEARS.len()))
        .copied()
        .unwrap_or(2024)
}

fn revenue(data: &Data, random: &mut Random) -> Option<Draft> {
    let (category, country, year) = (
        random.index(CATEGORIES.len()),
        random.index(COUNTRIES.len()),
        a_year(random),
    );
    let is_asked = |line: &&Line| {
        data.products
            .get(line.product)
            .is_some_and(|p| p.category == category)
    };
    let sales = data
        .sales()
        .filter(|(order, customer)| order.year == year && customer.country == country);
    let net: i64 = sales
        .flat_map(|(order, _)| order.lines.iter().filter(is_asked))
        .map(Line::net)
        .sum();
    (net > 0).then_some(())?;
    Some(Draft {
        kind: "revenue",
        question: format!(
            "What was the net revenue from products of the category {} with customers in the country {} in \
             {year}? Take the quantity times the unit price of each order line, less the line's discount, and \
             ignore returns. {SALES} Answer in whole currency with two decimals (prices are in cents).",
            CATEGORIES.get(category)?,
            COUNTRIES.get(country)?.0
        ),
        answer: json!((net as f64 / 100.0).round() / 100.0),
        grader: numeric(0.02),
    })
}

fn best_representative(data: &Data, random: &mut Random) -> Option<Draft> {
    let (segment, region) = (random.index(SEGMENTS.len()), random.index(REGIONS.len()));
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for (order, customer) in data.sales() {
        if customer.segment == segment && customer.region() == region {
            *counts.entry(order.representative).or_default() += 1;
        }
    }
    let most = counts.values().max()?;
    let mut best = counts.iter().filter(|(_, count)| *count == most);
    let (best, None) = (best.next()?, best.next()) else {
        return None;
    };
    Some(Draft {
        kind: "ranking",
        question: format!(
            "Which representative has the most completed orders from customers of the segment {} in \
             countries of the region {}? {SALES} Answer with the representative's name.",
            SEGMENTS.get(segment)?,
            REGIONS.get(region)?
        ),
        answer: json!(data.representatives.get(*best.0)?.0),
        grader: Grader::Exact,
    })
}

fn buyers(data: &Data, random: &mut Random) -> Option<Draft> {
    let (supplier, region) = (
        random.index(data.suppliers.len()),
        random.index(REGIONS.len()),
    );
    let from = |line: &Line| {
        data.products
            .get(line.product)
            .is_some_and(|p| p.supplier == supplier)
    };
    let buyers: BTreeSet<usize> = data
        .sales()
        .filter(|(order, customer)| customer.region() == region && order.lines.iter().any(from))
        .map(|(order, _)| order.customer)
        .collect();
    Some(Draft {
        kind: "distinct",
        question: format!(
            "How many different customers in countries of the region {} have ordered at least one product \
             of the supplier {:?}? {SALES}",
            REGIONS.get(region)?,
            data.suppliers.get(supplier)?.0
        ),
        answer: json!(buyers.len()),
        grader: numeric(0.0),
    })
}

fn return_rate(data: &Data, random: &mut Random) -> Option<Draft> {
    let (category, year) = (random.index(CATEGORIES.len()), a_year(random));
    let (mut sold, mut returned) = (0, 0);
    for (order, _) in data.sales().filter(|(order, _)| order.year == year) {
        let is_asked = |line: &&Line| {
            data.products
                .get(line.product)
                .is_some_and(|p| p.category == category)
        };
        for line in order.lines.iter().filter(is_asked) {
            sold += line.quantity;
            returned += line.returned;
        }
    }
    (sold > 0).then_some(())?;
    let rate = returned as f64 / sold as f64 * 100.0;
    Some(Draft {
        kind: "rate",
        question: format!(
            "What percentage of the units of the category {} ordered in {year} was returned? {SALES} Answer \
             in percent with two decimals.",
            CATEGORIES.get(category)?
        ),
        answer: json!((rate * 100.0).round() / 100.0),
        grader: numeric(0.011),
    })
}

fn tickets(data: &Data, random: &mut Random) -> Option<Draft> {
    let (priority, plan, year) = (
        random.index(PRIORITIES.len()),
        random.index(PLANS.len()),
        a_year(random),
    );
    let region = random.index(REGIONS.len());
    let asked = data.tickets.iter().filter(|ticket| {
        let customer = data.customers.get(ticket.customer);
        let is_asked = ticket.priority == priority && ticket.year == year && !ticket.is_closed;
        is_asked && customer.is_some_and(|one| one.plan == plan && one.region() == region)
    });
    Some(Draft {
        kind: "count",
        question: format!(
            "How many tickets of the priority {} that were opened in {year} and are not closed come from \
             customers subscribed to the plan {} in countries of the region {}? Test customers count.",
            PRIORITIES.get(priority)?,
            PLANS.get(plan)?,
            REGIONS.get(region)?
        ),
        answer: json!(asked.count()),
        grader: numeric(0.0),
    })
}

fn top_products(data: &Data, random: &mut Random) -> Option<Draft> {
    let (segment, year) = (random.index(SEGMENTS.len()), a_year(random));
    let mut units: BTreeMap<usize, i64> = BTreeMap::new();
    let sales = data
        .sales()
        .filter(|(order, customer)| order.year == year && customer.segment == segment);
    for line in sales.flat_map(|(order, _)| &order.lines) {
        *units.entry(line.product).or_default() += line.quantity;
    }
    let mut ranked: Vec<(usize, i64)> = units.into_iter().collect();
    ranked.sort_by_key(|(_, units)| std::cmp::Reverse(*units));
    let counts: BTreeSet<i64> = ranked.iter().take(4).map(|(_, units)| *units).collect();
    // A tie has no order.
    (counts.len() == 4).then_some(())?;
    let best = ranked.iter().take(3).filter_map(|(product, units)| {
        Some(json!({ "product": data.products.get(*product)?.name, "units": units }))
    });
    Some(Draft {
        kind: "table",
        question: format!(
            "Which three products did customers of the segment {} order the most units of in {year}, and how \
             many of each? {SALES} Answer with a list of objects with the fields \"product\" (the name) and \
             \"units\", most first.",
            SEGMENTS.get(segment)?
        ),
        answer: best.collect(),
        grader: Grader::Schema {
            schema: json!({
                "type": "array",
                "minItems": 3,
                "maxItems": 3,
                "items": {
                    "type": "object",
                    "required": ["product", "units"],
                    "properties": { "product": { "type": "string" }, "units": { "type": "integer" } },
                    "additionalProperties": false,
                },
            }),
            tolerance: 0.0,
        },
    })
}
