//! Verified tokens of each thread: a signature takes longer to verify than a small query to answer.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::time::SystemTime;

use lru::LruCache;
use sha2::{Digest, Sha256};
use thread_local::ThreadLocal;

use crate::server::sign_in::identity::Identity;

/// Maximum number of tokens of a thread.
const MOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

/// Identities of verified tokens, least recently used ones evicted. A token is kept as its hash.
#[derive(Default)]
pub(super) struct VerifiedTokens(ThreadLocal<RefCell<LruCache<[u8; 32], VerifiedToken>>>);

struct VerifiedToken {
    identity: Identity,
    /// Number of the key set that verified the token: another set may lack the key.
    set: u64,
}

impl VerifiedTokens {
    fn of_thread(&self) -> &RefCell<LruCache<[u8; 32], VerifiedToken>> {
        self.0.get_or(|| RefCell::new(LruCache::new(MOST)))
    }

    /// Returns the identity of a token that has not expired.
    pub(super) fn get(&self, token: &str, set: u64) -> Option<Identity> {
        let mut tokens = self.of_thread().borrow_mut();
        let verified = tokens.get(&hash(token))?;
        let lives = verified.identity.expires.is_none_or(|end| SystemTime::now() < end);
        (lives && verified.set == set).then(|| verified.identity.clone())
    }

    /// Keeps the identity of a token.
    pub(super) fn put(&self, token: &str, set: u64, identity: &Identity) {
        let verified = VerifiedToken { identity: identity.clone(), set };
        self.of_thread().borrow_mut().put(hash(token), verified);
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::policy::Viewer;

    #[test]
    fn a_token_is_kept_until_it_ends_and_as_long_as_its_key_set() {
        let tokens = VerifiedTokens::default();
        let ends = |left: i64| {
            let now = SystemTime::now();
            let left_seconds = Duration::from_secs(left.unsigned_abs());
            let end = if left < 0 { now - left_seconds } else { now + left_seconds };
            Identity { expires: Some(end), ..Identity::new(Viewer::new("user")) }
        };
        tokens.put("lives", 1, &ends(60));
        tokens.put("ended", 1, &ends(-1));
        assert!(tokens.get("lives", 1).is_some());
        assert!(tokens.get("lives", 2).is_none());
        assert!(tokens.get("ended", 1).is_none());
        assert!(tokens.get("other", 1).is_none());
    }
}
