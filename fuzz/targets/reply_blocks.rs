//! Blocks in a model's text: they come from the text, and the same when it is
//! streamed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_agent::{CodeForm, blocks};
use memex_mem_agent::{BlockStream, Blocks, Piece, Section};

fuzz_target!(|text: &str| {
    for form in [CodeForm::Fenced, CodeForm::Tagged] {
        for stopped in [false, true] {
            if let Some(code) = blocks(text, form, stopped).first {
                assert!(code.len() <= text.len() && !code.trim().is_empty());
            }
        }
    }
    let whole = Blocks::parse(text);
    assert!(text.contains(&whole.thoughts) && text.contains(&whole.reply));
    let bytewise = streamed(text.split_inclusive(|_: char| true));
    assert_eq!(streamed([text]), bytewise);
});

/// The texts of the three kinds of blocks.
fn streamed<'t>(pieces: impl IntoIterator<Item = &'t str>) -> [String; 3] {
    let (mut stream, mut texts) = (BlockStream::default(), [const { String::new() }; 3]);
    for piece in pieces.into_iter().flat_map(|piece| stream.push(piece)) {
        if let Piece::Text(section, text) = piece {
            let place = match section {
                Section::Thoughts => 0,
                Section::Python => 1,
                Section::Reply => 2,
            };
            texts[place].push_str(&text);
        }
    }
    texts
}
