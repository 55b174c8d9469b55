//! Takes figures of a cached image.
//!
//! `cargo run --release -p memex-benches --example figures -- --cache DIR [NAME…] [--json] [--command "PROGRAM ARGUMENT…"]`
//! `cargo run --release -p memex-benches --example figures -- --compare BASE.json NEW.json`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use memex_benches::{Context, Event, FirstTurn, compare, run, select};
use memex_runtime::{Cache, FetchOptions, Image, ImageSpec, NoProgress, Progress, Stage};

struct Lines;

impl Progress for Lines {
    fn begin(&mut self, stage: Stage, _total: Option<u64>) {
        eprintln!("{}", stage.label());
    }
    fn advance(&mut self, _done: u64) {}
}

/// Room for the guest's frames, as the `memex` command has it: no stack has to
/// be mapped for each turn.
const STACK_BYTES: usize = 64 << 20;

fn main() {
    let work = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(|| {
            if let Err(error) = figures() {
                eprintln!("error: {error}");
                std::process::exit(1);
            }
        });
    work.unwrap().join().unwrap();
}

fn figures() -> Result<(), Box<dyn std::error::Error>> {
    let mut names = Vec::new();
    let (mut cache, mut json, mut command) = (None, false, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--cache" => cache = arguments.next(),
            "--json" => json = true,
            "--command" => command = arguments.next(),
            "--compare" => {
                let read = |path: Option<String>| std::fs::read_to_string(path.unwrap()).unwrap();
                let (base, new) = (read(arguments.next()), read(arguments.next()));
                for comparison in compare(&base, &new)?.both {
                    println!("{comparison}");
                }
                return Ok(());
            }
            _ => names.push(argument),
        }
    }
    let entries = select(&names)?;
    let cache = Cache::open(cache.ok_or("name a cache with --cache")?)?;
    let fetch = FetchOptions {
        // Where pip finds its index.
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect(),
        ..FetchOptions::default()
    };
    let image = Image::load(&cache, &ImageSpec::standard()?, &fetch, &mut NoProgress)?;
    let mut context = Context::new(image, Box::new(Lines))?;
    if let Some(command) = command {
        let mut words = command.split_whitespace();
        let program = words.next().ok_or("an empty command")?.into();
        let arguments = words.map(Into::into).collect();
        context = context.with_first_turn(FirstTurn { program, arguments });
    }
    eprintln!("{}", context.machine());
    run(&context, &entries, |event| match event {
        Event::Begin(entry) => eprintln!("{} …", entry.name),
        Event::Taken(_, figure) if json => {
            println!("{}", serde_json::to_string(figure).unwrap());
        }
        Event::Taken(entry, figure) => {
            let met = entry
                .is_met(figure)
                .map_or("", |met| if met { "met" } else { "MISSED" });
            println!(
                "{:<24} {:>10.2} {:>10.2} {:>10.2} {:<4} n {:<5} {} {met}\n    {}",
                figure.name,
                figure.p50,
                figure.p99,
                figure.min,
                figure.unit,
                figure.n,
                entry.target_text(),
                figure.note,
            );
        }
        Event::Failed(entry, error) => eprintln!("{} failed: {error}", entry.name),
    });
    Ok(())
}
