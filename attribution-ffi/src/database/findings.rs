//! What the check found.

use std::ffi::{CString, c_char};
use std::ptr;

use attribution_core::{Finding, Severity};

use super::store::attribution_store;
use crate::border::{
    Failure, Growing, Handle, borrow, c_text, clear, fill_growing, free, give, guard, value_or,
};
use crate::error::{attribution_error, attribution_status};
use crate::signals::without_sigpipe;

/// How bad a finding is.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum attribution_severity {
    /// As it should be.
    ATTRIBUTION_SEVERITY_GOOD = 0,
    /// Could be better.
    ATTRIBUTION_SEVERITY_NOTE = 1,
    /// Should be looked at.
    ATTRIBUTION_SEVERITY_WARNING = 2,
    /// Keeps the jobs from being done.
    ATTRIBUTION_SEVERITY_ERROR = 3,
}

/// What a check found, finding by finding.
///
/// Made by attribution_store_check, owned by the caller and freed with attribution_findings_free. It never
/// changes; threads may share it. The texts that it gives are its own and stay until it is freed.
pub struct attribution_findings {
    _private: (),
}

/// What is behind findings.
#[derive(Debug)]
pub(crate) struct FindingsValue {
    findings: Vec<(attribution_severity, [CString; 3])>,
    json: CString,
}

impl Handle for attribution_findings {
    type Value = FindingsValue;
    const NAME: &'static str = "attribution_findings";
    const TAG: u64 = u64::from_le_bytes(*b"attr:fin");
}

/// One finding. Its texts are those of the attribution_findings, and stay until that is freed. To be begun with
/// ATTRIBUTION_FINDING_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_finding {
    /// sizeof(attribution_finding)
    pub size: usize,
    /// How bad it is, one of the ATTRIBUTION_SEVERITY_ numbers.
    pub severity: u32,
    /// What was looked at.
    pub subject: *const c_char,
    /// What was found.
    pub found: *const c_char,
    /// What to do about it; empty where nothing is to be done.
    pub remedy: *const c_char,
}

// SAFETY: repr(C), a size first, numbers and pointers alone.
unsafe impl Growing for attribution_finding {
    const NAME: &'static str = "attribution_finding";
}

fn severity_of(severity: Severity) -> attribution_severity {
    match severity {
        Severity::Good => attribution_severity::ATTRIBUTION_SEVERITY_GOOD,
        Severity::Note => attribution_severity::ATTRIBUTION_SEVERITY_NOTE,
        Severity::Warning => attribution_severity::ATTRIBUTION_SEVERITY_WARNING,
        Severity::Error => attribution_severity::ATTRIBUTION_SEVERITY_ERROR,
    }
}

/// Looks at the server, its settings, the schema and the data, and tells what is wrong or could be better,
/// each with its remedy. Changes nothing. Whatever is found, the status is ATTRIBUTION_STATUS_OK.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_store_check(
    store: *const attribution_store,
    findings: *mut *mut attribution_findings,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let store = unsafe {
            clear(findings, "findings")?;
            borrow(store)?
        };
        let found = without_sigpipe(|| store.check())?;
        let texts = |finding: &Finding| {
            let texts = [finding.subject, &finding.found, &finding.remedy].map(c_text);
            (severity_of(finding.severity), texts)
        };
        let value = FindingsValue {
            json: c_text(&Finding::to_json(&found)?),
            findings: found.iter().map(texts).collect(),
        };
        // SAFETY: cleared above.
        unsafe { give(findings, value) };
        Ok(())
    })
}

/// The number of findings; 0 for what is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_findings_count(
    findings: *const attribution_findings,
) -> usize {
    // SAFETY: the caller's promise.
    value_or(0, || Ok(unsafe { borrow(findings)? }.findings.len()))
}

/// The finding at an index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_findings_get(
    findings: *const attribution_findings,
    index: usize,
    finding: *mut attribution_finding,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let value = unsafe { borrow(findings)? };
        let Some((severity, [subject, found, remedy])) = value.findings.get(index) else {
            return Err(Failure::index(index, value.findings.len(), "findings"));
        };
        let filled = attribution_finding {
            size: 0,
            severity: *severity as u32,
            subject: subject.as_ptr(),
            found: found.as_ptr(),
            remedy: remedy.as_ptr(),
        };
        // SAFETY: the caller's promise.
        unsafe { fill_growing(finding, filled) }
    })
}

/// The findings as a JSON list, as the command's check --json prints it; NULL for what is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_findings_json(
    findings: *const attribution_findings,
) -> *const c_char {
    // SAFETY: the caller's promise.
    value_or(ptr::null(), || Ok(unsafe { borrow(findings)? }.json.as_ptr()))
}

/// Frees findings and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_findings_free(findings: *mut *mut attribution_findings) {
    // SAFETY: the caller's promise.
    unsafe { free(findings) }
}
