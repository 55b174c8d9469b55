//! Lists of sandboxes, by page.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::error::ApiError;
use super::super::state::OpenSandbox;
use super::request::Key;
use super::shapes::Sandbox;
use crate::service::{ListFilter, StateName};

const PAGE_DEFAULT: usize = 20;
const PAGE_MAX: usize = 200;

pub(super) async fn list(
    State(state): State<OpenSandbox>,
    Key(who): Key,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let asked = Asked::read(query.as_deref().unwrap_or_default())?;
    let skipped = skipped(asked.page, asked.page_size);
    let filter = ListFilter {
        states: asked.states,
        metadata: asked.metadata,
        limit: asked.page_size,
        after: None,
    };
    let (found, total) = state.service.list_from(&who, &filter, skipped).await?;
    let found: Vec<Sandbox> = found.iter().map(Sandbox::from).collect();
    Ok(Json(page(&found, total, asked.page, asked.page_size)))
}

/// Items before a page.
fn skipped(page: usize, page_size: usize) -> usize {
    page.saturating_sub(1).saturating_mul(page_size)
}

/// One page of all items.
pub(super) fn page_of<T: Serialize>(found: Vec<T>, number: usize, page_size: usize) -> Value {
    let total = found.len();
    let items = found.into_iter().skip(skipped(number, page_size));
    let items: Vec<_> = items.take(page_size).collect();
    page(&items, total, number, page_size)
}

/// A page of so many items in all.
fn page<T: Serialize>(items: &[T], total: usize, page: usize, page_size: usize) -> Value {
    let skipped = skipped(page, page_size);
    json!({
        "items": items,
        "pagination": {
            "page": page,
            "pageSize": page_size,
            "totalItems": total,
            "totalPages": total.div_ceil(page_size.max(1)),
            "hasNextPage": skipped.saturating_add(page_size) < total,
        },
    })
}

/// What a list's query says.
#[derive(Debug)]
pub(super) struct Asked {
    states: Vec<StateName>,
    metadata: BTreeMap<String, String>,
    pub(super) page: usize,
    pub(super) page_size: usize,
}

impl Asked {
    pub(super) fn read(query: &str) -> Result<Self, ApiError> {
        let mut asked = Self {
            states: Vec::new(),
            metadata: BTreeMap::new(),
            page: 1,
            page_size: PAGE_DEFAULT,
        };
        let number = |value: &str| value.parse::<usize>().ok().filter(|number| *number >= 1);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                // A state that nothing has here selects nothing of its own.
                "state" => match value.to_ascii_lowercase().as_str() {
                    "running" => asked.states.push(StateName::Running),
                    "paused" => asked.states.push(StateName::Paused),
                    _ => {}
                },
                // Encoded twice: once as a query of its own.
                "metadata" => asked.metadata.extend(
                    url::form_urlencoded::parse(value.as_bytes())
                        .map(|(name, value)| (name.into_owned(), value.into_owned())),
                ),
                "page" => {
                    asked.page = number(&value)
                        .ok_or_else(|| ApiError::invalid("page is no number from 1"))?;
                }
                "pageSize" => {
                    let size = number(&value)
                        .ok_or_else(|| ApiError::invalid("pageSize is no number from 1"))?;
                    asked.page_size = size.min(PAGE_MAX);
                }
                _ => {}
            }
        }
        if asked.states.is_empty() {
            asked.states = vec![StateName::Running, StateName::Paused];
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_cut_and_counted() {
        let page = page_of(vec![1, 2, 3], 2, 2);
        assert_eq!(page["items"], json!([3]));
        let told = &page["pagination"];
        assert_eq!(
            (&told["totalItems"], &told["totalPages"]),
            (&json!(3), &json!(2))
        );
        assert_eq!(told["hasNextPage"], json!(false));
        assert_eq!(
            page_of(vec![1, 2, 3], 1, 2)["pagination"]["hasNextPage"],
            json!(true)
        );
        assert_eq!(page_of(vec![1], usize::MAX, 200)["items"], json!([]));
    }

    #[test]
    fn queries_are_read_as_the_client_writes_them() {
        let asked = Asked::read("state=Running&metadata=a%3Db%2526c&page=2&pageSize=1000").unwrap();
        assert_eq!(asked.states, [StateName::Running]);
        assert_eq!(asked.metadata["a"], "b&c");
        assert_eq!((asked.page, asked.page_size), (2, PAGE_MAX));
        for wrong in ["page=0", "page=x", "pageSize=0", "pageSize=-1"] {
            assert!(Asked::read(wrong).is_err(), "{wrong}");
        }
    }
}
