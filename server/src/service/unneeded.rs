//! What nobody needs any more outside of the states themselves: profiles of sandboxes that
//! are forgotten, and names in the store that a kill left behind.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use super::state::Inner;
use crate::names::Id;
use crate::sandbox::Durability;

/// Whose state a name in the store is.
enum Owner<'n> {
    /// A sandbox, of which it is the state, or part of a turn that waits.
    Sandbox(&'n str, Id, IsWaiting),
    Snapshot(&'n str, Id),
}

type IsWaiting = bool;

impl Inner {
    /// Removes profiles and names that nobody needs. What cannot be looked at now is left for
    /// the next time.
    pub(super) fn remove_unneeded(&self) {
        if let Err(error) = self.remove_names() {
            tracing::warn!(%error, "names in the store cannot be swept");
        }
        if let Err(error) = self.remove_profiles() {
            tracing::warn!(%error, "profiles cannot be collected");
        }
    }

    /// Removes names that lead to states of nothing that is there. A name is written before
    /// its record: only one that belonged to nobody at the last look too is removed.
    fn remove_names(&self) -> Result<(), memex_snapshots::Error> {
        let store = self.store(Durability::Process);
        let heads = store.sessions()?;
        let ownerless: HashSet<String> = heads
            .into_iter()
            .map(|head| head.name)
            .filter(|name| owner(name).is_some_and(|owner| !self.is_owned(&owner)))
            .collect();
        let before = std::mem::replace(&mut *self.ownerless.lock(), ownerless.clone());
        for name in ownerless.intersection(&before) {
            self.remove_name(name)?;
        }
        Ok(())
    }

    fn remove_name(&self, name: &str) -> Result<(), memex_snapshots::Error> {
        let Some(owner) = owner(name) else {
            return Ok(());
        };
        // A turn that is about to wait writes its names with the body in hand.
        let entry = match &owner {
            Owner::Sandbox(_, id, true) => self.registry.find_any(id),
            _ => None,
        };
        let body = entry.map(|entry| Arc::clone(&entry.body).try_lock_owned());
        if matches!(body, Some(Err(_))) || self.is_owned(&owner) {
            return Ok(());
        }
        tracing::info!(name, "a name in the store that nobody needs is removed");
        self.store(Durability::Process).remove_session(name)
    }

    /// Whether something that is there, or that this server does not know, has the state.
    fn is_owned(&self, owner: &Owner<'_>) -> bool {
        let (tenant, id) = match owner {
            Owner::Sandbox(tenant, id, _) | Owner::Snapshot(tenant, id) => (*tenant, id),
        };
        if self.tenant(tenant).is_none() {
            // It is not configured now, and may be again.
            return true;
        }
        match owner {
            Owner::Snapshot(..) => self.folder.has_snapshot(tenant, id),
            Owner::Sandbox(_, _, is_waiting) => {
                let entry = self.registry.find(tenant, id);
                let has_ended = entry.map(|entry| entry.record.lock().ended.is_some());
                match (has_ended, is_waiting) {
                    (Some(true), _) => false,
                    (Some(false), false) => true,
                    (Some(false), true) => self.folder.has_waiting(tenant, id),
                    // A record that could not be read is left alone, and so is its state.
                    (None, _) => self.folder.has_record(tenant, id),
                }
            }
        }
    }

    /// Removes profiles that no record names and no sandbox is being made of.
    fn remove_profiles(&self) -> io::Result<()> {
        let mut needed = self.folder.profiles_named(|tenant, id| {
            let entry = self.registry.find(tenant, id)?;
            Some(entry.profile.name.clone())
        })?;
        for tenant in self.tenants() {
            // What new sandboxes of the tenant are made of, as a rule.
            let standard = self.profile(&self.image, tenant.policy(), Vec::new());
            needed.extend(standard.map(|profile| profile.name.clone()));
        }
        for name in self.folder.profiles()? {
            if needed.contains(&name) {
                continue;
            }
            // Nobody begins to use it between the look and the removal.
            let _writing = self.profiles_on_disk.lock();
            if self.registry.profile(&name).is_none() {
                self.folder.remove_profile(&name)?;
            }
        }
        Ok(())
    }
}

fn owner(name: &str) -> Option<Owner<'_>> {
    let mut parts = name.split('.');
    let (kind, tenant, id) = (parts.next()?, parts.next()?, Id::parse(parts.next()?)?);
    let (more, end) = (parts.next(), parts.next());
    if end.is_some() {
        return None;
    }
    match (kind, more) {
        ("sb", None) => Some(Owner::Sandbox(tenant, id, false)),
        ("sb", Some("now" | "start")) => Some(Owner::Sandbox(tenant, id, true)),
        ("snap", None) => Some(Owner::Snapshot(tenant, id)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::{snapshot_name, store_name};
    use super::*;

    #[test]
    fn names_of_sandboxes_and_snapshots_are_read_and_no_others() {
        let id = Id::random().unwrap();
        let state = store_name("a-b", &id);
        assert!(matches!(owner(&state), Some(Owner::Sandbox("a-b", found, false)) if found == id));
        let now = format!("{state}.now");
        assert!(matches!(owner(&now), Some(Owner::Sandbox("a-b", _, true))));
        let snapshot = snapshot_name("a", &id);
        assert!(matches!(owner(&snapshot), Some(Owner::Snapshot("a", _))));
        for other in [
            "memex-server",
            "sb.a.x",
            "",
            &format!("{now}.x"),
            &format!("{state}.x"),
        ] {
            assert!(owner(other).is_none(), "{other}");
        }
    }
}
