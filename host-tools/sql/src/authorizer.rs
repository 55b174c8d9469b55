//! Permission: what SQL may do. Whatever is not listed is refused.

use super::access::Access;
use parking_lot::Mutex;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use std::sync::Arc;

/// Pragmas that describe the schema and change nothing.
const PRAGMAS_OF_A_TABLE: [&str; 7] = [
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Pragmas that are read when they stand without a value.
const PRAGMAS_TO_READ: [&str; 6] = [
    "application_id",
    // The engine's own full-text search asks for this one and the size of pages.
    "data_version",
    "encoding",
    "page_count",
    "page_size",
    "user_version",
];

/// What the tables of an R*Tree end in. The engine prepares statements that write them
/// when it opens the tree for reading; it never lets SQL write them.
const TREE_TABLES: [&str; 3] = ["_node", "_parent", "_rowid"];

/// Functions that reach beyond the database.
const FUNCTIONS_REFUSED: [&str; 6] = [
    "edit",
    "fts3_tokenizer",
    "load_extension",
    "readfile",
    "sqlite_log",
    "writefile",
];

/// What was refused last, in words for the guest. SQLite itself only says "not
/// authorized".
pub(super) type LastRefusal = Arc<Mutex<Option<String>>>;

/// The authorizer of a connection with this access.
pub(super) fn authorizer(
    access: Access,
    last: LastRefusal,
) -> impl for<'r> FnMut(AuthContext<'r>) -> Authorization + Send + 'static {
    move |context| match refusal(access, &context.action) {
        None => Authorization::Allow,
        Some(reason) => {
            *last.lock() = Some(reason);
            Authorization::Deny
        }
    }
}

fn refusal(access: Access, action: &AuthAction<'_>) -> Option<String> {
    match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => None,
        AuthAction::Function { function_name } => FUNCTIONS_REFUSED
            .iter()
            .any(|refused| function_name.eq_ignore_ascii_case(refused))
            .then(|| format!("the function {function_name}() is not permitted")),
        AuthAction::Pragma {
            pragma_name,
            pragma_value,
        } => pragma_refusal(pragma_name, *pragma_value),
        AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name }
            if TREE_TABLES.iter().any(|end| table_name.ends_with(end)) =>
        {
            None
        }
        AuthAction::Insert { .. }
        | AuthAction::Update { .. }
        | AuthAction::Delete { .. }
        | AuthAction::CreateTable { .. }
        | AuthAction::CreateIndex { .. }
        | AuthAction::CreateView { .. }
        | AuthAction::DropTable { .. }
        | AuthAction::DropIndex { .. }
        | AuthAction::DropView { .. }
        | AuthAction::AlterTable { .. }
        | AuthAction::Reindex { .. }
        | AuthAction::Analyze { .. } => match access {
            Access::ReadWrite => None,
            Access::ReadOnly => Some("the database is read-only".to_owned()),
        },
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => Some(
            "ATTACH, DETACH and VACUUM are not permitted: a query sees one database".to_owned(),
        ),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => Some(
            "transactions are not permitted: every call is one statement and a transaction of its own"
                .to_owned(),
        ),
        AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::CreateTempTrigger { .. } => Some(
            "temporary tables are not permitted: nothing would be left of them at the next call; use WITH, or keep the DataFrame"
                .to_owned(),
        ),
        _ => Some("this kind of statement is not permitted".to_owned()),
    }
}

fn pragma_refusal(name: &str, value: Option<&str>) -> Option<String> {
    let listed = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    if listed(&PRAGMAS_OF_A_TABLE) || (value.is_none() && listed(&PRAGMAS_TO_READ)) {
        return None;
    }
    Some(format!(
        "PRAGMA {name} is not permitted; describe_table() tells columns, keys and indexes"
    ))
}
