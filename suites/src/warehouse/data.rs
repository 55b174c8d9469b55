//! What the company knows, before it is in a database. Ids count from 1 in
//! the order of the lists.

use crate::random::Random;

pub(super) const REGIONS: [&str; 4] = ["North", "South", "East", "West"];
pub(super) const COUNTRIES: [(&str, usize); 12] = [
    ("Arvonia", 0),
    ("Belmark", 0),
    ("Corland", 0),
    ("Dravia", 1),
    ("Estria", 1),
    ("Falmere", 1),
    ("Gothia", 2),
    ("Helvar", 2),
    ("Istria", 2),
    ("Jorvik", 3),
    ("Kelmar", 3),
    ("Lothia", 3),
];
pub(super) const SEGMENTS: [&str; 3] = ["consumer", "business", "public"];
pub(super) const CATEGORIES: [&str; 8] = [
    "Cables", "Lamps", "Motors", "Pumps", "Seals", "Tools", "Valves", "Wheels",
];
pub(super) const STATUSES: [&str; 4] = ["completed", "open", "cancelled", "draft"];
pub(super) const PRIORITIES: [&str; 3] = ["low", "normal", "high"];
pub(super) const PLANS: [&str; 4] = ["Basic", "Plus", "Team", "Enterprise"];
pub(super) const YEARS: [i64; 3] = [2022, 2023, 2024];
const GIVEN: [&str; 12] = [
    "Ada", "Bruno", "Clara", "Dario", "Edda", "Finn", "Greta", "Hugo", "Ines", "Jonas", "Kira",
    "Leon",
];
const FAMILY: [&str; 12] = [
    "Abel", "Brandt", "Costa", "Dorn", "Ebner", "Falk", "Gruber", "Hahn", "Ivers", "Jung", "Kern",
    "Lang",
];

pub(super) struct Data {
    pub(super) suppliers: Vec<(String, usize)>,
    pub(super) products: Vec<Product>,
    pub(super) representatives: Vec<(String, usize)>,
    pub(super) customers: Vec<Customer>,
    pub(super) orders: Vec<Order>,
    pub(super) tickets: Vec<Ticket>,
}

pub(super) struct Product {
    pub(super) name: String,
    pub(super) category: usize,
    pub(super) supplier: usize,
    pub(super) list_price_cents: i64,
}

pub(super) struct Customer {
    pub(super) name: String,
    pub(super) segment: usize,
    pub(super) country: usize,
    pub(super) plan: usize,
    pub(super) is_test: bool,
}

pub(super) struct Order {
    pub(super) customer: usize,
    pub(super) representative: usize,
    pub(super) status: usize,
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) lines: Vec<Line>,
}

pub(super) struct Line {
    pub(super) product: usize,
    pub(super) quantity: i64,
    pub(super) unit_price_cents: i64,
    pub(super) discount_percent: i64,
    pub(super) returned: i64,
}

pub(super) struct Ticket {
    pub(super) customer: usize,
    pub(super) priority: usize,
    pub(super) year: i64,
    pub(super) is_closed: bool,
}

impl Line {
    /// After its discount, in hundredths of a cent.
    pub(super) fn net(&self) -> i64 {
        self.quantity * self.unit_price_cents * (100 - self.discount_percent)
    }
}

impl Data {
    pub(super) fn new(random: &mut Random, customers: usize) -> Self {
        let suppliers =
            (1..=15).map(|n| (format!("Supplier {n:02}"), random.index(COUNTRIES.len())));
        let suppliers: Vec<_> = suppliers.collect();
        let products = (1..=60)
            .map(|n| Product::new(random, n, suppliers.len()))
            .collect::<Vec<_>>();
        let mut names: Vec<String> = GIVEN
            .iter()
            .flat_map(|given| FAMILY.map(|family| format!("{given} {family}")))
            .collect();
        random.shuffle(&mut names);
        let representatives = names
            .into_iter()
            .take(14)
            .map(|name| (name, random.index(REGIONS.len())));
        let representatives: Vec<_> = representatives.collect();
        let customers: Vec<Customer> = (1..=customers).map(|n| Customer::new(random, n)).collect();
        let orders = (0..customers.len() * 6)
            .map(|_| Order::new(random, customers.len(), representatives.len(), &products))
            .collect();
        let tickets = (0..customers.len() * 2)
            .map(|_| Ticket::new(random, customers.len()))
            .collect();
        Self {
            suppliers,
            products,
            representatives,
            customers,
            orders,
            tickets,
        }
    }

    /// The completed orders of customers that are none for testing.
    pub(super) fn sales(&self) -> impl Iterator<Item = (&Order, &Customer)> {
        let known = self
            .orders
            .iter()
            .filter(|order| STATUSES.get(order.status) == Some(&"completed"));
        let with = known.filter_map(|order| Some((order, self.customers.get(order.customer)?)));
        with.filter(|(_, customer)| !customer.is_test)
    }
}

impl Customer {
    fn new(random: &mut Random, number: usize) -> Self {
        Self {
            name: format!("Customer {number:05}"),
            segment: random.index(SEGMENTS.len()),
            country: random.index(COUNTRIES.len()),
            plan: random.index(PLANS.len()),
            is_test: random.chance(7),
        }
    }

    pub(super) fn region(&self) -> usize {
        COUNTRIES.get(self.country).map_or(0, |(_, region)| *region)
    }
}

impl Product {
    fn new(random: &mut Random, number: usize, suppliers: usize) -> Self {
        let category = random.index(CATEGORIES.len());
        let kind = CATEGORIES
            .get(category)
            .copied()
            .unwrap_or_default()
            .trim_end_matches('s');
        Self {
            name: format!("{kind} {}-{number:02}", random.range(100, 1000)),
            category,
            supplier: random.index(suppliers),
            list_price_cents: random.range(150, 40_000),
        }
    }
}

impl Order {
    fn new(
        random: &mut Random,
        customers: usize,
        representatives: usize,
        products: &[Product],
    ) -> Self {
        let lines = (0..random.range(1, 6))
            .filter_map(|_| Line::new(random, products))
            .collect();
        Self {
            customer: random.index(customers),
            representative: random.index(representatives),
            status: if random.chance(70) {
                0
            } else {
                1 + random.index(STATUSES.len() - 1)
            },
            year: YEARS
                .get(random.index(YEARS.len()))
                .copied()
                .unwrap_or(2024),
            month: random.range(1, 13),
            lines,
        }
    }
}

impl Line {
    fn new(random: &mut Random, products: &[Product]) -> Option<Self> {
        let product = random.index(products.len());
        let quantity = random.range(1, 20);
        Some(Self {
            product,
            quantity,
            unit_price_cents: products.get(product)?.list_price_cents * random.range(85, 106) / 100,
            discount_percent: if random.chance(30) {
                random.range(1, 7) * 5
            } else {
                0
            },
            returned: if random.chance(8) {
                random.range(1, quantity + 1)
            } else {
                0
            },
        })
    }
}

impl Ticket {
    fn new(random: &mut Random, customers: usize) -> Self {
        Self {
            customer: random.index(customers),
            priority: random.index(PRIORITIES.len()),
            year: YEARS
                .get(random.index(YEARS.len()))
                .copied()
                .unwrap_or(2024),
            is_closed: random.chance(75),
        }
    }
}

/// Ids count from 1.
pub(super) fn id(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1)
}
