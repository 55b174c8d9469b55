//! The languages that code may be in.

use crate::error::ServiceError;

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    /// Lines for the shell of the session.
    Shell,
}

/// Reads the name of a language; none is Python.
///
/// # Errors
/// When it is another.
pub(crate) fn language_of(name: Option<&str>) -> Result<Language, ServiceError> {
    match name.map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "python" | "python3") => Ok(Language::Python),
        Some("bash" | "sh" | "shell") => Ok(Language::Shell),
        Some(other) => {
            let other: String = other.chars().take(40).collect();
            Err(ServiceError::invalid(
                format!("the language {other:?} is not there"),
                "send python or bash",
            ))
        }
    }
}

/// Reads the name of a context's language.
///
/// # Errors
/// When it is not Python: shells keep nothing between commands but files.
pub(crate) fn check_context_language(name: Option<&str>) -> Result<(), ServiceError> {
    match language_of(name)? {
        Language::Python => Ok(()),
        Language::Shell => Err(ServiceError::invalid(
            "there are no contexts of a shell",
            "make a context of python, or run commands without one",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_and_the_shell_are_there() {
        assert_eq!(language_of(None).unwrap(), Language::Python);
        assert_eq!(language_of(Some("Python")).unwrap(), Language::Python);
        assert_eq!(language_of(Some("bash")).unwrap(), Language::Shell);
        for other in ["r", "javascript", "python2", &"x".repeat(1_000)] {
            assert!(language_of(Some(other)).is_err(), "{other}");
        }
        assert!(check_context_language(Some("bash")).is_err());
    }
}
