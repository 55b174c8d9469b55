//! Issues and pull requests of a repository, with what was said about them.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;

use crate::fetch::{self, Fetch};
use crate::page::Page;
use crate::{ImportReport, date, text};

const JSON: &str = "application/vnd.github+json";
/// A hundred long texts.
const LIST_BYTES_MAX: u64 = 32 << 20;
const PAGE_ITEMS: usize = 100;
/// Answers that are asked for of each kind.
const PAGES_MAX: usize = 20;

/// An issue, or a pull request.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Issue {
    number: u64,
    title: Option<String>,
    state: Option<String>,
    body: Option<String>,
    user: Option<User>,
    labels: Vec<Label>,
    created_at: Option<String>,
    closed_at: Option<String>,
    pull_request: Option<serde::de::IgnoredAny>,
    #[serde(skip)]
    comments: Vec<Comment>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct User {
    login: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Label {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Comment {
    issue_url: String,
    user: Option<User>,
    body: Option<String>,
    created_at: Option<String>,
}

/// Asks for the issues and pull requests of the repository at `base`, oldest first. A
/// repository may have none, or keep them elsewhere.
pub(super) fn ask(fetch: &dyn Fetch, base: &str, report: &mut ImportReport) -> Vec<Issue> {
    let url = format!("{base}/issues?state=all&sort=created&direction=asc");
    let found: Vec<Issue> = listed(fetch, &url, "issues", report);
    let mut issues: BTreeMap<u64, Issue> = found
        .into_iter()
        .map(|issue| (issue.number, issue))
        .collect();
    if !issues.is_empty() {
        let url = format!("{base}/issues/comments?sort=created&direction=asc");
        for comment in listed::<Comment>(fetch, &url, "comments on issues", report) {
            let number = comment.issue_url.rsplit('/').next();
            let number = number.and_then(|number| number.parse().ok());
            if let Some(issue) = number.and_then(|number: u64| issues.get_mut(&number)) {
                issue.comments.push(comment);
            }
        }
    }
    issues.into_values().collect()
}

/// A list that comes a hundred at a time.
fn listed<T: serde::de::DeserializeOwned>(
    fetch: &dyn Fetch,
    url: &str,
    what: &str,
    report: &mut ImportReport,
) -> Vec<T> {
    const GONE: [u16; 2] = [404, 410];
    let mut found = Vec::new();
    for page in 1..=PAGES_MAX {
        let url = format!("{url}&per_page={PAGE_ITEMS}&page={page}");
        let asked = fetch::ask(fetch, &url, JSON, LIST_BYTES_MAX);
        let listed: Result<Vec<T>, _> = match asked {
            Ok(fetched) if GONE.contains(&fetched.status) => return found,
            Ok(fetched) if (200..300).contains(&fetched.status) => {
                fetch::parsed(&url, &fetched.body)
            }
            Ok(fetched) => Err(fetch::refusal(&url, &fetched)),
            Err(error) => Err(error),
        };
        match listed {
            Ok(listed) => {
                let is_last = listed.len() < PAGE_ITEMS;
                found.extend(listed);
                if is_last {
                    return found;
                }
            }
            Err(error) => {
                report.skip(what, error.to_string());
                return found;
            }
        }
    }
    report.skip(
        what,
        format!("there are more than {}", PAGES_MAX * PAGE_ITEMS),
    );
    found
}

impl Issue {
    pub(super) fn is_pull(&self) -> bool {
        self.pull_request.is_some()
    }

    /// The name of its page: `issue_12`.
    pub(super) fn name(&self) -> String {
        let kind = if self.is_pull() { "pull" } else { "issue" };
        format!("{kind}_{}", self.number)
    }

    /// Its page, at a path; `repository` is a link to that of the repository.
    pub(super) fn page(&self, path: String, repository: &str) -> Page {
        let title = self.title.as_deref().unwrap_or_default();
        let kind = match self.is_pull() {
            true => "Pull request",
            false => "Issue",
        };
        let mut page = Page {
            path,
            title: format!("{kind} {}: {}", self.number, text::one_line(title)),
            ..Page::default()
        };
        let day =
            |time: &Option<String>| time.as_deref().and_then(date::of_iso).unwrap_or_default();
        let labels: Vec<&str> = self
            .labels
            .iter()
            .map(|label| label.name.as_str())
            .collect();
        for (name, value) in [
            ("source", "github"),
            ("repository", repository),
            ("state", self.state.as_deref().unwrap_or_default()),
            ("author", login(self.user.as_ref())),
            ("created_on", &day(&self.created_at)),
            ("closed_on", &day(&self.closed_at)),
            ("labels", &labels.join(", ")),
        ] {
            page.fact(name, value);
        }
        let body = self.body.as_deref().unwrap_or_default();
        if !body.trim().is_empty() {
            page.text = text::quoted(body);
        }
        if !self.comments.is_empty() {
            page.text.push_str("\n## Comments\n");
        }
        for comment in &self.comments {
            let body = text::quoted(comment.body.as_deref().unwrap_or_default());
            let who = login(comment.user.as_ref());
            let _ = write!(
                page.text,
                "\n**{who}**, {}\n\n{body}",
                day(&comment.created_at)
            );
        }
        page
    }
}

fn login(user: Option<&User>) -> &str {
    user.map_or("", |user| user.login.as_str())
}
