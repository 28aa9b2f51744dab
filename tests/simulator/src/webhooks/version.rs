//! The versions in which a webhook's trackings are written.

use std::fmt;
use std::str::FromStr;

/// A version of webhooks, chosen for each URL, and of the API.
///
/// Source: AfterShip API 2026-07, versioning and changelog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[expect(missing_docs, reason = "their names say it")]
pub enum WebhookVersion {
    V2025_01,
    V2025_04,
    V2025_07,
    V2026_01,
    #[default]
    V2026_07,
}

/// Versions that have ended: the oldest that has not takes their place.
const ENDED: [&str; 5] = ["2023-10", "2024-01", "2024-04", "2024-07", "2024-10"];

impl WebhookVersion {
    /// Every version, oldest first.
    pub const ALL: [Self; 5] =
        [Self::V2025_01, Self::V2025_04, Self::V2025_07, Self::V2026_01, Self::V2026_07];

    /// As it is written: `2026-07`.
    pub fn name(self) -> &'static str {
        match self {
            Self::V2025_01 => "2025-01",
            Self::V2025_04 => "2025-04",
            Self::V2025_07 => "2025-07",
            Self::V2026_01 => "2026-01",
            Self::V2026_07 => "2026-07",
        }
    }
}

/// A text that is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownWebhookVersion;

impl fmt::Display for UnknownWebhookVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = WebhookVersion::ALL.map(WebhookVersion::name);
        write!(formatter, "no such version; there are {}", names.join(", "))
    }
}

impl std::error::Error for UnknownWebhookVersion {}

/// The version of a name; of one that has ended, the oldest that has not.
impl FromStr for WebhookVersion {
    type Err = UnknownWebhookVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ended = ENDED.contains(&text).then_some(Self::V2025_01);
        let known = Self::ALL.into_iter().find(|version| version.name() == text);
        known.or(ended).ok_or(UnknownWebhookVersion)
    }
}
