use super::Home;

#[test]
fn scripts_for_every_shell() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = home.run(&["completions", shell]);
        assert_eq!(ran.status, 0, "{shell}");
        for word in ["memex", "doctor", "mount", "preload", "pull", "secret-file"] {
            assert!(ran.stdout.contains(word), "{shell}: {word}");
        }
    }
    home.run(&["completions", "sh"]).is_usage(&["sh", "bash"]);
}
