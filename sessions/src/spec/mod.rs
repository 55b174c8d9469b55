//! Everything that makes a session, as data.
//!
//! ```toml
//! version = 1
//! policy = "read-files"
//!
//! [[mounts]]
//! host = "measurements"
//! guest = "/data"
//!
//! [limits]
//! guest_time_ms = "5s"
//!
//! [image]
//! preload = ["scipy.stats"]
//! ```

mod access;
mod builder;
mod image;
mod parsing;
mod policy;
mod session_spec;
mod store;
mod tools;

pub use builder::SessionSpecBuilder;
pub use image::ImageSource;
pub use parsing::SPEC_MAX_BYTES;
pub use policy::PolicySource;
pub use session_spec::{LimitValue, Mount, SPEC_VERSION, SessionSpec};
pub use store::StoreSource;
pub use tools::{AuditFile, Database, SharedScratch, ToolSources};
