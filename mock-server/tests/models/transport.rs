//! Second attempts, timeouts and limits, over real connections.

use std::time::{Duration, Instant};

use memex_mock_server::MockServerOptions;
use memex_models::{Delta, Message, ModelError, NoSink, Request, TimeoutPhase};

use super::fixtures::{LINES, ask, complete, config, serve, serve_with};

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    for fail in [
        r#"{"http":{"status":408}}"#,
        r#"{"http":{"status":409}}"#,
        r#"{"http":{"status":429}}"#,
        r#"{"http":{"status":500}}"#,
        r#"{"http":{"status":503}}"#,
        r#"{"http":{"status":529,"code":"overloaded_error"}}"#,
        r#"{"cut":{"after_pieces":0}}"#,
        r#"{"cut":{"after_pieces":2}}"#,
        r#"{"malformed":{"after_pieces":2}}"#,
        "\"disconnect\"",
    ] {
        let script = format!("{{\"text\":\"half\",\"fail\":{fail}}}\n{{\"text\":\"whole\"}}");
        for stream in [true, false] {
            for line in LINES {
                let server = serve(&script).await;
                let mut config = config(line, &server);
                config.options.wire.stream = stream;
                let model = config.build(None).unwrap();
                let reply = complete(&model, "Hi").await;
                let reply = reply.unwrap_or_else(|error| panic!("{line} {stream} {fail}: {error}"));
                assert_eq!(reply.message.text(), "whole", "{line} {stream} {fail}");
                assert_eq!(server.received().len(), 2);
            }
        }
    }
}

#[tokio::test]
async fn what_the_request_is_to_blame_for_is_not_tried_again() {
    for (status, code) in [
        (400, "bad"),
        (401, "bad"),
        (403, "bad"),
        (404, "bad"),
        (422, "bad"),
        (302, "moved"),
        (429, "insufficient_quota"),
    ] {
        let fail =
            format!(r#"{{"http":{{"status":{status},"code":"{code}","message":"because"}}}}"#);
        let server = serve(&format!("{{\"fail\":{fail}}}\n{{\"text\":\"no\"}}")).await;
        for line in &LINES[..1] {
            let model = config(line, &server).build(None).unwrap();
            let error = complete(&model, "Hi").await.unwrap_err();
            assert_eq!(error.status(), Some(status));
            assert!(
                error
                    .to_string()
                    .contains(&format!("{status} ({code}): because")),
                "{error}"
            );
            assert_eq!(server.received().len(), 1, "{status}");
        }
    }
}

#[tokio::test]
async fn the_last_failure_is_told_when_attempts_run_out() {
    let server = serve(r#"{"fail":{"http":{"status":500,"message":"down"}},"times":0}"#).await;
    let model = config("openai:m", &server).build(None).unwrap();
    let error = complete(&model, "Hi").await.unwrap_err();
    assert!(
        matches!(error, ModelError::GaveUp { attempts: 3, .. }),
        "{error}"
    );
    assert_eq!(error.status(), Some(500));
    assert_eq!(server.received().len(), 3);
}

#[tokio::test]
async fn a_wait_asked_for_is_kept_or_refused() {
    let wait = |ms: u64| {
        format!(
            "{{\"fail\":{{\"http\":{{\"status\":429,\"retry_after_ms\":{ms}}}}}}}\n{{\"text\":\"ok\"}}"
        )
    };
    let server = serve(&wait(300)).await;
    let model = config("anthropic:m", &server).build(None).unwrap();
    let start = Instant::now();
    complete(&model, "Hi").await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(290));

    let server = serve(&wait(600_000)).await;
    let model = config("anthropic:m", &server).build(None).unwrap();
    let error = complete(&model, "Hi").await.unwrap_err();
    assert_eq!(error.retry_after_ms(), Some(600_000));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_429_holds_back_every_request_of_the_transport() {
    let lines = "{\"order\":\"sequence\"}\n\
        {\"fail\":{\"http\":{\"status\":429,\"retry_after_ms\":400}}}\n{\"text\":\"ok\",\"times\":0}";
    let server = serve(lines).await;
    let mut config = config("openai:m", &server);
    config.options.retry.attempts_max = 1;
    let transport = config.transport().unwrap();
    let one = config.build_on(&transport, None).unwrap();
    let two = config.build_on(&transport, None).unwrap();
    let start = Instant::now();
    assert_eq!(complete(&one, "Hi").await.unwrap_err().status(), Some(429));
    complete(&two, "Hi").await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(390));
}

#[tokio::test]
async fn limits_that_are_used_up_hold_back_the_next_request() {
    let headers = [
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "300ms"),
    ];
    let options = MockServerOptions {
        headers: headers
            .map(|(name, value)| (name.into(), value.into()))
            .to_vec(),
        ..MockServerOptions::default()
    };
    let server = serve_with(r#"{"text":"ok","times":0}"#, options).await;
    let model = config("openai:m", &server).build(None).unwrap();
    let start = Instant::now();
    complete(&model, "Hi").await.unwrap();
    complete(&model, "Hi").await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(290));
}

#[tokio::test]
async fn what_was_told_of_a_failed_attempt_is_taken_back() {
    let server =
        serve("{\"text\":\"abc\",\"fail\":{\"cut\":{\"after_pieces\":6}}}\n{\"text\":\"xyz\"}")
            .await;
    for line in ["openai:m"] {
        let model = config(line, &server).build(None).unwrap();
        let mut deltas: Vec<Delta> = Vec::new();
        // Text is one piece here, so the cut comes after it.
        let reply = model.complete(&ask("Hi"), &mut deltas).await.unwrap();
        let texts: Vec<&Delta> = deltas
            .iter()
            .filter(|delta| matches!(delta, Delta::Text(_) | Delta::Reset))
            .collect();
        // The whole answer had come before the cut: there is nothing to repeat.
        assert_eq!(texts, [&Delta::Text("abc".into())]);
        assert_eq!(reply.message.text(), "abc");
    }
    for (line, pieces) in [
        ("openai:m", 2),
        ("openai-responses:m", 3),
        ("anthropic:m", 4),
    ] {
        let lines = format!(
            "{{\"text\":\"abc\",\"fail\":{{\"cut\":{{\"after_pieces\":{pieces}}}}}}}\n{{\"text\":\"xyz\"}}"
        );
        let server = serve(&lines).await;
        let model = config(line, &server).build(None).unwrap();
        let mut deltas: Vec<Delta> = Vec::new();
        let reply = model.complete(&ask("Hi"), &mut deltas).await.unwrap();
        let texts: Vec<&Delta> = deltas
            .iter()
            .filter(|delta| matches!(delta, Delta::Text(_) | Delta::Reset))
            .collect();
        let expected = [
            &Delta::Text("abc".into()),
            &Delta::Reset,
            &Delta::Text("xyz".into()),
        ];
        assert_eq!(texts, expected, "{line}");
        assert_eq!(reply.message.text(), "xyz");
    }
}

#[tokio::test]
async fn each_wait_has_its_end() {
    let lines = "{\"text\":\"abc\",\"fail\":\"timeout\",\"times\":0}";
    let stalls = "{\"text\":\"abc\",\"fail\":{\"stall\":{\"after_pieces\":1}},\"times\":0}";
    for (lines, phase) in [
        (lines, TimeoutPhase::FirstByte),
        (stalls, TimeoutPhase::Idle),
        (lines, TimeoutPhase::Total),
        (stalls, TimeoutPhase::Total),
    ] {
        let server = serve(lines).await;
        for line in LINES {
            let mut config = config(line, &server);
            config.options.retry.attempts_max = 1;
            let timeouts = &mut config.options.timeouts;
            match phase {
                TimeoutPhase::FirstByte => timeouts.first_byte_ms = 100,
                TimeoutPhase::Idle => timeouts.idle_ms = 100,
                _ => timeouts.total_ms = 100,
            }
            let model = config.build(None).unwrap();
            let error = complete(&model, "Hi").await.unwrap_err();
            let ModelError::Timeout {
                phase: ended,
                limit_ms: 100,
            } = error
            else {
                panic!("{line} {phase:?}: {error}")
            };
            assert_eq!(ended, phase, "{line}");
            assert_eq!(error.is_retryable(), phase != TimeoutPhase::Total);
        }
        server.abandoned(LINES.len()).await;
    }
}

#[tokio::test]
async fn a_slow_attempt_is_followed_by_another() {
    let server = serve("{\"fail\":\"timeout\"}\n{\"text\":\"ok\"}").await;
    let mut config = config("openai:m", &server);
    config.options.timeouts.first_byte_ms = 2_000;
    let model = config.build(None).unwrap();
    assert_eq!(complete(&model, "Hi").await.unwrap().message.text(), "ok");
}

#[tokio::test]
async fn dropping_a_request_closes_its_connection_and_frees_its_place() {
    let lines = "{\"order\":\"sequence\"}\n\
        {\"text\":\"abc\",\"fail\":{\"stall\":{\"after_pieces\":2}}}\n{\"text\":\"ok\"}";
    let server = serve(lines).await;
    let mut config = config("openai:m", &server);
    config.options.limits.concurrent_max = 1;
    let model = config.build(None).unwrap();
    let (told, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let mut sink = memex_models::FnSink(move |delta| {
        let _ = told.send(delta);
    });
    let request = ask("Hi");
    tokio::select! {
        reply = model.complete(&request, &mut sink) => panic!("{reply:?}"),
        delta = begun.recv() => assert_eq!(delta, Some(Delta::Text("abc".into()))),
    }
    server.abandoned(1).await;
    assert_eq!(complete(&model, "Hi").await.unwrap().message.text(), "ok");
}

#[tokio::test]
async fn nobody_listening_is_a_named_failure() {
    let server = serve("").await;
    let mut config = config("openai:m", &server);
    drop(server);
    config.options.retry.attempts_max = 2;
    let model = config.build(None).unwrap();
    // The port may take a moment to close; what it closes with is all the same.
    let error = complete(&model, "Hi").await.unwrap_err();
    let ModelError::GaveUp { attempts: 2, last } = &error else {
        panic!("{error}")
    };
    assert!(matches!(**last, ModelError::Connection { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn a_provider_that_sends_no_figures_gets_an_estimate() {
    let options = MockServerOptions {
        without_usage: true,
        ..MockServerOptions::default()
    };
    let server = serve_with(r#"{"text":"twelve bytes","times":0}"#, options).await;
    for line in LINES {
        let model = config(line, &server).build(None).unwrap();
        let request = Request::new(vec![Message::user("eight by")]);
        let usage = model.complete(&request, &mut NoSink).await.unwrap().usage;
        assert!(usage.estimated, "{line}");
        assert_eq!((usage.input, usage.output), (6, 7), "{line}");
    }
}

#[tokio::test]
async fn a_conversation_that_is_too_long_is_recognised() {
    for (line, code, message) in [
        ("openai:m", "context_length_exceeded", "too long"),
        (
            "local:m",
            "bad",
            "This model's maximum context length is 8 tokens",
        ),
        (
            "anthropic:m",
            "invalid_request_error",
            "prompt is too long: 9 tokens > 8 maximum",
        ),
    ] {
        let fail = format!(r#"{{"http":{{"status":400,"code":"{code}","message":"{message}"}}}}"#);
        let server = serve(&format!(
            "{{\"fail\":{fail}}}\n{{\"fail\":{{\"http\":{{\"status\":400}}}}}}"
        ))
        .await;
        let model = config(line, &server).build(None).unwrap();
        assert!(
            complete(&model, "Hi")
                .await
                .unwrap_err()
                .is_context_overflow(),
            "{line}"
        );
        assert!(
            !complete(&model, "Hi")
                .await
                .unwrap_err()
                .is_context_overflow(),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_proxy_is_used_if_it_is_given_and_then_alone() {
    let server = serve(r#"{"text":"by proxy","times":0}"#).await;
    let mut config = config("openai:m", &server);
    let proxy = server.base_url().replace("/v1", "");
    config.spec = "local:m@http://models.invalid/v1".parse().unwrap();
    config.options.proxy = Some(proxy.as_str().into());
    let model = config.build(None).unwrap();
    let reply = complete(&model, "Hi").await.unwrap();
    assert_eq!(reply.message.text(), "by proxy");
    let path = server.received().pop().unwrap().path;
    assert_eq!(path, "http://models.invalid/v1/chat/completions");
}

#[tokio::test]
async fn https_waits_for_its_handshake_and_sends_nothing_without() {
    let server = serve(r#"{"text":"no","times":0}"#).await;
    let line = format!("local:m@{}", server.base_url().replace("http:", "https:"));
    let mut config = config("openai:m", &server);
    config.spec = line.parse().unwrap();
    config.options.retry.attempts_max = 1;
    config.options.timeouts.connect_ms = 200;
    let model = match config.build(None) {
        Ok(model) => model,
        // A machine without certificates cannot speak it at all.
        Err(error) => return assert!(error.to_string().starts_with("tls: "), "{error}"),
    };
    let error = complete(&model, "Hi").await.unwrap_err();
    let ModelError::Timeout { phase, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(phase, TimeoutPhase::Connect);
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn a_redirect_takes_the_key_and_the_request_nowhere() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let elsewhere = serve(r#"{"text":"stolen","times":0}"#).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let to = elsewhere.base_url().to_owned();
    let moved = tokio::spawn(async move {
        let mut asked = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            asked += 1;
            let mut head = vec![0; 64 << 10];
            let _read = stream.read(&mut head).await.unwrap();
            let status = match asked {
                1 => "302 Found",
                2 => "307 Temporary Redirect",
                _ => "308 Permanent Redirect",
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\nlocation: {to}/chat/completions\r\n\
                 content-length: 0\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    for status in [302, 307, 308] {
        let mut config = memex_models::ModelConfig::parse(&format!("local:m@{base}")).unwrap();
        config.options.retry.attempts_max = 1;
        let model = config
            .build(Some(memex_models::ApiKey::new("sk-topsecret")))
            .unwrap();
        let error = complete(&model, "Hi").await.unwrap_err();
        assert_eq!(error.status(), Some(status), "{error}");
    }
    moved.abort();
    assert!(elsewhere.received().is_empty());
    // Where it is meant to go, it is taken.
    let model = config("local:m", &elsewhere).build(None).unwrap();
    assert_eq!(
        complete(&model, "Hi").await.unwrap().message.text(),
        "stolen"
    );
    assert_eq!(elsewhere.received().len(), 1);
}
