//! One entry of one configuration.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::client::Client;
use super::error::ClientError;
use crate::atomic::replace;

/// The longest configuration that is read.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A server, as clients start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What the client calls it.
    pub name: String,
    /// The program, by its absolute path: clients have a search path of their own.
    pub command: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables that the client sets for it, which may be references.
    pub environment: BTreeMap<String, String>,
}

/// What became of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered {
    /// It was written. Where there was one before, it is kept here.
    Written {
        /// The file before.
        backup: Option<PathBuf>,
        /// There was another entry of this name.
        replaced: bool,
    },
    /// The entry was there already; nothing was written.
    Already,
}

impl Entry {
    /// The entry as a client has it.
    #[must_use]
    pub fn to_json(&self, client: Client) -> Value {
        let mut entry = Map::new();
        if client.names_the_type() {
            entry.insert("type".to_owned(), json!("stdio"));
        }
        entry.insert("command".to_owned(), json!(self.command.to_string_lossy()));
        entry.insert("args".to_owned(), json!(self.arguments));
        if !self.environment.is_empty() {
            entry.insert("env".to_owned(), json!(self.environment));
        }
        Value::Object(entry)
    }
}

/// Enters a server into a client's configuration, which is made if there is none.
///
/// # Errors
/// If the file cannot be read, is no JSON, or cannot be written. It is as it was then.
pub fn enter(entry: &Entry, client: Client, file: &Path) -> Result<Entered, ClientError> {
    // What a link leads to is written; the link stays.
    let path = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let before = read(&path)?;
    let mut content = match &before {
        None => Map::new(),
        Some(text) => parse(&path, text)?,
    };
    let key = client.key();
    let servers = content.entry(key).or_insert_with(|| json!({}));
    let Value::Object(servers) = servers else {
        return Err(ClientError::Content {
            path,
            what: format!("`{key}` is no object"),
        });
    };
    let wanted = entry.to_json(client);
    let replaced = match servers.get(&entry.name) {
        Some(found) if *found == wanted => return Ok(Entered::Already),
        found => found.is_some(),
    };
    servers.insert(entry.name.clone(), wanted);
    let mut text =
        serde_json::to_string_pretty(&content).map_err(|error| ClientError::Content {
            path: path.clone(),
            what: error.to_string(),
        })?;
    text.push('\n');
    let backup = match &before {
        None => {
            make_folder(&path)?;
            None
        }
        Some(before) => {
            let backup = beside(&path);
            let kept = replace(&backup, before.as_bytes());
            kept.map_err(failed("keep a copy as", &backup))?;
            Some(backup)
        }
    };
    // Clients write these files too.
    if read(&path)? != before {
        return Err(ClientError::Changed { path });
    }
    replace(&path, text.as_bytes()).map_err(failed("write", &path))?;
    Ok(Entered::Written { backup, replaced })
}

fn read(path: &Path) -> Result<Option<String>, ClientError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path)(error)),
        Ok(found) if !found.is_file() => {
            return Err(failed("read", path)(io::Error::other("it is no file")));
        }
        Ok(found) if found.len() > FILE_BYTES_MAX => {
            return Err(failed("read", path)(io::Error::other("it is too long")));
        }
        Ok(_) => {}
    }
    let text = fs::read_to_string(path).map_err(failed("read", path))?;
    Ok(Some(text))
}

fn parse(path: &Path, text: &str) -> Result<Map<String, Value>, ClientError> {
    let wrong = |what: String| ClientError::Content {
        path: path.to_owned(),
        what,
    };
    // Some clients begin with an empty file.
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(content)) => Ok(content),
        Ok(_) => Err(wrong("it is no object of JSON".to_owned())),
        Err(error) => Err(wrong(format!("it is no JSON: {error}"))),
    }
}

fn make_folder(path: &Path) -> Result<(), ClientError> {
    match path.parent() {
        Some(folder) => fs::create_dir_all(folder).map_err(failed("make", folder)),
        None => Ok(()),
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".before-memex");
    PathBuf::from(name)
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ClientError {
    let path = path.to_owned();
    move |source| ClientError::File {
        doing,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn entry() -> Entry {
        Entry {
            name: "memex".to_owned(),
            command: "/opt/memex".into(),
            arguments: vec!["mcp".to_owned()],
            environment: BTreeMap::new(),
        }
    }

    fn written(file: &Path) -> Value {
        serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
    }

    #[test]
    fn what_is_there_stays_in_its_order_and_is_kept_beside() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mcp.json");
        let before =
            r#"{"zeta": 1.50, "mcpServers": {"b": {"command": "x"}, "a": {}}, "alpha": [1]}"#;
        fs::write(&file, before).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let entered = enter(&entry(), Client::Cursor, &file).unwrap();
        let Entered::Written { backup, replaced } = entered else {
            panic!("it is new");
        };
        assert!(!replaced);
        assert_eq!(fs::read_to_string(backup.unwrap()).unwrap(), before);
        let text = fs::read_to_string(&file).unwrap();
        let at = |word: &str| text.find(word).unwrap_or_else(|| panic!("{word}: {text}"));
        assert!(at("zeta") < at("\"b\"") && at("\"b\"") < at("\"a\"") && at("\"a\"") < at("alpha"));
        assert_eq!(
            written(&file)["mcpServers"]["memex"],
            json!({ "command": "/opt/memex", "args": ["mcp"] })
        );
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert_eq!(
            enter(&entry(), Client::Cursor, &file).unwrap(),
            Entered::Already
        );
        let other = Entry {
            arguments: vec![
                "mcp".to_owned(),
                "--policy".to_owned(),
                "compute".to_owned(),
            ],
            ..entry()
        };
        let entered = enter(&other, Client::Cursor, &file).unwrap();
        assert!(matches!(entered, Entered::Written { replaced: true, .. }));
    }

    #[test]
    fn a_file_is_made_private_with_its_folders() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("Code/User/mcp.json");
        let entered = enter(&entry(), Client::VsCode, &file).unwrap();
        assert_eq!(
            entered,
            Entered::Written {
                backup: None,
                replaced: false
            }
        );
        assert_eq!(
            written(&file),
            json!({ "servers": { "memex": { "type": "stdio", "command": "/opt/memex", "args": ["mcp"] } } })
        );
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_configuration_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mcp.json");
        for (content, want) in [
            ("{\"mcpServers\": {}", "no JSON"),
            ("// comment\n{}", "no JSON"),
            ("[]", "no object"),
            ("{\"mcpServers\": []}", "`mcpServers` is no object"),
        ] {
            fs::write(&file, content).unwrap();
            let error = enter(&entry(), Client::LmStudio, &file).unwrap_err();
            assert!(error.to_string().contains(want), "{error}");
            assert_eq!(fs::read_to_string(&file).unwrap(), content);
        }
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1, "no copy and no half a file is left");
        fs::write(&file, " \n").unwrap();
        assert!(enter(&entry(), Client::LmStudio, &file).is_ok());
    }

    #[test]
    fn a_link_is_followed_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (
            folder.path().join("real.json"),
            folder.path().join("mcp.json"),
        );
        fs::write(&file, "{}").unwrap();
        symlink(&file, &link).unwrap();
        assert!(enter(&entry(), Client::Cursor, &link).is_ok());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(written(&file)["mcpServers"]["memex"].is_object());
    }

    #[test]
    fn every_client_has_a_name_and_a_file_of_its_own() {
        let directories = super::super::client::Directories {
            home: "/home/me".into(),
            settings: "/home/me/.config".into(),
        };
        let mut seen = std::collections::BTreeSet::new();
        for client in Client::ALL {
            assert!(seen.insert(client.name().to_owned()));
            assert!(seen.insert(client.file(&directories).display().to_string()));
        }
    }
}
