//! Conversations as they are kept and as they are sent.

use memex_mem_agent::{AgentOptions, Conversation, Role, SYSTEM_PROMPT, system_prompt};
use memex_memory::Mode;

#[test]
fn results_are_sent_as_the_persons() {
    let mut conversation = Conversation::new("prompt");
    conversation.push(Role::User, "q");
    conversation.push(Role::Assistant, "<think>one</think>\n<python>x</python>");
    conversation.push(Role::Tool, "<result>\n{}\n</result>");
    conversation.push(Role::Assistant, "<think>two</think><reply>r</reply>");
    let texts = |last_only| -> Vec<(String, String)> {
        let messages = conversation.messages(last_only);
        let told = messages.iter().map(|m| (format!("{:?}", m.role), m.text()));
        told.collect()
    };
    let all = texts(false);
    assert_eq!(
        all[3],
        ("User".to_owned(), "<result>\n{}\n</result>".to_owned())
    );
    assert_eq!(all[2].1, "<think>one</think>\n<python>x</python>");
    let last = texts(true);
    assert_eq!(last[2].1, "<python>x</python>");
    assert_eq!(last[4].1, "<think>two</think><reply>r</reply>");
}

#[test]
fn files_are_lists_of_messages() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("talk.json");
    let mut conversation = Conversation::new("prompt");
    conversation.push(Role::Tool, "r");
    conversation.save(&path).unwrap();
    assert_eq!(Conversation::read(&path).unwrap(), conversation);
    let cases = [
        ("{}", "expected a sequence"),
        ("[{\"role\": \"user\"}]", "content"),
        (
            "[{\"role\": \"user\", \"content\": \"\", \"x\": 1}]",
            "unknown field",
        ),
        ("nonsense", "talk.json:1"),
    ];
    for (text, told) in cases {
        std::fs::write(&path, text).unwrap();
        let error = Conversation::read(&path).unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
    let missing = Conversation::read(&directory.path().join("none.json")).unwrap_err();
    assert_eq!(missing.class(), "OSError");
}

#[test]
fn the_prompt_teaches_tags_tools_and_files() {
    for word in memex_mem_agent::TOOL_NAMES {
        assert!(SYSTEM_PROMPT.contains(&format!("`{word}(")), "{word}");
    }
    for word in [
        "<think>",
        "<python>",
        "<reply>",
        "<result>",
        "<filter>",
        "user.md",
        "YYYY-MM-DD",
    ] {
        assert!(SYSTEM_PROMPT.contains(word), "{word}");
    }
    let options = AgentOptions::default();
    assert_eq!(
        (options.tool_turns_max, options.training().tool_turns_max),
        (20, 7)
    );
}

#[test]
fn the_prompt_says_how_results_of_its_mode_are_seen() {
    let compat = AgentOptions::of(Mode::Compat).system_prompt;
    assert_eq!(compat, SYSTEM_PROMPT);
    assert!(compat.contains("Assign what you want to see"), "{compat}");
    for prompt in [
        system_prompt(Mode::Extended),
        AgentOptions::default().system_prompt,
        AgentOptions::of(Mode::Extended).system_prompt,
    ] {
        assert!(!prompt.contains("Assign what you want"), "{prompt}");
        for told in [
            "what it\n  prints",
            "last expression",
            "short values that it assigned",
        ] {
            assert!(prompt.contains(told), "{told}: {prompt}");
        }
    }
}
