//! Sending images to a store and getting them from it.

use super::places::{expect_built, place};
use crate::console::{complain, print_line};
use crate::context::Context;
use crate::exit_code::ExitCode;
use crate::image_options::ImageChoice;
use crate::image_store::RemoteImages;
use crate::progress::Bars;
use crate::report::bytes;
use anyhow::Result;
use clap::Args;
use memex_runtime::{
    Cache, CodeSource, Error, FetchOptions, Image, PullOptions, PushOptions, Pushed, TrustCode,
};
use serde_json::json;

pub(super) const PUSH_EXAMPLES: &str = "\
The store is the one of saved sessions, or another: s3://BUCKET/PREFIX, with credentials in
the usual AWS_… variables, or file:///DIRECTORY. Pieces that it has are not sent again; an
interrupted push leaves nothing that can be pulled, and the next one resumes it.

The push includes memory, the guest's files, packages, and the machine code that the cache has
for this processor. With --secret-file, the secret authenticates the code: a pull with the same
secret accepts it. The digest of the code is printed, for --trust-code.

The memory contains the secret of string hashes; anyone who can read the store can read it.

Examples:
  memex image push s3://bucket/memex
  memex image push s3://bucket/memex 8a949d63
  memex image push s3://bucket/memex --secret-file fleet.key --cpu x86-64-v3
  memex image push file:///mnt/share/memex --no-code --json";

pub(super) const PULL_EXAMPLES: &str = "\
Without a name, the image that matches the other options; without options, the standard one.
A full name pins the image: every byte is verified against it. Without it, anyone who can write
to the store decides which Python code your sessions start with.

Machine code runs unchecked, as your user. It is therefore compiled here, which takes minutes,
unless it is authenticated: by --secret-file, if it was pushed with the same secret, or by
--trust-code=DIGEST, with the digest that the push printed. A bare --trust-code accepts any code
in the store: then anyone who can write to the store can run code as your user.

An interrupted pull does not change existing images, and the next one resumes it.

Examples:
  memex image pull s3://bucket/memex
  memex image pull s3://bucket/memex 8a949d63
  memex image pull s3://bucket/memex --secret-file fleet.key --cpu x86-64-v3
  memex image pull file:///mnt/share/memex --json";

#[derive(Debug, Args)]
pub(super) struct PushArguments {
    /// The store: s3://BUCKET/PREFIX or file:///DIRECTORY
    #[arg(value_name = "URL")]
    url: String,
    /// Name of `memex image list`, or its beginning [default: the standard image]
    #[arg(value_name = "NAME", conflicts_with_all = ["preload", "package", "boot_time"])]
    name: Option<String>,
    #[command(flatten)]
    choice: ImageChoice,
    /// Send no machine code
    #[arg(long)]
    no_code: bool,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct PullArguments {
    /// The store: s3://BUCKET/PREFIX or file:///DIRECTORY
    #[arg(value_name = "URL")]
    url: String,
    /// Name of an image, or its beginning [default: the standard image]
    #[arg(value_name = "NAME", conflicts_with_all = ["preload", "package", "boot_time"])]
    name: Option<String>,
    #[command(flatten)]
    choice: ImageChoice,
    /// Accept machine code that no secret authenticates: the code of this digest or, without
    /// one, any code in the store
    #[arg(long, value_name = "DIGEST", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    trust_code: Option<String>,
    /// Also fetch code that counts fuel, for policies with a fuel limit
    #[arg(long)]
    fuel: bool,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn push(
    arguments: &PushArguments,
    cache: &Cache,
    context: &Context,
) -> Result<ExitCode> {
    let spec = arguments.choice.spec(context)?;
    let name = match &arguments.name {
        Some(name) => cache.image_name(name)?,
        None => expect_built(cache, &arguments.choice, &spec)?,
    };
    let store = RemoteImages::open(&arguments.url, context)?;
    let mut bars = Bars::new(context, false);
    let image = Image::open(cache, &name, &FetchOptions::default(), &mut bars)?;
    let options = PushOptions {
        code: !arguments.no_code,
        secret: spec.secret,
    };
    let pushed = image
        .push(&store, &options, &mut bars)
        .map_err(|error| interrupted(error, "pushed"))?;
    drop(bars);
    match arguments.json {
        true => print_line(&object(&pushed).to_string()),
        false => tell(&pushed, context),
    }
    Ok(ExitCode::SUCCESS)
}

fn object(pushed: &Pushed) -> serde_json::Value {
    let code: Vec<_> = pushed
        .code
        .iter()
        .map(|code| {
            json!({"machine": code.machine, "digest": code.digest, "vouched": code.is_vouched})
        })
        .collect();
    json!({
        "name": pushed.name, "bytes": pushed.bytes, "sent_bytes": pushed.sent_bytes,
        "stored_bytes": pushed.stored_bytes, "code": code,
    })
}

fn tell(pushed: &Pushed, context: &Context) {
    complain(&format!(
        "{} {}, of which {} were sent as {}",
        context.err.paint.good("pushed:"),
        bytes(pushed.bytes),
        bytes(pushed.sent_bytes),
        bytes(pushed.stored_bytes)
    ));
    for code in &pushed.code {
        let vouched = match code.is_vouched {
            true => "a secret vouches for it",
            false => "no secret vouches for it",
        };
        complain(&format!(
            "code for {}: {vouched}, --trust-code={}",
            code.machine, code.digest
        ));
    }
    print_line(&pushed.name);
}

pub(super) fn pull(
    arguments: &PullArguments,
    cache: &Cache,
    context: &Context,
) -> Result<ExitCode> {
    let spec = arguments.choice.spec(context)?;
    let store = RemoteImages::open(&arguments.url, context)?;
    let options = PullOptions {
        name: arguments.name.clone(),
        secret: spec.secret.clone(),
        trust_code: match arguments.trust_code.as_deref() {
            None => TrustCode::Secret,
            Some("") => TrustCode::Store,
            Some(digest) => TrustCode::Digest(digest.to_owned()),
        },
        fuel: arguments.fuel,
    };
    let mut bars = Bars::new(context, false);
    let pulled = Image::pull(cache, &spec, &store, &options, &mut bars)
        .map_err(|error| interrupted(error, "pulled"))?;
    drop(bars);
    let name = pulled.image.name();
    let (code, told) = match pulled.code {
        CodeSource::Cache => ("cache", "its code was there"),
        CodeSource::Store => ("store", "its code was pulled"),
        CodeSource::Compiled => ("compiled", "its code was compiled here"),
    };
    if arguments.json {
        let line = json!({
            "name": name, "was_there": pulled.was_there, "fetched_bytes": pulled.fetched_bytes,
            "code": code, "path": place(cache, name),
        });
        print_line(&line.to_string());
        return Ok(ExitCode::SUCCESS);
    }
    complain(&format!(
        "{} image {name}, {} fetched; {told}",
        context.err.paint.good("ready:"),
        bytes(pulled.fetched_bytes)
    ));
    print_line(&place(cache, name).display().to_string());
    Ok(ExitCode::SUCCESS)
}

/// A failure on the way is reported together with the state of the rest.
fn interrupted(error: Error, done: &str) -> anyhow::Error {
    let on_the_way = matches!(error, Error::ImageStore { .. } | Error::File { .. });
    let error = anyhow::Error::new(error);
    match on_the_way {
        true => error.context(format!(
            "the image is not {done}; the same command resumes where this one stopped"
        )),
        false => error,
    }
}
