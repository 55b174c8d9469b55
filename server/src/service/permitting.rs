//! Whether the operator still permits what a saved sandbox may do.

use memex_policies::Policy;

use super::state::Inner;
use crate::error::{ErrorKind, ServiceError, cause_and_hint};
use crate::ledger::Profile;
use crate::tenants::Tenant;

impl Inner {
    /// Refuses the policy of a sandbox or a snapshot that permits more than its tenant's
    /// does by now. It is as it was made; the operator may have narrowed the tenant's since.
    pub(super) fn check_policy(
        &self,
        tenant: &Tenant,
        profile: &Profile,
    ) -> Result<(), ServiceError> {
        within(&tenant.policy(), &profile.policy).map_err(|what| {
            ServiceError::new(
                ErrorKind::Forbidden,
                "policy-narrowed",
                format!("it may do more than its tenant may by now: {what}"),
                "make a new sandbox, or ask the operator to permit what this one was made with",
            )
        })
    }
}

/// Whether a policy permits nothing that another one does not, and what it permits more.
fn within(most: &Policy, policy: &Policy) -> Result<(), String> {
    if most == policy {
        return Ok(());
    }
    // Variables are the client's own to set, and permit nothing.
    let mut bare = policy.clone();
    bare.environment.clone_from(&most.environment);
    let text = bare.to_toml();
    // An overlay extends nothing.
    let lines = text.lines().filter(|line| !line.starts_with("extends = "));
    let overlay = lines.collect::<Vec<_>>().join("\n");
    let narrowed = most.narrow(&overlay).map_err(|error| {
        let (cause, _) = cause_and_hint(error.cause());
        cause
    })?;
    // An overlay inherits what its text does not name, and adds its denials to those that
    // are there: where the result is less than the policy, that permits more.
    if narrowed.limits != bare.limits {
        return Err("one of its limits is not set, and the tenant's is".to_owned());
    }
    let denies_less =
        |most: &[String], own: &[String]| most.iter().any(|entry| !own.contains(entry));
    if bare.natives.enabled && denies_less(&narrowed.natives.deny, &bare.natives.deny) {
        return Err("the tenant is denied natives that it is not".to_owned());
    }
    if denies_less(&narrowed.tools.deny, &bare.tools.deny) {
        return Err("the tenant is denied tools that it is not".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use memex_policies::Preset;

    use super::*;

    #[test]
    fn a_policy_is_within_one_that_it_narrows_and_not_the_other_way_round() {
        let wide = Policy::from_preset(Preset::Compute);
        let mut narrow = wide
            .with_limit("guest_time_ms", 1_000)
            .and_then(|policy| policy.narrow("version = 1\n[scratch]\nenabled = false"))
            .unwrap();
        assert_eq!(within(&wide, &narrow), Ok(()));
        narrow.set_variable("A".to_owned(), "1".to_owned()).unwrap();
        assert_eq!(within(&wide, &narrow), Ok(()), "variables are the client's");
        assert!(within(&narrow, &wide).unwrap_err().contains("guest_time"));
        let scratch = wide
            .narrow("version = 1\n[scratch]\nenabled = false")
            .unwrap();
        assert!(within(&scratch, &wide).unwrap_err().contains("scratch"));
        let denies = wide
            .narrow("version = 1\n[natives]\ndeny = [\"webp\"]")
            .unwrap();
        assert_eq!(within(&wide, &denies), Ok(()));
        assert!(within(&denies, &wide).unwrap_err().contains("natives"));
        let fuelled = wide.with_limit("fuel", 1_000_000).unwrap();
        assert_eq!(within(&wide, &fuelled), Ok(()));
        assert!(
            within(&fuelled, &wide).is_err(),
            "no bound is more than one"
        );
    }
}
