//! The wires of other programs' clients.
//!
//! A wire translates: it reads what its clients send, asks the
//! [`Service`](crate::service::Service) as one principal, and words the answer as its
//! clients expect it. It decides nothing about tenants, quotas or permissions.
//!
//! | module | clients |
//! |---|---|
//! | `e2b` | `e2b`, `e2b-code-interpreter` (Python), `e2b`, `@e2b/code-interpreter` (JavaScript), and what is built on them |
//! | `opensandbox` | `opensandbox`, `opensandbox-code-interpreter`, LiteLLM |
//! | `executions`, `contexts`, `shell`, `lines` | what both know about code: blocks and commands, contexts, variables for one execution |
//! | `ranges`, `reading`, `uploads` | what both know about files |

pub(crate) mod contexts;
pub(crate) mod e2b;
pub(crate) mod executions;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
pub(crate) mod languages;
pub(crate) mod lines;
mod mounting;
pub(crate) mod opensandbox;
pub(crate) mod python;
pub(crate) mod ranges;
pub(crate) mod reading;
pub(crate) mod reserved;
pub(crate) mod shell;
mod steps;
pub(crate) mod uploads;

pub(crate) use mounting::mounted;
