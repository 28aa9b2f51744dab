//! The versions in which a webhook's trackings are written.

use std::fmt;
use std::str::FromStr;

/// A version of webhooks, chosen for each URL. Versions that AfterShip has ended are served too.
///
/// Source: AfterShip API 2026-07, versioning and changelog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[expect(missing_docs, reason = "their names say it")]
pub enum WebhookVersion {
    V4,
    V2023_10,
    V2024_01,
    V2024_04,
    V2024_07,
    V2024_10,
    V2025_01,
    V2025_04,
    V2025_07,
    V2026_01,
    #[default]
    V2026_07,
}

impl WebhookVersion {
    /// Every version, oldest first.
    pub const ALL: [Self; 11] = [
        Self::V4,
        Self::V2023_10,
        Self::V2024_01,
        Self::V2024_04,
        Self::V2024_07,
        Self::V2024_10,
        Self::V2025_01,
        Self::V2025_04,
        Self::V2025_07,
        Self::V2026_01,
        Self::V2026_07,
    ];

    /// As it is written: `2026-07`, `v4`.
    pub fn name(self) -> &'static str {
        match self {
            Self::V4 => "v4",
            Self::V2023_10 => "2023-10",
            Self::V2024_01 => "2024-01",
            Self::V2024_04 => "2024-04",
            Self::V2024_07 => "2024-07",
            Self::V2024_10 => "2024-10",
            Self::V2025_01 => "2025-01",
            Self::V2025_04 => "2025-04",
            Self::V2025_07 => "2025-07",
            Self::V2026_01 => "2026-01",
            Self::V2026_07 => "2026-07",
        }
    }

    /// The value of `as-webhook-version`; version 4 is older than the header.
    pub(super) fn header(self) -> Option<&'static str> {
        (self > Self::V4).then(|| self.name())
    }
}

/// A text that is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownWebhookVersion;

impl fmt::Display for UnknownWebhookVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = WebhookVersion::ALL.map(WebhookVersion::name);
        write!(formatter, "no such webhook version; there are {}", names.join(", "))
    }
}

impl std::error::Error for UnknownWebhookVersion {}

impl FromStr for WebhookVersion {
    type Err = UnknownWebhookVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|version| version.name() == text);
        known.ok_or(UnknownWebhookVersion)
    }
}
