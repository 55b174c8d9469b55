//! `ask_user`.

use crate::support::Session;
use memex_host_tools::{UserQuestion, ask_user};
use serde_json::json;
use std::sync::Arc;

#[test]
fn users_are_asked() {
    let tool = ask_user(|context, question: UserQuestion| async move {
        tokio::task::yield_now().await;
        assert_eq!(&*context.session, "session");
        Ok(match question.choices {
            Some(choices) => choices.last().cloned().unwrap_or_default(),
            None => format!("{} Yes.", question.question),
        })
    });
    let wrong = ask_user(|_, _| async { Ok("something else".to_owned()) });
    let mut session = Session::new(vec![Arc::new(tool)]);
    assert_eq!(
        session.call("ask_user", json!({ "question": "Now?" })),
        Ok(json!("Now? Yes."))
    );
    let choice = json!({ "question": "Which?", "choices": ["a", "b"] });
    assert_eq!(session.call("ask_user", choice.clone()), Ok(json!("b")));
    let refusal = session
        .call("ask_user", json!({ "question": "" }))
        .unwrap_err();
    assert_eq!(
        refusal,
        "ValueError: ask_user: question: it must have at least 1 character"
    );
    let mut session = Session::new(vec![Arc::new(wrong)]);
    assert_eq!(
        session.call("ask_user", choice).unwrap_err(),
        "ValueError: ask_user: the user gave none of the choices as the answer"
    );
}
