//! What the engine has to remember of a job and the host's table has no column for: an object under one
//! key of the column `options`, whose other keys stay as they are.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use super::row::WebhookState;

/// The key of `options` that is the engine's.
const KEY: &str = "attribution";
/// Where options that are no object are kept, so that nothing of the host's is lost.
const NOT_AN_OBJECT: &str = "options";
/// What a count is at most: one that somebody else wrote there is not to overflow.
const MOST: u64 = 1_000_000;

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
    /// What all options of jobs that one of the engine's workers has contain, as a pattern of SQL's: a key
    /// of the host's own that is called so is not to give its worker's job away.
    pub(crate) const CLAIMED: &str = "%\"attribution\"%{%\"claim\"%:%";

    /// Reads the engine's part; what is not as the engine writes it counts as not there.
    pub(crate) fn read(options: Option<&str>) -> Self {
        let entries = Entries::read(options);
        let ours = entries.0.iter().rev().find(|(key, _)| key == KEY);
        let ours = ours.and_then(|(_, value)| serde_json::from_str(value.get()).ok());
        let Some(Value::Object(state)) = ours else { return Self::default() };
        let text = |key: &str| state.get(key).and_then(Value::as_str);
        let number = |key: &str| state.get(key).and_then(Value::as_u64);
        // The claim becomes part of a file's name.
        let is_claim = |claim: &&str| {
            claim.len() == 32 && claim.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        Self {
            claim: text("claim").filter(is_claim).map(str::to_owned),
            claims: number("claims").unwrap_or(0).min(MOST),
            webhook: text("webhook").and_then(WebhookState::of),
            webhook_attempts: number("webhook_attempts").unwrap_or(0).min(MOST),
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
        let mut entries = Entries::read(options);
        entries.0.retain(|(key, _)| key != KEY);
        if let Ok(state) = to_raw_value(&state) {
            entries.0.push((KEY.to_owned(), state));
        }
        serde_json::to_string(&entries).unwrap_or_default()
    }
}

/// The entries of the options, each value letter by letter as it was written: a number there may be longer
/// than any type.
struct Entries(Vec<(String, Box<RawValue>)>);

impl Entries {
    fn read(options: Option<&str>) -> Self {
        let Some(text) = options.filter(|text| !text.trim().is_empty()) else {
            return Self(Vec::new());
        };
        if let Ok(entries) = serde_json::from_str(text) {
            return entries;
        }
        let value = match serde_json::from_str::<Box<RawValue>>(text) {
            Ok(value) if value.get() == "null" => return Self(Vec::new()),
            // PHP writes an empty object so.
            Ok(value) if is_empty_array(&value) => return Self(Vec::new()),
            Ok(value) => Ok(value),
            Err(_) => to_raw_value(text),
        };
        Self(value.into_iter().map(|value| (NOT_AN_OBJECT.to_owned(), value)).collect())
    }
}

fn is_empty_array(value: &RawValue) -> bool {
    serde_json::from_str::<Vec<IgnoredAny>>(value.get()).is_ok_and(|array| array.is_empty())
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Entries;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
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
            assert!(written.contains(State::DUE) && written.contains("\"claim\""), "{written}");
            let again = State::default().write(Some(&written));
            assert_eq!(State::read(Some(&again)), State::default());
            assert!(!again.contains(State::DUE) && !again.contains("\"claim\""), "{again}");
            for part in ["\"notify\":\"me\"", "[\"a\",\"b\"]", "[1,2]", "not json"] {
                let there = options.is_some_and(|options| options.contains(part));
                assert_eq!(again.contains(part), there, "{again}");
            }
        }
    }

    #[test]
    fn the_hosts_values_stay_letter_by_letter() {
        let deep = "[".repeat(300) + &"]".repeat(300);
        for value in [
            "12345678901234567890123",
            "0.1000000000000000055511151231257827",
            "1e400",
            "-0.0",
            r#""\ud83d lone""#,
            r#"{ "b":1, "a" : [ 1.50 ] }"#,
            &deep,
        ] {
            let options = format!("{{\"z\":{value},\"attribution\":{{\"claims\":1}},\"a\":2}}");
            let written = State { claims: 2, ..State::default() }.write(Some(&options));
            let expected = format!("{{\"z\":{value},\"a\":2,\"attribution\":{{\"claims\":2}}}}");
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn counts_of_others_do_not_overflow() {
        let most = u64::MAX;
        let options =
            format!("{{\"attribution\":{{\"claims\":{most},\"webhook_attempts\":{most}}}}}");
        let state = State::read(Some(&options));
        assert_eq!((state.claims, state.webhook_attempts), (MOST, MOST));
        for value in ["-1", "1.5", "\"7\"", "null", "{}", "1e400"] {
            let options = format!("{{\"attribution\":{{\"claims\":{value}}}}}");
            assert_eq!(State::read(Some(&options)), State::default(), "{value}");
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
