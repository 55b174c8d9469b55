//! The parameters of a query.

use memex_host_tools::{PART_KEY, ToolError};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Error, Statement};
use serde_json::{Map, Value};

/// The parameters of a query, and the parts that hold their bytes.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    pub(super) values: Value,
    pub(super) parts: Vec<Vec<u8>>,
}

/// Why parameters were not bound.
pub(super) enum Unbound {
    /// They do not fit the query.
    Refused(ToolError),
    /// The engine does not take them.
    Engine(Error),
}

impl Parameters {
    /// Binds every parameter of the statement.
    pub(super) fn bind(&self, statement: &mut Statement<'_>) -> Result<(), Unbound> {
        match &self.values {
            Value::Null => self.bind_list(statement, &[]),
            Value::Array(values) => self.bind_list(statement, values),
            Value::Object(values) => self.bind_names(statement, values),
            _ => Err(refused("params: pass a list or a dict")),
        }
    }

    fn bind_list(&self, statement: &mut Statement<'_>, values: &[Value]) -> Result<(), Unbound> {
        let count = statement.parameter_count();
        if count != values.len() {
            let named = (1..=count).filter_map(|index| statement.parameter_name(index));
            let named: Vec<&str> = named.filter(|name| !name.starts_with('?')).collect();
            let hint = if named.is_empty() {
                String::new()
            } else {
                format!("; pass a dict for {}", named.join(", "))
            };
            return Err(refused(format!(
                "params: the query has {count} parameters, {} were given{hint}",
                values.len()
            )));
        }
        for (index, value) in values.iter().enumerate() {
            self.bind_one(statement, index + 1, &format!("params[{index}]"), value)?;
        }
        Ok(())
    }

    fn bind_names(
        &self,
        statement: &mut Statement<'_>,
        values: &Map<String, Value>,
    ) -> Result<(), Unbound> {
        let mut used = 0;
        for index in 1..=statement.parameter_count() {
            let name = statement.parameter_name(index).map(str::to_owned);
            let Some(name) = name.filter(|name| !name.starts_with('?')) else {
                return Err(refused(
                    "params: the query has positional parameters; pass a list",
                ));
            };
            let key = name.get(1..).unwrap_or_default();
            let Some(value) = values.get(key).or_else(|| values.get(&name)) else {
                return Err(refused(format!("params: there is no value for {name}")));
            };
            self.bind_one(statement, index, &format!("params[{key:?}]"), value)?;
            used += 1;
        }
        if used < values.len() {
            let unknown = values.keys().find(|key| {
                let with = |sigil: &str| statement.parameter_index(&format!("{sigil}{key}"));
                ["", ":", "@", "$"]
                    .iter()
                    .all(|sigil| !matches!(with(sigil), Ok(Some(_))))
            });
            if let Some(unknown) = unknown {
                return Err(refused(format!(
                    "params: the query has no parameter :{unknown}"
                )));
            }
        }
        Ok(())
    }

    fn bind_one(
        &self,
        statement: &mut Statement<'_>,
        index: usize,
        place: &str,
        value: &Value,
    ) -> Result<(), Unbound> {
        let bound = match value {
            Value::Null => ValueRef::Null,
            Value::Bool(value) => ValueRef::Integer(i64::from(*value)),
            Value::String(text) => ValueRef::Text(text.as_bytes()),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => ValueRef::Integer(integer),
                (None, Some(real)) if number.is_f64() => ValueRef::Real(real),
                _ => return Err(refused(format!("{place}: SQL integers have 64 bits"))),
            },
            Value::Object(object) if object.len() == 1 && object.contains_key(PART_KEY) => {
                let part = object.get(PART_KEY).and_then(Value::as_u64);
                let part = part.and_then(|part| usize::try_from(part).ok());
                match part.and_then(|part| self.parts.get(part)) {
                    Some(bytes) => ValueRef::Blob(bytes),
                    None => return Err(refused(format!("{place}: there is no such part"))),
                }
            }
            Value::Array(_) | Value::Object(_) => {
                return Err(refused(format!(
                    "{place}: a list or dict is no SQL value; pass one value, or json.dumps(...) of it and json_each()"
                )));
            }
        };
        statement
            .raw_bind_parameter(index, ToSqlOutput::Borrowed(bound))
            .map_err(Unbound::Engine)
    }
}

fn refused(message: impl std::fmt::Display) -> Unbound {
    Unbound::Refused(ToolError::new("ValueError", format!("sql: {message}")))
}
