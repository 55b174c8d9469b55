//! HTTP for guests that have no sockets: an egress broker and the tool `fetch`.
//!
//! Every request goes through [`Egress::request`]: one reading of the URL, one
//! decision by [`EgressRules`], addresses that are resolved once, checked and
//! then connected to, limits on everything that a guest or a server decides,
//! and [`Secret`]s that are added here and taken out of what comes back.
//!
//! What this does not protect from: a granted server does with a request what
//! it likes, and tells the guest what it likes. Grant servers that you trust with
//! what the session knows.

mod addresses;
mod broker;
mod budgets;
mod builder;
mod connection;
mod decoding;
mod error;
mod exchange;
mod fetch;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod headers;
mod hops;
mod limits;
mod messages;
mod resolver;
mod rules;
mod secrets;
mod target;
mod tls;

pub use addresses::AddressClass;
pub use broker::Egress;
pub use builder::EgressBuilder;
pub use error::HttpError;
pub use fetch::Fetch;
pub(crate) use headers::cuts_answers;
pub use limits::HttpLimits;
pub use messages::{HttpRequest, HttpResponse};
pub use resolver::{Dial, Resolve, SystemResolver, TcpDialer};
pub use rules::EgressRules;
pub use secrets::Secret;
