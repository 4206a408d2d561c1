//! The ways in which a provider can answer.

/// How requests are answered. All but the first and the last two are faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// As the stand-in does.
    #[default]
    Well,
    /// The connection is closed without an answer.
    Refuses,
    /// There is never an answer.
    Hangs,
    /// A good answer, but one byte of its body a second.
    Drips,
    /// 429.
    RateLimits {
        /// Seconds in `Retry-After`, if there is one.
        retry_after: Option<u64>,
    },
    /// Vectors of half the length.
    WrongDimension,
    /// A `NaN` in a vector, which is not JSON, and which many servers write nevertheless.
    NotFinite,
    /// 200 and a page for people, as a captive portal has it.
    Html,
    /// A good answer that ends in its middle.
    Truncated,
    /// 500.
    ServerError,
    /// 401.
    Unauthorized,
    /// One vector fewer than texts.
    TooFew,
    /// Good vectors, whose indexes begin at 1.
    WrongIndex,
    /// Good vectors, the last text's first.
    OutOfOrder,
    /// Well, then 500, then well.
    EverySecond,
}

impl Mode {
    /// Whether the answer has a good vector for each text.
    #[must_use]
    pub const fn answers_well(self) -> bool {
        matches!(self, Self::Well | Self::OutOfOrder)
    }
}
