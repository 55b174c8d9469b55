//! The place of scopes on a server.

use super::client::Client;
use super::scope::HostedScope;
use crate::Error;
use crate::scope::{Equipment, Place, Scope};

/// A server that sandboxes can be made on.
pub(crate) struct Hosted(pub(crate) Client);

impl Place for Hosted {
    fn open(self: Box<Self>, equipment: Equipment, setup: String) -> Result<Box<dyn Scope>, Error> {
        Ok(Box::new(HostedScope::new(self.0, equipment, setup)))
    }
}
