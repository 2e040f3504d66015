//! The hash under which something is kept.

use sha2::{Digest, Sha256};

/// SHA-256 over a list of parts, each preceded by its length, so that two lists never look the same.
pub(super) fn hexadecimal(parts: &[impl AsRef<[u8]>]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.as_ref().len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
