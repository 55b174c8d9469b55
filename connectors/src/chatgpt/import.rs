//! A ChatGPT export: the archive, the folder it unpacks to, or a file of conversations.

use std::io::Read;
use std::path::Path;

use memex_memory::Error;

use super::conversation::conversation;
use super::profile::Profile;
use crate::archive::{self, Wanted};
use crate::chats::{self, Conversation};
use crate::report::malformed;
use crate::source::{self, Kind};
use crate::{ImportReport, Importer};

const SOURCE: &str = "chatgpt";
const TITLE: &str = "ChatGPT conversations";

/// What was read of an export.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) conversations: Vec<Conversation>,
    profile: Profile,
}

pub(crate) fn import(importer: &Importer<'_>, export: &Path) -> Result<ImportReport, Error> {
    let mut report = ImportReport::default();
    let mut found = Found::default();
    let mut files = 0;
    let mut take = |name: &str, content: &mut dyn Read, report: &mut ImportReport| {
        if file_name(name) == "user.json" {
            let account = archive::whole(name, content)?;
            match chats::document(&account) {
                Ok(account) => found.profile.take_account(&account),
                Err(what) => report.skip(name, what),
            }
            return Ok(());
        }
        files += 1;
        read(content, name, importer, &mut found, report)
    };
    let kind = source::searched(importer, export, &wanted, &mut report, &mut take)?;
    let place = export.to_string_lossy();
    if files == 0 {
        return Err(malformed(
            place,
            "holds no conversations.json; is it a ChatGPT export?",
        ));
    }
    if found.conversations.is_empty() {
        match report.skipped.first() {
            None => return Err(malformed(place, "holds no conversation")),
            Some(first) if kind == Kind::Single => {
                return Err(malformed(first.place.as_str(), first.why.as_str()));
            }
            Some(_) => {}
        }
    }
    chats::write(
        importer,
        (SOURCE, TITLE),
        found.conversations,
        found
            .profile
            .page()
            .into_iter()
            .map(|page| ("profile", page))
            .collect(),
        report,
    )
}

fn wanted(name: &str) -> Wanted {
    let name = file_name(name);
    let is_list = name.starts_with("conversations") && name.ends_with(".json");
    match is_list || name == "user.json" {
        true => Wanted::Yes,
        false => Wanted::No,
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Reads the conversations of one file. What cannot be read is named, and the rest is kept.
pub(crate) fn read(
    content: impl Read,
    place: &str,
    importer: &Importer<'_>,
    found: &mut Found,
    report: &mut ImportReport,
) -> Result<(), Error> {
    let mut last = 0;
    let listed = chats::each(content, &mut |number, value| {
        last = number;
        let place = format!("{place}: conversation {number}");
        if found.conversations.len() >= importer.limits.files_max {
            report.skip(place, "more than an import may write");
            return;
        }
        let mut odd = |id: &str, why: String| {
            let id = memex_memory::shown(id);
            report.skip(format!("{place}: message {id}"), why);
        };
        match conversation(&value, &mut found.profile, &mut odd) {
            Ok(conversation) if conversation.is_empty() => {
                report.skip(place, "says nothing that could be taken in");
            }
            Ok(conversation) => found.conversations.push(conversation),
            Err(why) => report.skip(place, why),
        }
    });
    listed.map_err(|error| match last {
        0 => malformed(
            place,
            format!("is not a list of conversations, as conversations.json is: {error}"),
        ),
        last => malformed(
            format!("{place}: after conversation {last}"),
            format!("cannot be read any further: {error}"),
        ),
    })
}
