//! The words by which an enum's cases are kept and shown.

/// An enum each of whose cases has a word.
pub trait Word: Copy + 'static {
    /// All cases.
    const ALL: &'static [Self];

    /// The word of this case.
    fn word(self) -> &'static str;

    /// The case with this word; `None` where no case has it.
    #[must_use]
    fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.word() == word)
    }
}

/// Declares an enum each of whose cases has a word.
macro_rules! words {
    ($(#[$about:meta])* pub enum $name:ident {
        $($(#[$doc:meta])* $case:ident = $word:literal,)+
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $case,)+
        }

        impl $crate::Word for $name {
            const ALL: &'static [Self] = &[$(Self::$case),+];

            fn word(self) -> &'static str {
                match self {
                    $(Self::$case => $word,)+
                }
            }
        }
    };
}
pub(crate) use words;
