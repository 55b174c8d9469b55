//! Runs each argument as one turn of one session and prints the outcomes.
//!
//! `cargo run --release -p memex-runtime --example turns -- CACHE 'x = 1' 'x + 1'`

use memex_runtime::{
    Cache, FetchOptions, Image, ImageSpec, Progress, Runtime, Sandbox, SessionOptions, Stage,
};
use std::sync::Arc;
use std::time::Instant;

struct Lines(Instant);

impl Progress for Lines {
    fn begin(&mut self, stage: Stage, _total: Option<u64>) {
        eprintln!(
            "[{:6.1} s] {}",
            self.0.elapsed().as_secs_f64(),
            stage.label()
        );
    }
    fn advance(&mut self, _done: u64) {}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let cache = Cache::open(arguments.next().ok_or("name a cache directory")?)?;
    let mut progress = Lines(Instant::now());
    let spec = ImageSpec::standard()?;
    let fetch = FetchOptions {
        // Where pip finds its index.
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect(),
        ..FetchOptions::default()
    };
    let image = Image::load(&cache, &spec, &fetch, &mut progress)?;
    let policy = Arc::new(memex_policies::Policy::default());
    let sandbox = Sandbox::new(&Runtime::new()?, &image, policy, &mut progress)?;
    let mut session = sandbox.session(SessionOptions::default())?;
    for code in arguments {
        let outcome = session.run(&code)?;
        println!("{:?} in {:?}", outcome.status, outcome.wall_time);
        print!("{}{}", outcome.stdout.text, outcome.stderr.text);
        if let Some(value) = outcome.value {
            println!("{value}");
        }
        if let Some(error) = outcome.error {
            println!("{}{}: {}", error.traceback, error.class, error.message);
        }
    }
    Ok(())
}
