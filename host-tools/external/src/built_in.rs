//! What a tool file says of the built-in tools: databases for `sql`, and
//! credentials that the host adds to requests of `fetch`.

use std::path::PathBuf;

use super::document::Fields;
use super::error::OutsideError;
use super::secrets::Vault;
use crate::egress::Secret;
use memex_sql::{Access, DataFiles, DatabasesBuilder};

/// A database of the tool `sql`.
#[derive(Debug, Clone)]
pub(super) struct DatabaseDeclaration {
    name: String,
    path: PathBuf,
    access: Access,
    /// Names of tables and their files below `path`, if not all of them.
    tables: Vec<(String, String)>,
}

impl DatabaseDeclaration {
    pub(super) fn parse(fields: &Fields<'_>) -> Result<Self, OutsideError> {
        fields.expect(&["name", "path", "write", "tables"])?;
        let name = fields.require("name", "what queries call the database")?;
        let path = fields.require("path", "a SQLite file, or a directory of data files")?;
        let access = match fields.flag("write")? {
            true => Access::ReadWrite,
            false => Access::ReadOnly,
        };
        let tables = fields.pairs("tables")?;
        if access == Access::ReadWrite && !tables.is_empty() {
            return Err(fields.refusal("data files are only read: take `write` away"));
        }
        Ok(Self {
            name: name.to_owned(),
            path: fields.directory.join(path),
            access,
            tables,
        })
    }

    pub(super) fn add_to(&self, builder: DatabasesBuilder) -> DatabasesBuilder {
        if self.access == Access::ReadWrite && !self.path.is_dir() {
            return builder.sqlite(&self.name, &self.path, self.access);
        }
        if self.tables.is_empty() {
            return builder.path(&self.name, &self.path);
        }
        let tables = self.tables.iter();
        let files = tables.fold(DataFiles::directory(&self.path), |files, (name, path)| {
            files.table(name, path)
        });
        builder.files(&self.name, files)
    }
}

/// A credential for requests of the tool `fetch`.
#[derive(Debug, Clone)]
pub(super) struct CredentialDeclaration {
    place: String,
    host: String,
    target: Target,
    /// The name of the secret, and what stands before it.
    secret: String,
    prefix: String,
}

#[derive(Debug, Clone)]
enum Target {
    Header(String),
    Query(String),
}

impl CredentialDeclaration {
    pub(super) fn parse(fields: &Fields<'_>) -> Result<Self, OutsideError> {
        fields.expect(&["host", "header", "query", "secret", "prefix"])?;
        let host = fields.require("host", "the host that gets it, or `*.suffix`")?;
        let secret = fields.require("secret", "the name under which the host knows it")?;
        let target = match (fields.text("header")?, fields.text("query")?) {
            (Some(name), None) => Target::Header(name.to_owned()),
            (None, Some(name)) => Target::Query(name.to_owned()),
            _ => {
                return Err(fields.refusal("one of `header` and `query` names where it goes"));
            }
        };
        Ok(Self {
            place: fields.place.clone(),
            host: host.to_owned(),
            target,
            secret: secret.to_owned(),
            prefix: fields.text("prefix")?.unwrap_or_default().to_owned(),
        })
    }

    pub(super) fn resolve(&self, vault: &mut Vault<'_>) -> Result<Secret, OutsideError> {
        let value = vault.open(&self.place, &self.secret)?;
        let value = format!("{}{value}", self.prefix);
        Ok(match &self.target {
            Target::Header(name) => Secret::header(&self.host, name, value),
            Target::Query(name) => Secret::query(&self.host, name, value),
        })
    }
}
