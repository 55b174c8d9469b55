//! From a profile to what its sessions are made from; and finding what is there already.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use memex_host_tools::{Tool, client_tool};
use memex_policies::Policy;
use memex_runtime::NoProgress;
use memex_sessions::{Error, ImageSource, NoSecrets, PolicySource, SessionSpec};

use super::entry::Entry;
use super::state::{Assembled, Inner, Standard};
use crate::error::{ErrorKind, ServiceError, cause_and_hint};
use crate::ledger::Profile;
use crate::tenants::Tenant;

/// Profiles whose code is kept linked.
const ASSEMBLED_MAX: usize = 64;
/// Policies of which the profile is known without writing them down.
const STANDARD_MAX: usize = 64;

impl Inner {
    /// What the sessions of a profile are made from.
    pub(super) fn assemble(&self, profile: &Profile) -> Result<Arc<Assembled>, ServiceError> {
        let known = {
            let mut assembled = self.assembled.lock();
            let at = assembled.iter().position(|(name, _)| *name == profile.name);
            at.map(|at| {
                // The one that was used longest ago is the first.
                let found = assembled.remove(at);
                let known = Arc::clone(&found.1);
                assembled.push(found);
                known
            })
        };
        if let Some(known) = known {
            return Ok(known);
        }
        let made = Arc::new(
            self.assembled_anew(profile)
                .map_err(|error| unusable(&error))?,
        );
        let mut assembled = self.assembled.lock();
        if assembled.len() >= ASSEMBLED_MAX {
            assembled.remove(0);
        }
        assembled.push((profile.name.clone(), Arc::clone(&made)));
        Ok(made)
    }

    fn assembled_anew(&self, profile: &Profile) -> Result<Assembled, Error> {
        let spec = SessionSpec::builder()
            .policy(PolicySource::of(&profile.policy)?)
            .image(self.image_source(&profile.image))
            .build();
        let mut resolved = spec.resolve()?;
        let own = profile.tools.iter();
        let own: Vec<Arc<dyn Tool>> = own
            .map(|spec| Arc::new(client_tool(spec.clone())) as Arc<dyn Tool>)
            .collect();
        if !own.is_empty() {
            resolved = resolved.granting_tools()?;
        }
        let tools = resolved.tools_and(own, &self.host, &NoSecrets)?;
        let sandbox = resolved.sandbox(&self.host, &mut NoProgress)?;
        Ok(Assembled { sandbox, tools })
    }

    /// The standard image is loaded by what it is built from, any other by its name.
    pub(super) fn image_source(&self, name: &str) -> ImageSource {
        match name == self.image {
            true => ImageSource::default(),
            false => ImageSource {
                name: Some(name.to_owned()),
                ..ImageSource::default()
            },
        }
    }

    /// Links the code that the first sandbox of each tenant needs.
    pub(super) fn warm(&self) -> Result<(), ServiceError> {
        for tenant in self.tenants() {
            let profile = self.standard_profile(&self.image, &tenant.policy())?;
            self.assemble(&profile)?;
        }
        Ok(())
    }

    /// The profile of a policy as it is, without tools. The last ones are kept: to write a
    /// policy down takes longer than to make a sandbox.
    pub(super) fn standard_profile(
        &self,
        image: &str,
        policy: &Arc<Policy>,
    ) -> Result<Arc<Profile>, ServiceError> {
        let mut standard = self.standard.lock();
        let known = standard.iter().find(|known| {
            // It is kept, so that no other one can be where it was.
            Arc::ptr_eq(&known.policy, policy) && known.profile.image == image
        });
        if let Some(known) = known {
            return Ok(Arc::clone(&known.profile));
        }
        let profile = self.profile(image, Arc::clone(policy), Vec::new())?;
        if standard.len() >= STANDARD_MAX {
            standard.remove(0);
        }
        standard.push(Standard {
            policy: Arc::clone(policy),
            profile: Arc::clone(&profile),
        });
        Ok(profile)
    }

    /// A profile, kept on disk and shared with equal ones.
    pub(super) fn profile(
        &self,
        image: &str,
        policy: Arc<Policy>,
        tools: Vec<memex_host_tools::ToolSpec>,
    ) -> Result<Arc<Profile>, ServiceError> {
        let (profile, bytes) = Profile::new(image, policy, tools)
            .map_err(|error| ServiceError::internal(error.to_string()))?;
        if let Some(known) = self.registry.profile(&profile.name) {
            return Ok(known);
        }
        let _writing = self.profiles_on_disk.lock();
        let written = self.folder.write_profile(&profile.name, &bytes);
        written.map_err(|error| no_room(&error))?;
        Ok(self.registry.share(profile))
    }

    /// Finds the sandboxes and snapshots that earlier servers have left.
    pub(super) fn find_sandboxes(&self) -> io::Result<()> {
        for tenant in self.tenants() {
            self.find_sandboxes_of(&tenant)?;
        }
        Ok(())
    }

    /// The same of one tenant.
    pub(super) fn find_sandboxes_of(&self, tenant: &Arc<Tenant>) -> io::Result<()> {
        let mut profiles: HashMap<String, Arc<Profile>> = HashMap::new();
        let name = tenant.name();
        self.folder.add_tenant(name)?;
        let mut living = 0;
        for record in self.folder.records(name)? {
            let known = profiles.get(&record.profile).cloned();
            let profile = match known.map_or_else(
                || {
                    self.folder
                        .profile(&record.profile)
                        .map(|profile| self.registry.share(profile))
                },
                Ok,
            ) {
                Ok(profile) => profile,
                Err(error) => {
                    tracing::error!(sandbox = %record.id, %error, "a sandbox is left alone");
                    continue;
                }
            };
            profiles.insert(record.profile.clone(), Arc::clone(&profile));
            if let Some((key, digest)) = &record.request {
                self.registry.tell(name, key, digest, Some(record.id));
            }
            living += usize::from(record.ended.is_none());
            // It was not used while the server was down, which is no reason to end it.
            let entry = Entry::new(Arc::clone(tenant), profile, record);
            self.registry.insert(Arc::new(entry));
        }
        let snapshots = self.folder.snapshot_records(name)?;
        tenant.usage.found(living, snapshots.len());
        let mut known = self.registry.snapshots.write();
        for snapshot in snapshots {
            tenant.usage.stored(0, snapshot.stored_bytes);
            known.insert((name.to_owned(), snapshot.id), snapshot);
        }
        Ok(())
    }
}

/// A profile that cannot be used.
fn unusable(error: &Error) -> ServiceError {
    let (cause, hint) = cause_and_hint(error);
    match error {
        Error::Runtime(memex_runtime::Error::NoImage { .. }) | Error::SavedImage { .. } => {
            ServiceError::new(
                ErrorKind::Invalid,
                "unknown-image",
                cause,
                "name an image that the operator has built; without one the standard image is used",
            )
        }
        Error::Tools(_) | Error::Refused { .. } | Error::Policy { .. } | Error::Spec { .. } => {
            let hint = hint.unwrap_or_else(|| "change what the request asks for".to_owned());
            ServiceError::invalid(cause, hint)
        }
        _ => ServiceError::internal(cause),
    }
}

/// The data directory takes no more.
pub(super) fn no_room(error: &io::Error) -> ServiceError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ServiceError::new(
            ErrorKind::NoSpace,
            "no-space",
            format!("the server's disk is full: {error}"),
            "delete sandboxes, or tell the operator",
        ),
        _ => {
            // It may name a path, which is no client's affair.
            tracing::error!(%error, "the data directory failed");
            ServiceError::new(
                ErrorKind::Unavailable,
                "store-unavailable",
                "the server's data directory cannot be used now",
                "try again in a moment",
            )
            .retry_after(std::time::Duration::from_secs(2))
        }
    }
}
