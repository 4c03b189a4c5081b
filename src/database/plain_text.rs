//! Detects text that JSON writes without escapes.

/// Returns true if no byte needs an escape.
pub(crate) fn is_all_plain(bytes: &[u8]) -> bool {
    // Without an early exit the processor compares many bytes at once.
    let is_plain = |bytes: &[u8]| !bytes.iter().fold(false, |found, byte| found | is_escaped(*byte));
    bytes.chunks(256).all(is_plain)
}

/// Returns true if a byte needs an escape inside quotes.
pub(crate) fn is_escaped(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}
