//! What the engine has to remember of a job and the host's table has no column for: an object under one
//! key of the column `options`, whose other keys stay as they are.

use serde_json::{Map, Value};

use super::row::WebhookState;

/// The key of `options` that is the engine's.
const KEY: &str = "attribution";
/// Where options that are no object are kept, so that nothing of the host's is lost.
const NOT_AN_OBJECT: &str = "options";

/// The engine's part of the column `options`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// What the worker that has the job, or made its file, drew for it: 128 bits in hex, which the file's
    /// name has too.
    pub(crate) claim: Option<String>,
    /// How many workers began with the file.
    pub(crate) claims: u64,
    pub(crate) webhook: Option<WebhookState>,
    /// How often the webhook was sent.
    pub(crate) webhook_attempts: u64,
    /// When the webhook is due, in unix seconds.
    pub(crate) webhook_due_at: Option<u64>,
}

impl State {
    /// What all options with a webhook that is due contain, whoever wrote them as JSON.
    pub(crate) const DUE: &str = "\"webhook_due_at\"";
    /// What all options of jobs that one of the engine's workers has contain.
    pub(crate) const CLAIMED: &str = "\"claim\"";

    /// Reads the engine's part; what is not as the engine writes it counts as not there.
    pub(crate) fn read(options: Option<&str>) -> Self {
        let object = object(options);
        let Some(Value::Object(state)) = object.get(KEY) else { return Self::default() };
        let text = |key: &str| state.get(key).and_then(Value::as_str);
        let number = |key: &str| state.get(key).and_then(Value::as_u64);
        // The claim becomes part of a file's name.
        let is_claim = |claim: &&str| {
            claim.len() == 32 && claim.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        Self {
            claim: text("claim").filter(is_claim).map(str::to_owned),
            claims: number("claims").unwrap_or(0),
            webhook: text("webhook").and_then(WebhookState::of),
            webhook_attempts: number("webhook_attempts").unwrap_or(0),
            webhook_due_at: number("webhook_due_at"),
        }
    }

    /// The options with the engine's part as it is now.
    pub(crate) fn write(&self, options: Option<&str>) -> String {
        let mut state = Map::new();
        if let Some(claim) = &self.claim {
            state.insert("claim".to_owned(), claim.as_str().into());
        }
        state.insert("claims".to_owned(), self.claims.into());
        if let Some(webhook) = self.webhook {
            state.insert("webhook".to_owned(), webhook.name().into());
            state.insert("webhook_attempts".to_owned(), self.webhook_attempts.into());
        }
        if let Some(due_at) = self.webhook_due_at {
            state.insert("webhook_due_at".to_owned(), due_at.into());
        }
        let mut object = object(options);
        object.insert(KEY.to_owned(), Value::Object(state));
        Value::Object(object).to_string()
    }
}

/// The options as an object.
fn object(options: Option<&str>) -> Map<String, Value> {
    let Some(text) = options.filter(|text| !text.trim().is_empty()) else { return Map::new() };
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => object,
        Ok(Value::Null) => Map::new(),
        // PHP writes an empty object so.
        Ok(Value::Array(array)) if array.is_empty() => Map::new(),
        Ok(other) => Map::from_iter([(NOT_AN_OBJECT.to_owned(), other)]),
        Err(_) => Map::from_iter([(NOT_AN_OBJECT.to_owned(), text.into())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_options_stay() {
        let state = State {
            claim: Some("0123456789abcdef0123456789abcdef".to_owned()),
            claims: 2,
            webhook: Some(WebhookState::Waiting),
            webhook_attempts: 1,
            webhook_due_at: Some(1_717_200_000),
        };
        for options in [
            None,
            Some(""),
            Some("null"),
            Some("[]"),
            Some("{}"),
            Some(r#"{"notify":"me","attribution":{"old":1},"columns":["a","b"]}"#),
            Some("[1,2]"),
            Some("not json"),
        ] {
            let written = state.write(options);
            assert_eq!(State::read(Some(&written)), state, "{written}");
            assert!(written.contains(State::DUE) && written.contains(State::CLAIMED), "{written}");
            let again = State::default().write(Some(&written));
            assert_eq!(State::read(Some(&again)), State::default());
            assert!(!again.contains(State::DUE) && !again.contains(State::CLAIMED), "{again}");
            for part in ["\"notify\":\"me\"", "[\"a\",\"b\"]", "[1,2]", "not json"] {
                let there = options.is_some_and(|options| options.contains(part));
                assert_eq!(again.contains(part), there, "{again}");
            }
        }
    }

    #[test]
    fn a_claim_that_is_no_claim_names_no_file() {
        for claim in ["../../etc/passwd", "", "0123456789ABCDEF0123456789ABCDEF"] {
            let options = format!("{{\"attribution\":{{\"claim\":\"{claim}\"}}}}");
            assert_eq!(State::read(Some(&options)).claim, None);
        }
    }
}
