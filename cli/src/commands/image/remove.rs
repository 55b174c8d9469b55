//! Removing images by name.

use crate::console::{complain, print_line};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::failure::TURN_FAILED;
use crate::report::bytes;
use anyhow::Result;
use clap::Args;
use memex_runtime::Cache;

pub(super) const EXAMPLES: &str = "\
Running sessions keep what they have mapped. A session that was saved on the image needs it
again: build it with the same options and the same secret, or pull it. Code and the guest are
shared by all images and stay; `memex image prune` removes what no version in use needs.

Examples:
  memex image rm 8a949d63
  memex image rm 8a949d63 07fe1b22";

#[derive(Debug, Args)]
pub(super) struct RemoveArguments {
    /// Names of `memex image list`, or their beginnings
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

pub(super) fn remove(
    arguments: &RemoveArguments,
    cache: &Cache,
    context: &Context,
) -> Result<ExitCode> {
    // All names first: nothing is removed if one is wrong.
    let names: Result<Vec<String>, _> = arguments
        .names
        .iter()
        .map(|name| cache.image_name(name))
        .collect();
    let mut names = names?;
    names.sort();
    names.dedup();
    let (mut total, mut is_busy) = (0_u64, false);
    for name in names {
        let removed = cache.remove_image(&name)?;
        let state = match removed.is_gone {
            true => context.out.paint.good("removed"),
            false => context.out.paint.faint("in use"),
        };
        print_line(&format!(
            "{}  {:>9}  {state}",
            removed.name,
            bytes(removed.bytes)
        ));
        match removed.is_gone {
            true => total = total.saturating_add(removed.bytes),
            false => is_busy = true,
        }
    }
    complain(&format!("{} free", bytes(total)));
    Ok(match is_busy {
        true => ExitCode::from(TURN_FAILED),
        false => ExitCode::SUCCESS,
    })
}
