//! Conversations as people export them: whatever is odd, nothing else is lost.

use crate::{conversation, importer, memory, put, saved, skipped, turn, zipped};
use memex_connectors::ImportReport;
use memex_memory::{Memory, Mode};
use serde_json::{Value, json};

/// A node with this message.
fn node(id: &str, parent: Option<&str>, message: Value) -> (String, Value) {
    (
        id.to_owned(),
        json!({"id": id, "parent": parent, "message": message}),
    )
}

fn said(role: &str, content: Value) -> Value {
    json!({"author": {"role": role}, "content": content, "metadata": {}})
}

fn text(words: &str) -> Value {
    json!({"content_type": "text", "parts": [words]})
}

pub(crate) fn imported(export: &Value) -> (tempfile::TempDir, Memory, ImportReport) {
    let place = tempfile::tempdir().unwrap();
    let export = saved(
        place.path(),
        "conversations.json",
        export.to_string().as_bytes(),
    );
    let (directory, memory) = memory(Mode::Extended);
    let report = importer(&memory).chatgpt(export).unwrap();
    (directory, memory, report)
}

#[test]
fn every_kind_of_content_is_taken_in() {
    let spoken = json!({"content_type": "multimodal_text", "parts": [
        {"content_type": "audio_transcription", "text": "My sister is called Mira.", "direction": "in"},
        {"content_type": "audio_asset_pointer", "asset_pointer": "x"},
    ]});
    let mut attached = said("user", text("Look at this"));
    attached["metadata"] = json!({"attachments": [{"name": "plan.pdf"}, {"name": "x.png"}]});
    let mut code = said(
        "assistant",
        json!({"content_type": "code", "language": "python", "text": "print(6 * 7)"}),
    );
    code["recipient"] = json!("python");
    let output = json!({"author": {"role": "tool", "name": "python"}, "content": {"content_type": "execution_output", "text": "42"}});
    let mut canvas = said(
        "assistant",
        json!({"content_type": "code", "text": "{\"name\": \"Letter\", \"type\": \"document\", \"content\": \"Dear Bo\"}"}),
    );
    canvas["recipient"] = json!("canmore.create_textdoc");
    let mut changed = said(
        "assistant",
        json!({"content_type": "code", "text": "{\"updates\": [{\"pattern\": \".*\", \"replacement\": \"Dear Bea\"}]}"}),
    );
    changed["recipient"] = json!("canmore.update_textdoc");
    let mut remembered = said("assistant", text("Plays the oboe"));
    remembered["recipient"] = json!("bio");
    let quote = json!({"author": {"role": "tool", "name": "browser"}, "content": {"content_type": "tether_quote", "title": "Oboes", "url": "https://oboes.example", "text": "Reeds"}});
    let picture = json!({"author": {"role": "tool", "name": "dalle.text2im"}, "content": {"content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer", "metadata": {"dalle": {"prompt": "an oboe"}}}]}});
    let context = json!({"author": {"role": "user"}, "content": {"content_type": "user_editable_context", "user_profile": "I am a luthier", "user_instructions": "Be brief"}, "metadata": {"is_visually_hidden_from_conversation": true}});
    let thoughts = said(
        "assistant",
        json!({"content_type": "thoughts", "thoughts": [{"content": "hidden"}]}),
    );
    let future = said(
        "assistant",
        json!({"content_type": "hologram", "waves": [1]}),
    );
    let messages = [
        context,
        said("user", spoken),
        attached,
        thoughts,
        code,
        output,
        canvas,
        changed,
        remembered,
        quote,
        picture,
        future,
    ];
    let nodes: Vec<(String, Value)> = messages
        .into_iter()
        .enumerate()
        .map(|(at, message)| {
            let parent = at.checked_sub(1).map(|at| format!("n{at}"));
            node(&format!("n{at}"), parent.as_deref(), message)
        })
        .collect();
    let (_directory, memory, report) = imported(&json!([conversation("All", 1.7e9, nodes, "n11")]));
    let page = memory.read_file("entities/chatgpt/all.md");
    for expect in [
        "**User**\n\n> My sister is called Mira.\n",
        "> Look at this\n>\n> [attachment: plan.pdf]\n> [attachment: x.png]\n",
        "**Assistant, code**\n\n> ```python\n> print(6 * 7)\n> ```\n",
        "**Output**\n\n> ```\n> 42\n> ```\n",
        "**Assistant, canvas Letter**\n\n> Dear Bo\n",
        "**Assistant, canvas changed**\n\n> Dear Bea\n",
        "**Assistant, to its memory**\n\n> Plays the oboe\n",
        "**Tool browser**\n\n> Oboes, https://oboes.example\n> Reeds\n",
        "> [picture: an oboe]\n",
        "- messages: 9\n",
    ] {
        assert!(page.contains(expect), "{expect}: {page}");
    }
    assert!(
        !page.contains("hidden") && !page.contains("luthier"),
        "{page}"
    );
    assert_eq!(
        skipped(&report),
        [format!(
            "{}: message n11: has content of the unknown kind \"hologram\"; it is left out",
            place_of(&report)
        )]
    );
    let profile = memory.read_file("entities/chatgpt/profile.md");
    assert!(
        profile.contains("> I am a luthier\n") && profile.contains("> Be brief\n"),
        "{profile}"
    );
    let user = memory.read_file("user.md");
    assert!(
        user.contains(
            "- chatgpt: [[entities/chatgpt.md]]\n- chatgpt_profile: [[entities/chatgpt/profile.md]]"
        ),
        "{user}"
    );
    assert_eq!(memory.check().unwrap(), []);
}

/// The conversation that the first skipped message is in.
fn place_of(report: &ImportReport) -> String {
    let place = &report.skipped[0].place;
    place
        .rsplit_once(": message")
        .map_or(place.clone(), |(place, _)| place.to_owned())
}

#[test]
fn one_odd_message_loses_that_message_only() {
    let good = |id: &str, parent: Option<&str>, role: &str, words: &str| {
        node(id, parent, said(role, text(words)))
    };
    let odd = [
        json!({"content": text("x")}),
        json!({"author": null, "content": text("x")}),
        json!({"author": {"role": null}, "content": text("x")}),
        json!("a text"),
        json!(7),
        json!({"author": {"role": "assistant"}, "content": {"content_type": "new", "y": 1}}),
    ];
    for odd in odd {
        let nodes = vec![
            good("n0", None, "user", "My dentist is Dr. Okafor."),
            node("n1", Some("n0"), odd.clone()),
            good("n2", Some("n1"), "assistant", "Noted."),
        ];
        let mut one = conversation("Odd", 1.7e9, nodes, "n2");
        one["create_time"] = json!("2024-05-01T10:00:00Z");
        one["update_time"] = json!(null);
        let (_directory, memory, report) = imported(&json!([null, one]));
        let page = memory.read_file("entities/chatgpt/odd.md");
        assert!(
            page.contains("Okafor") && page.contains("> Noted.\n"),
            "{odd}: {page}"
        );
        assert!(
            page.contains("- created_on: 2024-05-01\n- messages: 2\n"),
            "{page}"
        );
        let told = skipped(&report);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].contains("conversation 1: is no conversation"),
            "{told:?}"
        );
        assert!(told[1].contains("conversation 2: message n1: "), "{told:?}");
        assert!(!report.is_complete());
    }
    // Nodes that are odd themselves, and text that is none.
    let nodes = vec![
        (
            "n0".to_owned(),
            json!({"message": said("user", text("first")), "children": ["n1"]}),
        ),
        ("n1".to_owned(), json!(null)),
        good("n2", Some("n1"), "assistant", "second \u{fffd}"),
    ];
    let broken = json!([conversation("Odd", 1.7e9, nodes, "n2")]).to_string();
    let broken = broken.replace('\u{fffd}', "\\ud83d");
    let place = tempfile::tempdir().unwrap();
    let export = saved(place.path(), "conversations.json", broken.as_bytes());
    let (_directory, memory) = memory(Mode::Extended);
    importer(&memory).chatgpt(export).unwrap();
    let page = memory.read_file("entities/chatgpt/odd.md");
    assert!(
        page.contains("> first\n") && page.contains("> second \u{fffd}\n"),
        "{page}"
    );
}

#[test]
fn exports_are_read_in_all_their_forms() {
    let one = conversation("Form", 1.7e9, vec![turn("q", None, "user", "hello")], "q");
    let list = json!([one]).to_string();
    let place = tempfile::tempdir().unwrap();
    put(
        place.path(),
        "folder/export/conversations-000.json",
        list.as_bytes(),
    );
    put(place.path(), "folder/export/chat.html", b"<html>");
    put(
        place.path(),
        "folder/.git/conversations.json",
        b"not looked at",
    );
    let lines = format!("{one}\n{one}\n");
    let forms: Vec<std::path::PathBuf> = [
        ("list.json", list.clone().into_bytes()),
        ("bom.json", format!("\u{feff}{list}").into_bytes()),
        (
            "object.json",
            json!({"user": 1, "conversations": [one]})
                .to_string()
                .into_bytes(),
        ),
        (
            "map.json",
            json!({"conversations": {"a": one}})
                .to_string()
                .into_bytes(),
        ),
        ("single.json", one.to_string().into_bytes()),
        ("lines.json", lines.into_bytes()),
        (
            "export.zip",
            zipped(&[
                ("x/conversations.json", list.as_bytes()),
                (
                    "x/user.json",
                    b"{\"email\": \"ada@example.com\", \"birth_year\": 1980}",
                ),
            ]),
        ),
    ]
    .into_iter()
    .map(|(name, bytes)| saved(place.path(), name, &bytes))
    .chain([
        place.path().join("folder"),
        place.path().join("folder/export"),
    ])
    .collect();
    for form in forms {
        let (_directory, memory) = memory(Mode::Extended);
        let report = importer(&memory).chatgpt(&form).unwrap();
        assert!(report.is_complete(), "{form:?} {:?}", skipped(&report));
        let page = memory.read_file("entities/chatgpt/form.md");
        assert!(page.contains("> hello\n"), "{form:?} {page}");
        let profile = memory.read_file("entities/chatgpt/profile.md");
        assert_eq!(
            profile.contains("- email: ada@example.com\n- birth_year: 1980\n"),
            form.ends_with("export.zip")
        );
    }
    // An archive in a folder, and nothing in it.
    let archive = zipped(&[("conversations.json", list.as_bytes())]);
    put(place.path(), "downloads/export.zip", &archive);
    let (_directory, memory) = memory(Mode::Extended);
    let downloads = place.path().join("downloads");
    assert!(importer(&memory).chatgpt(&downloads).unwrap().is_complete());
    assert!(memory.check_if_file_exists("entities/chatgpt/form.md"));
    for nothing in ["[]", "{\"conversations\": []}", ""] {
        let file = saved(place.path(), "nothing.json", nothing.as_bytes());
        assert!(importer(&memory).chatgpt(&file).is_err(), "{nothing}");
        assert!(importer(&memory).claude(&file).is_err(), "{nothing}");
    }
    // What was read before a file breaks off is kept, and the rest is told.
    let cut = saved(place.path(), "cut.json", &list.as_bytes()[..list.len() - 1]);
    let (_directory, memory) = crate::memory(Mode::Extended);
    let report = importer(&memory).chatgpt(cut).unwrap();
    assert!(
        skipped(&report)[0].contains("after conversation 1: cannot be read any further"),
        "{report:?}"
    );
    assert!(memory.check_if_file_exists("entities/chatgpt/form.md"));
}

#[test]
fn a_conversation_that_an_export_has_twice_is_taken_once() {
    let mut old = conversation("Old", 1.7e9, vec![turn("q", None, "user", "old")], "q");
    let mut new = conversation("New", 1.7e9, vec![turn("q", None, "user", "new")], "q");
    new["update_time"] = json!(1.8e9);
    for one in [&mut old, &mut new] {
        one["conversation_id"] = json!("c-1");
    }
    let (_directory, memory, report) = imported(&json!([old, new, new]));
    assert!(report.is_complete());
    assert!(memory.check_if_file_exists("entities/chatgpt/new.md"));
    let files = memory.files().unwrap();
    assert_eq!(
        files
            .iter()
            .filter(|path| path.contains("/chatgpt/"))
            .count(),
        1,
        "{files:?}"
    );
}

#[test]
fn other_branches_are_kept_behind_the_one_that_was_seen_last() {
    let nodes = vec![
        turn("a", None, "user", "Where to?"),
        turn("b", Some("a"), "assistant", "Paris."),
        turn("c", Some("a"), "assistant", "Rome."),
        turn("d", Some("b"), "user", "Why Paris?"),
    ];
    let (_directory, memory, report) = imported(&json!([conversation("Trip", 1.7e9, nodes, "c")]));
    assert!(report.is_complete());
    let page = memory.read_file("entities/chatgpt/trip.md");
    assert!(
        page.ends_with("**User**\n\n> Where to?\n\n**Assistant**\n\n> Rome.\n\n## Other branches\n\n### After message 1\n\n**Assistant**\n\n> Paris.\n\n**User**\n\n> Why Paris?\n"),
        "{page}"
    );
}

#[test]
fn a_long_conversation_is_split_and_nothing_of_it_is_lost() {
    let nodes: Vec<(String, Value)> = (0..300)
        .map(|at: usize| {
            let parent = at.checked_sub(1).map(|at| format!("n{at}"));
            turn(
                &format!("n{at}"),
                parent.as_deref(),
                "user",
                &format!("needle {at} {}", "word ".repeat(100)),
            )
        })
        .collect();
    let (directory, memory, report) =
        imported(&json!([conversation("Long", 1.7e9, nodes, "n299")]));
    assert!(report.is_complete());
    let parts: Vec<String> = memory
        .files()
        .unwrap()
        .into_iter()
        .filter(|path| path.starts_with("entities/chatgpt/"))
        .collect();
    assert_eq!(parts.len(), 3, "{parts:?}");
    let whole: String = parts
        .iter()
        .map(|path| std::fs::read_to_string(directory.path().join(path)).unwrap())
        .collect();
    for at in 0..300 {
        assert!(whole.contains(&format!("> needle {at} word")), "{at}");
    }
    assert!(
        parts
            .iter()
            .all(|path| memory.bytes(path).unwrap().len() < 66 << 10)
    );
    assert!(
        memory
            .read_file("entities/chatgpt/long.md")
            .contains("Continues in [[entities/chatgpt/long_part_2.md]]")
    );
    assert_eq!(memory.check().unwrap(), []);
}
