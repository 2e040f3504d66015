//! One access to the words of a device.

/// Words to read or to write, from a byte address on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Words that the device gives.
    Read {
        /// Address of the first word.
        address: u32,
        /// What was read; before, as many words of any value.
        words: Vec<u32>,
    },
    /// Words that the device gets.
    Write {
        /// Address of the first word.
        address: u32,
        /// The words.
        words: Vec<u32>,
    },
}

impl Access {
    /// To read `count` words.
    pub fn read(address: u32, count: usize) -> Self {
        Access::Read { address, words: vec![0; count] }
    }

    /// Address of the first word.
    pub fn address(&self) -> u32 {
        match self {
            Access::Read { address, .. } | Access::Write { address, .. } => *address,
        }
    }

    /// The words.
    pub fn words(&self) -> &[u32] {
        match self {
            Access::Read { words, .. } | Access::Write { words, .. } => words,
        }
    }
}
