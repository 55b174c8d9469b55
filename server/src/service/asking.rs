//! What a request for a sandbox may ask for: how much, and no more than its tenant's policy
//! permits.

use memex_policies::{Limits, Policy};
use memex_sessions::LimitValue;

use crate::error::{ErrorKind, ServiceError, cause_and_hint};
use crate::sandbox::Create;

/// Entries of metadata, variables, inputs and tools.
const ENTRIES_MAX: usize = 256;
/// Bytes of the policy, the variables and the tools, which are kept with the sandbox.
const PROFILE_BYTES_MAX: usize = 256 << 10;
/// Bytes of all metadata.
const METADATA_BYTES_MAX: usize = 16 << 10;
/// Limits that decide which machine code runs: another value would have it compiled anew,
/// which is for the operator to decide.
const FIXED_LIMITS: [&str; 2] = ["fuel", "wasm_stack_bytes"];

/// The policy of a sandbox: its tenant's, narrowed, with the request's variables.
pub(super) fn narrowed(base: &Policy, request: &Create) -> Result<Policy, ServiceError> {
    let refused = |error: memex_policies::Error| {
        let (cause, hint) = cause_and_hint(error.cause());
        let hint = hint.unwrap_or_else(|| {
            "a sandbox may do less than its tenant's policy permits, and never more".to_owned()
        });
        ServiceError::new(ErrorKind::Invalid, "policy-refused", cause, hint)
    };
    let mut policy = base.clone();
    if let Some(overlay) = &request.narrowing.policy {
        let mut overlay = overlay.clone();
        overlay.entry("version").or_insert(toml::Value::Integer(1));
        let text = toml::to_string(&overlay)
            .map_err(|error| ServiceError::invalid(error.to_string(), "send a policy's tables"))?;
        policy = policy.narrow(&text).map_err(refused)?;
    }
    for (name, value) in &request.narrowing.limits {
        let value = match value {
            LimitValue::Number(value) => *value,
            LimitValue::Text(text) => {
                let field = Limits::field(name).map_err(refused)?;
                field.parse(text).map_err(refused)?
            }
        };
        policy = policy.with_limit(name, value).map_err(refused)?;
    }
    for name in FIXED_LIMITS {
        let (before, now) = (base.limits.get(name), policy.limits.get(name));
        if before.ok() != now.ok() {
            return Err(ServiceError::new(
                ErrorKind::Invalid,
                "policy-refused",
                format!("the limit `{name}` is the operator's to set"),
                "leave it out",
            ));
        }
    }
    for (name, value) in &request.environment {
        policy
            .set_variable(name.clone(), value.clone())
            .map_err(refused)?;
    }
    Ok(policy)
}

pub(super) fn check_sizes(request: &Create) -> Result<(), ServiceError> {
    for (what, count) in [
        ("metadata", request.metadata.len()),
        ("environment", request.environment.len()),
        ("inputs", request.inputs.len()),
        ("tools", request.tools.len()),
        ("limits", request.narrowing.limits.len()),
    ] {
        if count > ENTRIES_MAX {
            return Err(too_large(format!(
                "`{what}` has {count} entries, of {ENTRIES_MAX} allowed"
            )));
        }
    }
    let metadata = request.metadata.iter();
    let bytes: usize = metadata.map(|(name, value)| name.len() + value.len()).sum();
    if bytes > METADATA_BYTES_MAX {
        return Err(too_large(format!(
            "the metadata has {bytes} bytes, of {METADATA_BYTES_MAX} allowed"
        )));
    }
    let bytes = profile_bytes(request);
    match bytes > PROFILE_BYTES_MAX {
        true => Err(too_large(format!(
            "the policy, the environment and the tools have {bytes} bytes together, of \
             {PROFILE_BYTES_MAX} allowed"
        ))),
        false => Ok(()),
    }
}

/// What is kept of a request besides its metadata, as text.
fn profile_bytes(request: &Create) -> usize {
    let variables = request.environment.iter();
    let variables: usize = variables
        .map(|(name, value)| name.len() + value.len())
        .sum();
    let tools = request.tools.iter().map(|tool| {
        let returns = tool
            .returns
            .as_ref()
            .map_or(0, |returns| returns.to_string().len());
        tool.name.len() + tool.description.len() + tool.parameters.to_string().len() + returns
    });
    let limits = request.narrowing.limits.iter().map(|(name, value)| {
        let text = match value {
            LimitValue::Text(text) => text.len(),
            LimitValue::Number(_) => 0,
        };
        name.len() + text
    });
    let policy = request.narrowing.policy.as_ref();
    let policy = policy.map_or(0, |policy| policy.to_string().len());
    variables + tools.sum::<usize>() + limits.sum::<usize>() + policy
}

fn too_large(message: String) -> ServiceError {
    ServiceError::new(ErrorKind::TooLarge, "too-large", message, "send less")
}
