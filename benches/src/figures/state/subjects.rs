//! The sessions that are saved, restored and forked.

use crate::context::{Context, run_ok, session, unexpected};
use crate::error::Error;
use memex_runtime::{Sandbox, Session};

/// Makes a DataFrame of 100 MB.
pub(in crate::figures) const LARGE: &str =
    "import numpy as np, pandas as pd\ndf = pd.DataFrame({'a': np.arange(12_500_000.0)})";

/// A session of one turn, and its sandbox.
pub(super) fn small(context: &Context) -> Result<(Sandbox, Session), Error> {
    let sandbox = context.sandbox(|_| {})?;
    let mut session = session(&sandbox)?;
    run_ok(&mut session, "x = 1")?;
    Ok((sandbox, session))
}

/// Runs a turn that must have this value.
pub(super) fn expect(session: &mut Session, code: &str, value: &str) -> Result<(), Error> {
    let outcome = run_ok(session, code)?;
    if outcome.value.as_deref() == Some(value) {
        return Ok(());
    }
    Err(unexpected(code, value, &outcome))
}
