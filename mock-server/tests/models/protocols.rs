//! The server against the client: every protocol, both ways.

use memex_mock_server::MockServerOptions;
use memex_models::{ApiKey, Message, NoSink, Part, Request, Role, StopReason, ToolResult};

use super::fixtures::{LINES, ask, call, config, serve, serve_with, weather};

#[tokio::test]
async fn a_server_understands_what_the_client_sends() {
    let server = serve(
        r#"{"text":"Fine.","reasoning":"hm","times":0,"expect":{"contains":"rain","tools":["weather"],"messages":4}}"#,
    )
    .await;
    let result = Part::ToolResult(ToolResult {
        call_id: "c1".into(),
        text: "rain".into(),
        images: Vec::new(),
        is_error: false,
    });
    let request = Request {
        tools: vec![weather()],
        ..Request::new(vec![
            Message::system("Be brief."),
            Message::user("The weather?"),
            Message {
                role: Role::Assistant,
                parts: vec![Part::text("Looking."), call("c1", "weather", "{}")],
            },
            Message {
                role: Role::Tool,
                parts: vec![result],
            },
        ])
    };
    for line in LINES {
        let model = config(line, &server).build(None).unwrap();
        let reply = model.complete(&request, &mut NoSink).await.unwrap();
        assert_eq!(reply.message.text(), "Fine.", "{line}");
        assert_eq!(reply.message.reasoning(), "hm", "{line}");
        assert_eq!(reply.model, "m");
        // The reply goes back as part of the conversation.
        let mut messages = request.messages.clone();
        messages.insert(1, reply.message);
        let next = Request::new(messages);
        let error = model.complete(&next, &mut NoSink).await.unwrap_err();
        assert!(
            error.to_string().contains("expected 4 messages"),
            "{line}: {error}"
        );
        assert_eq!(error.status(), Some(400));
    }
}

#[tokio::test]
async fn every_stop_survives_the_way_that_can_carry_it() {
    let server = serve(
        r#"{"order":"keyed"}
           {"text":"x","stop":"max_tokens","times":0,"expect":{"contains":"long"}}
           {"text":"x","stop":"refusal","times":0,"expect":{"contains":"bad"}}
           {"text":"x","times":0}"#,
    )
    .await;
    for line in LINES {
        for stream in [true, false] {
            let mut config = config(line, &server);
            config.options.wire.stream = stream;
            let model = config.build(None).unwrap();
            for (asked, stop) in [
                ("long", StopReason::MaxTokens),
                ("bad", StopReason::Refusal),
                ("plain", StopReason::EndTurn),
            ] {
                let reply = model.complete(&ask(asked), &mut NoSink).await.unwrap();
                assert_eq!(reply.stop, stop, "{line} {stream}");
                assert_eq!(reply.message.text(), "x", "{line} {stream}");
            }
        }
    }
}

#[tokio::test]
async fn keys_and_labels_are_sent_as_each_wants_them() {
    let options = MockServerOptions {
        key: Some("sk-topsecret".into()),
        ..MockServerOptions::default()
    };
    let server = serve_with(r#"{"agent":"a","text":"a's","times":0}"#, options).await;
    let request = Request {
        agent: Some("a".into()),
        conversation: Some("c".into()),
        ..ask("Hi")
    };
    for line in LINES {
        let mut config = config(line, &server);
        config.options.send_labels = true;
        config
            .options
            .headers
            .insert("x-extra".into(), "more".into());
        let model = config.build(Some(ApiKey::new("sk-topsecret"))).unwrap();
        let reply = model.complete(&request, &mut NoSink).await.unwrap();
        assert_eq!(reply.message.text(), "a's", "{line}");
        let last = server.received().pop().unwrap();
        let header = |name: &str| {
            let held = last.headers.iter().find(|(held, _)| held == name);
            held.map(|(_, value)| value.as_str())
        };
        assert_eq!(header("x-memex-conversation"), Some("c"));
        assert_eq!(header("x-extra"), Some("more"));
        assert_eq!(header("content-type"), Some("application/json"));
        let version = line.starts_with("anthropic").then_some("2023-06-01");
        assert_eq!(header("anthropic-version"), version);
        assert!(last.path.starts_with("/v1/"), "{}", last.path);

        let quiet = super::fixtures::config(line, &server);
        let model = quiet.build(Some(ApiKey::new("sk-topsecret"))).unwrap();
        let error = model.complete(&request, &mut NoSink).await.unwrap_err();
        assert_eq!(
            error.status(),
            Some(400),
            "without labels the agent is unknown: {error}"
        );
    }
}

#[tokio::test]
async fn a_wrong_key_is_refused_once_and_not_repeated() {
    let options = MockServerOptions {
        key: Some("right".into()),
        ..MockServerOptions::default()
    };
    let server = serve_with(r#"{"text":"x"}"#, options).await;
    for (index, line) in LINES.into_iter().enumerate() {
        let model = config(line, &server)
            .build(Some(ApiKey::new("sk-wrong-key")))
            .unwrap();
        let error = model.complete(&ask("Hi"), &mut NoSink).await.unwrap_err();
        assert_eq!(error.status(), Some(401));
        let shown = format!("{error} {error:?}");
        assert!(
            shown.contains("[secret]"),
            "the server did repeat it: {shown}"
        );
        assert!(!shown.contains("wrong-key"), "{shown}");
        assert_eq!(server.received().len(), index + 1, "one attempt");
    }
}

#[tokio::test]
async fn a_key_in_which_a_message_is_cut_is_not_told() {
    let key = "sk-secret-of-the-host";
    for before in [0, 100, 185, 193, 199] {
        let message = format!("{}{key}{}", "x".repeat(before), "y".repeat(300));
        let script =
            format!(r#"{{"fail":{{"http":{{"status":400,"message":"{message}"}}}},"times":0}}"#);
        let server = serve(&script).await;
        for line in LINES {
            let model = config(line, &server).build(Some(ApiKey::new(key))).unwrap();
            let error = model.complete(&ask("Hi"), &mut NoSink).await.unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(&"x".repeat(before)), "{shown}");
            assert!(!shown.contains(&key[..6]), "{before}: {shown}");
            assert_eq!(
                shown.contains("[secret]"),
                before < 195,
                "{before}: {shown}"
            );
        }
    }
}
