//! What an evaluation comes to: tables, JSON lines and drawings.

use super::arguments::EvalArguments;
use crate::console::{print, print_line, write_whole};
use crate::failure::at_place;
use anyhow::Result;
use memex_agent::evaluation::{
    Graded, bars, by_tag, difference_table, differences, plot, repeated, repeated_table, summarise,
    table,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn report(arguments: &EvalArguments, name: &str, results: &[Graded]) -> Result<()> {
    let standings = summarise(results);
    let (gaps, many) = (differences(results), repeated(results));
    let tagged = match arguments.by_tag {
        true => by_tag(results),
        false => Vec::new(),
    };
    if arguments.agent.session.is_json() {
        for standing in &standings {
            print_line(&serde_json::to_string(standing)?);
        }
        for (tag, standings) in &tagged {
            for standing in standings {
                print_typed("tag", standing, Some(("tag", tag.as_str())))?;
            }
        }
        for gap in &gaps {
            print_typed("difference", gap, None)?;
        }
        for one in &many {
            print_typed("repeated", one, None)?;
        }
    } else {
        print(table(&standings).to_text());
        for (tag, standings) in &tagged {
            print(format!("\n{tag}\n{}", table(standings).to_text()));
        }
        if !gaps.is_empty() {
            print(format!("\n{}", difference_table(&gaps).to_text()));
        }
        if !many.is_empty() {
            print(format!("\n{}", repeated_table(&many).to_text()));
        }
    }
    if let Some(path) = &arguments.svg {
        draw(path, &plot(name, &standings).to_svg())?;
    }
    if let Some(path) = &arguments.bars {
        draw(path, &bars(name, &standings).to_svg())?;
    }
    Ok(())
}

/// A line that says what it is; those of standings are as they were.
fn print_typed(kind: &str, value: &impl Serialize, more: Option<(&str, &str)>) -> Result<()> {
    let mut object = serde_json::to_value(value)?;
    if let Some(map) = object.as_object_mut() {
        map.insert("type".to_owned(), json!(kind));
        map.extend(more.map(|(key, value)| (key.to_owned(), Value::from(value))));
    }
    print_line(&object.to_string());
    Ok(())
}

fn draw(path: &Path, svg: &str) -> Result<()> {
    write_whole(path, svg.as_bytes())
        .map_err(|error| at_place(path, error, "name a file that you can write"))
}
