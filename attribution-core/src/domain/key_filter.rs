//! Which hashes of journey keys have been seen, roughly and in little room.

/// Most clicks have no conversion's key. A bit for each key, small enough to stay in cache, tells
/// most of these without a look at the keys.
#[derive(Debug)]
pub(crate) struct KeyFilter {
    /// A power of two of them.
    words: Vec<u64>,
}

impl KeyFilter {
    const BITS_A_KEY: usize = 16;
    /// Beyond this more clicks pass, which costs time only.
    const MOST_BITS: usize = 1 << 28;

    /// A filter that holds nothing yet, for so many keys.
    pub(crate) fn for_keys(keys: usize) -> Self {
        let bits = keys.saturating_mul(Self::BITS_A_KEY).clamp(64, Self::MOST_BITS);
        Self { words: vec![0; bits.next_power_of_two() / 64] }
    }

    #[inline]
    fn place(&self, hash: u64) -> (usize, u64) {
        // The table of keys looks at the low and the highest bits; these are others.
        let place = (hash >> 8) as usize;
        ((place / 64) & (self.words.len() - 1), 1 << (place % 64))
    }

    /// Adds a key by its hash.
    pub(crate) fn add(&mut self, hash: u64) {
        let (word, bit) = self.place(hash);
        self.words[word] |= bit;
    }

    /// False only for a key that was not added.
    #[inline]
    pub(crate) fn may_hold(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.words[word] & bit != 0
    }
}
