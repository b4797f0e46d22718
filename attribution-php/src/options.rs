//! The extension's settings, and the options of its functions.

use attribution_core::{ScopeSet, ScopeType, parse_duration, parse_time};
use ext_php_rs::flags::IniEntryPermission;
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::{IniEntryDef, IniEntryDefs};

use crate::failure::{Failure, refused};
use crate::input::{self, described, shown};
use crate::object::kinds::SCOPE_TYPE;
use crate::zend::globals::{setting_number, setting_text};
use crate::zend::table::{EntryKey, Table, Value, value_of};

/// The settings, with their defaults: each call's threads (0 for one for each processor), the memory that the
/// library may hold in a process (-1 for any), and how many seconds a job waits for another of the same owner.
/// A script cannot lift the cap.
static SETTINGS: IniEntryDefs<4> = IniEntryDefs::new([
    IniEntryDef::new(c"attribution.threads", c"0", IniEntryPermission::All),
    IniEntryDef::new(c"attribution.memory_limit", c"1G", IniEntryPermission::System),
    IniEntryDef::new(c"attribution.wait", c"0", IniEntryPermission::All),
    IniEntryDef::end(),
]);

/// Makes the settings known. Only for the module's startup.
pub(crate) fn register_settings(module_number: i32) {
    IniEntryDef::register(SETTINGS.as_slice(), module_number);
}

/// The setting `attribution.memory_limit` in bytes; `usize::MAX` for no limit.
pub(crate) fn memory_limit() -> Result<usize, Failure> {
    let text = setting_text(c"attribution.memory_limit");
    parse_size(text.trim()).ok_or_else(|| {
        refused(
            "attribution.memory_limit",
            format!("found {}", shown(text.as_bytes())),
            "a number of bytes, optionally with K, M or G behind it, or -1",
        )
    })
}

/// A number of bytes; `usize::MAX` for -1, which is no limit.
fn parse_size(text: &str) -> Option<usize> {
    if text == "-1" {
        return Some(usize::MAX);
    }
    let (digits, shift) = match text.as_bytes().last()? {
        b'k' | b'K' => (text.get(..text.len() - 1)?, 10),
        b'm' | b'M' => (text.get(..text.len() - 1)?, 20),
        b'g' | b'G' => (text.get(..text.len() - 1)?, 30),
        _ => (text, 0),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<usize>().ok()?.checked_mul(1 << shift)
}

/// The setting `attribution.threads`.
pub(crate) fn default_threads() -> Result<usize, Failure> {
    let threads = setting_number(c"attribution.threads");
    usize::try_from(threads).ok().filter(|threads| *threads <= MOST_THREADS).ok_or_else(|| {
        refused("attribution.threads", format!("found {threads}"), "a whole number from 0 to 1024")
    })
}

const MOST_THREADS: usize = 1024;

/// The setting `attribution.wait` in seconds.
pub(crate) fn default_wait() -> Result<u32, Failure> {
    let wait = setting_number(c"attribution.wait");
    u32::try_from(wait).map_err(|_| {
        refused("attribution.wait", format!("found {wait}"), "a whole number from 0 to 4294967295")
    })
}

/// Options of a function, by their names. One that is null is one that is not there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options<'a> {
    table: &'a ZendHashTable,
    /// The argument's name.
    place: &'static str,
}

impl<'a> Options<'a> {
    /// Takes options that have no other names than these.
    pub(crate) fn new(
        table: &'a ZendHashTable,
        place: &'static str,
        known: &[&str],
    ) -> Result<Self, Failure> {
        for (key, _) in Table(table).entries() {
            let name = match key {
                EntryKey::Name(name) if known.iter().any(|known| known.as_bytes() == name) => {
                    continue;
                }
                EntryKey::Name(name) => shown(name),
                EntryKey::Index(index) => index.to_string(),
            };
            let found = format!("found an unknown key {name}");
            return Err(refused(place, found, known.join(", ")));
        }
        Ok(Self { table, place })
    }

    /// The place of an option in messages.
    pub(crate) fn place(&self, name: &str) -> String {
        format!("{}.{name}", self.place)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Zval> {
        self.table.get(name).filter(|value| !matches!(value_of(value), Value::Null))
    }

    /// Whether an option is there, be it null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.table.get(name).is_some()
    }

    fn refuse(&self, name: &str, value: &Zval, allowed: &str) -> Failure {
        refused(self.place(name), described(value), allowed)
    }

    /// True or false; 0 and 1 will do.
    pub(crate) fn switch(&self, name: &str, default: bool) -> Result<bool, Failure> {
        let Some(value) = self.get(name) else { return Ok(default) };
        match value_of(value) {
            Value::Bool(value) => Ok(value),
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            _ => Err(self.refuse(name, value, "true or false")),
        }
    }

    /// A whole number that is not negative.
    pub(crate) fn unsigned(&self, name: &str) -> Result<Option<u64>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        input::id(value).map(Some).map_err(|refusal| refusal.at(self.place(name)))
    }

    /// A whole number within bounds, both included.
    pub(crate) fn bounded(
        &self,
        name: &str,
        least: u64,
        most: u64,
    ) -> Result<Option<u64>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match input::id(value) {
            Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(self.refuse(name, value, &format!("a whole number from {least} to {most}"))),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value_of(value) {
            Value::Text(bytes) if !bytes.contains(&0) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(self.refuse(name, value, "text in UTF-8")),
            },
            _ => Err(self.refuse(name, value, "text without a NUL byte")),
        }
    }

    /// Text that is not shown, whatever is wrong with it.
    pub(crate) fn secret(&self, name: &str) -> Result<Option<&'a str>, Failure> {
        match self.get(name).map(value_of) {
            None => Ok(None),
            Some(Value::Text(bytes)) if !bytes.contains(&0) => std::str::from_utf8(bytes)
                .map(Some)
                .map_err(|_| refused(self.place(name), "found bytes", "text in UTF-8")),
            Some(_) => {
                let allowed = "text without a NUL byte";
                Err(refused(self.place(name), "found something else", allowed))
            }
        }
    }

    /// A point in time: unix seconds, or text that the core reads as one.
    pub(crate) fn time(&self, name: &str) -> Result<Option<u32>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value_of(value) {
            Value::Text(bytes) if !bytes.iter().all(u8::is_ascii_digit) => {
                let text = self.text(name)?.unwrap_or_default();
                parse_time(text).map(Some).map_err(|_| {
                    self.refuse(name, value, "unix seconds, or a time such as 2024-06-01T00:00:00Z")
                })
            }
            _ => input::time(value).map(Some).map_err(|refusal| refusal.at(self.place(name))),
        }
    }

    /// A length of time: seconds, or text such as 30d.
    pub(crate) fn duration(&self, name: &str) -> Result<Option<u32>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value_of(value) {
            Value::Text(bytes) if !bytes.iter().all(u8::is_ascii_digit) => {
                let text = self.text(name)?.unwrap_or_default();
                parse_duration(text)
                    .map(Some)
                    .map_err(|_| self.refuse(name, value, "seconds, or text such as 30d or 12h"))
            }
            _ => input::time(value).map(Some).map_err(|refusal| refusal.at(self.place(name))),
        }
    }

    pub(crate) fn threads(&self) -> Result<usize, Failure> {
        match self.bounded("threads", 0, MOST_THREADS as u64)? {
            Some(threads) => Ok(threads as usize),
            None => default_threads(),
        }
    }

    pub(crate) fn wait(&self) -> Result<u32, Failure> {
        match self.bounded("wait", 0, u64::from(u32::MAX))? {
            Some(wait) => Ok(wait as u32),
            None => default_wait(),
        }
    }

    /// Scopes: "all", names joined by commas, or a list of names or of the enum's cases.
    pub(crate) fn scopes(&self) -> Result<Scopes, Failure> {
        let Some(value) = self.get("scopes") else { return Ok(Scopes::Default) };
        let refuse = || self.refuse("scopes", value, SCOPES_ALLOWED);
        if let Value::Table(table) = value_of(value) {
            let mut scopes = ScopeSet::NONE;
            table.list().map_err(|_| refuse())?.each(|place, entry| {
                let scope = scope_type(entry).ok_or_else(|| {
                    let place = format!("{}.scopes[{place}]", self.place);
                    refused(place, described(entry), SCOPES_ALLOWED)
                })?;
                scopes = scopes.with(scope);
                Ok::<(), Failure>(())
            })?;
            return Ok(Scopes::Some(scopes));
        }
        if let Some(scope) = scope_type(value) {
            return Ok(Scopes::Some(ScopeSet::NONE.with(scope)));
        }
        match value_of(value) {
            Value::Text(b"all") => Ok(Scopes::All),
            Value::Text(bytes) => {
                let text = std::str::from_utf8(bytes).map_err(|_| refuse())?;
                text.parse::<ScopeSet>().map(Scopes::Some).map_err(|_| refuse())
            }
            _ => Err(refuse()),
        }
    }

    /// The scopes of a calculation, global where nothing is said.
    pub(crate) fn scope_set(&self) -> Result<ScopeSet, Failure> {
        Ok(match self.scopes()? {
            Scopes::Default => ScopeSet::GLOBAL,
            Scopes::All => ScopeType::ALL.into_iter().collect(),
            Scopes::Some(scopes) => scopes,
        })
    }
}

/// What the option `scopes` says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scopes {
    /// Nothing.
    Default,
    All,
    Some(ScopeSet),
}

const SCOPES_ALLOWED: &str = "all, or some of global, campaign, account, advertiser, traffic_source, \
    landing_page and adgroup, as text joined by commas or as a list";

/// A scope type by its name, or as a case of the enum.
pub(crate) fn scope_type(value: &Zval) -> Option<ScopeType> {
    let name = match value_of(value) {
        Value::Text(bytes) => std::str::from_utf8(bytes).ok()?.to_owned(),
        _ => input::enum_value(value, SCOPE_TYPE)?,
    };
    name.parse().ok()
}
