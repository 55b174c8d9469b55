//! Asking a model whether an answer is right.

use memex_models::{Model, ModelError, NoSink, Request};
use memex_suites::{Verdict, parse_judgment};

/// The name under which judges ask their model.
const AGENT: &str = "judge";
/// Replies of a judge that say nothing clear before it is given up.
const ATTEMPTS: usize = 2;

/// Asks for a judgment, and once more if the reply says nothing clear. Gives
/// the verdict, if there is one, and all that the judge said last.
///
/// # Errors
/// If the model fails.
pub async fn judge(
    model: &dyn Model,
    mut request: Request,
) -> Result<(Option<Verdict>, String), ModelError> {
    request.agent = Some(AGENT.to_owned());
    let mut said = String::new();
    for _ in 0..ATTEMPTS {
        let reply = model.complete(&request, &mut NoSink).await?;
        said = reply.message.text();
        let verdict = parse_judgment(&said);
        if verdict.is_some() {
            return Ok((verdict, said));
        }
    }
    Ok((None, said))
}
