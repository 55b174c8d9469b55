//! Names as Python identifiers.

use std::collections::HashSet;

/// Python's keywords, with the soft ones that read badly as names left out.
const KEYWORDS: [&str; 36] = [
    "False",
    "None",
    "True",
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "nonlocal",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "while",
    "with",
    "yield",
    "__debug__",
];

/// What guests have among their builtins: Python's own functions, types and exceptions, and
/// the sandbox's. Code means these by their names.
const BUILTINS: &str = "\
    ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup \
    BlockingIOError BrokenPipeError BufferError BytesWarning ChildProcessError \
    ConnectionAbortedError ConnectionError ConnectionRefusedError ConnectionResetError \
    DeprecationWarning EOFError Ellipsis EncodingWarning EnvironmentError Exception \
    ExceptionGroup FileExistsError FileNotFoundError FloatingPointError FutureWarning \
    GeneratorExit IOError ImportCycleError ImportError ImportWarning IndentationError \
    IndexError InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError \
    MemoryError ModuleNotFoundError NameError NotADirectoryError NotImplemented \
    NotImplementedError OSError OverflowError PendingDeprecationWarning PermissionError \
    ProcessLookupError PythonFinalizationError RecursionError ReferenceError ResourceWarning \
    RuntimeError RuntimeWarning StopAsyncIteration StopIteration SyntaxError SyntaxWarning \
    SystemError SystemExit TabError TimeoutError TypeError UnboundLocalError \
    UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning \
    UserWarning ValueError Warning ZeroDivisionError abs aiter all anext any ascii bin bool \
    breakpoint bytearray bytes callable chr classmethod compile complex copyright credits \
    delattr dict dir display divmod enumerate eval exec exit filter float format frozendict \
    frozenset getattr globals hasattr hash help hex id input int isinstance issubclass iter \
    len license list locals map max memoryview min next object oct open ord pow print property \
    quit range repr reversed round sentinel set setattr show slice sorted staticmethod str sum \
    super tools tuple type vars zip";

/// Whether `name` is an ASCII identifier that Python takes as a name.
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    let starts = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    starts && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') && !KEYWORDS.contains(&name)
}

fn is_free(name: &str) -> bool {
    is_identifier(name) && !is_builtin(name)
}

fn is_builtin(name: &str) -> bool {
    BUILTINS.split(' ').any(|builtin| builtin == name)
}

/// The identifier nearest to `name`: odd characters become `_`, a keyword gets
/// a trailing `_`, and a leading digit a leading one.
pub(crate) fn identifier_of(name: &str) -> String {
    let mut identifier: String = name
        .chars()
        .take(80)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if identifier.is_empty() || identifier.starts_with(|c: char| c.is_ascii_digit()) {
        identifier.insert(0, '_');
    }
    if KEYWORDS.contains(&identifier.as_str()) {
        identifier.push('_');
    }
    identifier
}

/// An identifier for each name, none of them twice. Names that are identifiers
/// keep them; others that meet one get a number. A tool named like a builtin gets a
/// trailing `_`, as one named like a keyword does: under its own name code would
/// reach the builtin.
pub(super) fn unique(names: &[&str]) -> Vec<String> {
    let mut taken: HashSet<String> = names
        .iter()
        .filter(|name| is_free(name))
        .map(|name| (*name).to_owned())
        .collect();
    let mut counts = std::collections::HashMap::new();
    names
        .iter()
        .map(|name| {
            if is_free(name) {
                return (*name).to_owned();
            }
            let mut base = identifier_of(name);
            if is_builtin(&base) {
                base.push('_');
            }
            let mut identifier = base.clone();
            // Counting on from the last number keeps this linear.
            let count: &mut usize = counts.entry(base.clone()).or_insert(1);
            while !taken.insert(identifier.clone()) {
                *count += 1;
                identifier = format!("{base}_{count}");
            }
            identifier
        })
        .collect()
}
