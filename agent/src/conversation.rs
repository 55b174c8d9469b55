//! The conversation with a model, and how it is kept within the model's window.

use memex_models::{
    Image, Message, Part, Request, Role, ToolCall, ToolChoice, ToolDefinition, ToolResult,
    estimate_request,
};

use crate::AgentConfig;

/// From this part of the window on, older turns are shortened.
const FULL: (u64, u64) = (4, 5);
/// Until they take no more than this part of it.
const AIM: (u64, u64) = (3, 5);
/// Characters that stay of a shortened observation, and of a shortened block.
const SHORT_CHARS: usize = 240;

/// In place of a picture that is no longer sent.
const PICTURE_GONE: &str = "\n(an earlier picture is no longer shown)";

/// The messages of a run: the system's, the task, then turns.
#[derive(Debug, Clone)]
pub struct Conversation {
    request: Request,
    /// The start of each turn: a message of the model's.
    turns: Vec<usize>,
    window: u64,
    keep_turns: usize,
}

impl Conversation {
    /// A conversation that has not begun.
    #[must_use]
    pub fn new(config: &AgentConfig, tools: Vec<ToolDefinition>, id: &str) -> Self {
        let request = Request {
            tool_choice: ToolChoice::Auto,
            tools,
            temperature: config.temperature,
            max_tokens: config.reply_tokens,
            seed: config.seed,
            reasoning_effort: config.reasoning_effort,
            conversation: Some(id.to_owned()),
            agent: Some(config.name.clone()),
            ..Request::default()
        };
        Self {
            request,
            turns: Vec::new(),
            window: config.context_tokens,
            keep_turns: config.keep_turns,
        }
    }

    /// The request that asks for the next reply.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Adds a message.
    pub fn push(&mut self, message: Message) {
        if message.role == Role::Assistant {
            self.turns.push(self.request.messages.len());
        }
        self.request.messages.push(message);
    }

    /// Adds words that are neither the model's nor a result.
    pub fn say(&mut self, text: &str) {
        match self.request.messages.last_mut() {
            // Two messages of the user in a row are one to some providers.
            Some(last) if last.role == Role::User => {
                last.parts.push(Part::text(format!("\n\n{text}")))
            }
            _ => self.push(Message::user(text)),
        }
    }

    /// Adds the result of code, as the model's form of code has it.
    pub fn observe(&mut self, call_id: Option<&str>, text: &str) {
        match call_id {
            None => self.push(Message::user(text)),
            Some(id) => self.result(id, text, false),
        }
    }

    /// Adds the result of a call; results of one reply are one message.
    pub fn result(&mut self, call_id: &str, text: &str, is_error: bool) {
        let result = Part::ToolResult(ToolResult {
            call_id: call_id.to_owned(),
            text: text.to_owned(),
            images: Vec::new(),
            is_error,
        });
        match self.request.messages.last_mut() {
            Some(last) if last.role == Role::Tool => last.parts.push(result),
            _ => self.push(Message {
                role: Role::Tool,
                parts: vec![result],
            }),
        }
    }

    /// Adds pictures to the result that was added last. Only the last `kept` pictures stay:
    /// in the place of older ones there is a word of it.
    pub fn show(&mut self, pictures: Vec<Image>, kept: usize) {
        let Some(last) = self
            .request
            .messages
            .last_mut()
            .filter(|_| !pictures.is_empty())
        else {
            return;
        };
        match last.parts.last_mut() {
            Some(Part::ToolResult(result)) => result.images.extend(pictures),
            _ => last.parts.extend(pictures.into_iter().map(Part::Image)),
        }
        let mut left = kept;
        for message in self.request.messages.iter_mut().rev() {
            for part in message.parts.iter_mut().rev() {
                match part {
                    Part::Image(_) if left > 0 => left -= 1,
                    Part::Image(_) => *part = Part::text(PICTURE_GONE),
                    Part::ToolResult(ToolResult { text, images, .. }) if images.len() > left => {
                        let gone = images.len().saturating_sub(left);
                        images.drain(..gone);
                        left = 0;
                        if !text.ends_with(PICTURE_GONE) {
                            text.push_str(PICTURE_GONE);
                        }
                    }
                    Part::ToolResult(ToolResult { images, .. }) => left -= images.len(),
                    _ => {}
                }
            }
        }
    }

    /// Adds a line to the result that was added last.
    pub fn add_to_result(&mut self, line: &str) {
        let last = self.request.messages.last_mut();
        let part = last.and_then(|message| message.parts.last_mut());
        if let Some(Part::ToolResult(ToolResult { text, .. }) | Part::Text { text }) = part {
            text.push('\n');
            text.push_str(line);
        } else if let Some(message) = self.request.messages.last_mut() {
            message.parts.push(Part::text(line));
        }
    }

    /// Whether the window fills.
    #[must_use]
    pub fn is_full(&self) -> bool {
        estimate_request(&self.request) > share(self.window, FULL)
    }

    /// Shortens older turns until there is room again: first what they were
    /// shown, then their code, then turns as a whole, oldest first. The system's
    /// message, the task and the last turns stay as they are. Returns how many
    /// turns were touched; the same conversation is always shortened alike.
    pub fn compact(&mut self, scope: &[String]) -> usize {
        self.compact_to(share(self.window, AIM), self.keep_turns, scope)
    }

    /// Shortens a conversation that the model found too long, whatever the window is said to
    /// be: below what was refused, which is the window from now on. The last turns are
    /// shortened too if the older ones do not suffice. Returns how many turns were touched.
    pub fn compact_refused(&mut self, scope: &[String]) -> usize {
        let refused = estimate_request(&self.request);
        self.window = self.window.min(refused);
        let aim = share(self.window, AIM);
        let mut touched = 0;
        for kept in [self.keep_turns, 1, 0] {
            if estimate_request(&self.request) <= aim {
                break;
            }
            touched += self.compact_to(aim, kept.min(self.keep_turns), scope);
        }
        touched
    }

    fn compact_to(&mut self, aim: u64, kept: usize, scope: &[String]) -> usize {
        let older = self.turns.len().saturating_sub(kept);
        let mut touched = 0;
        for step in [shorten_results, shorten_code] {
            for turn in 0..older {
                if estimate_request(&self.request) <= aim {
                    return touched;
                }
                let (start, end) = self.span(turn);
                let messages = self.request.messages.get_mut(start..end);
                touched += usize::from(messages.is_some_and(step));
            }
        }
        // The last turn is what the next reply answers.
        let older = older.min(self.turns.len().saturating_sub(1));
        let mut gone = 0;
        while gone < older && estimate_request(&self.request) > aim {
            self.drop_first_turn();
            gone += 1;
        }
        if gone > 0 {
            self.note_dropped(gone, scope);
        }
        touched + gone
    }

    fn span(&self, turn: usize) -> (usize, usize) {
        let start = self.turns.get(turn).copied().unwrap_or(0);
        let end = self.turns.get(turn + 1).copied();
        (start, end.unwrap_or(self.request.messages.len()))
    }

    fn drop_first_turn(&mut self) {
        let (start, end) = self.span(0);
        self.request.messages.drain(start..end);
        self.turns.remove(0);
        for turn in &mut self.turns {
            *turn = turn.saturating_sub(end - start);
        }
    }

    fn note_dropped(&mut self, gone: usize, scope: &[String]) {
        let start = self.turns.first().copied().unwrap_or(0);
        let mut note = format!("\n\n({gone} earlier turns are left out here.");
        if !scope.is_empty() {
            note.push_str(&format!(" Still in the scope: {}.", scope.join(", ")));
        }
        note.push(')');
        let before = start.checked_sub(1);
        if let Some(message) = before.and_then(|at| self.request.messages.get_mut(at)) {
            message.parts.push(Part::text(note));
        }
    }
}

fn share(window: u64, (part, of): (u64, u64)) -> u64 {
    window / of * part
}

fn shorten_results(messages: &mut [Message]) -> bool {
    let mut changed = false;
    for message in messages {
        let of_tools = message.role == Role::Tool || message.role == Role::User;
        for part in message.parts.iter_mut().filter(|_| of_tools) {
            match part {
                Part::ToolResult(ToolResult { text, images, .. }) => {
                    changed |= !images.is_empty();
                    images.clear();
                    changed |= shorten(text);
                }
                Part::Text { text } => changed |= shorten(text),
                Part::Image(_) => {
                    *part = Part::text(PICTURE_GONE);
                    changed = true;
                }
                _ => {}
            }
        }
    }
    changed
}

fn shorten_code(messages: &mut [Message]) -> bool {
    let mut changed = false;
    for message in messages {
        for part in &mut message.parts {
            match part {
                Part::Text { text } => changed |= shorten(text),
                Part::ToolCall(ToolCall { arguments, .. }) if arguments.len() > 2 * SHORT_CHARS => {
                    let cut: String = arguments.chars().take(SHORT_CHARS).collect();
                    // Providers want JSON here, whatever it says.
                    *arguments =
                        serde_json::json!({ "code": format!("# shortened: {cut} …") }).to_string();
                    changed = true;
                }
                _ => {}
            }
        }
        let before = message.parts.len();
        message
            .parts
            .retain(|part| !matches!(part, Part::Reasoning { .. }));
        changed |= message.parts.len() != before;
    }
    changed
}

fn shorten(text: &mut String) -> bool {
    let total = text.chars().count();
    if total <= 2 * SHORT_CHARS {
        return false;
    }
    let head: String = text.chars().take(SHORT_CHARS).collect();
    *text = format!("{head}\n… shortened: {total} characters were here …");
    true
}
