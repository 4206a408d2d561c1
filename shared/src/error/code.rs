//! The codes of what can go wrong: what clients switch on, in place of words that may change.

/// The codes that clients switch on. New ones may come within a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is its name, and `Error` says when it is used")]
pub enum Code {
    BatchFailed,
    Conflict,
    Forbidden,
    FullResyncRequired,
    Gone,
    IdempotencyKeyReused,
    IntegrityError,
    InternalError,
    MethodNotAllowed,
    MissingScope,
    NoConsent,
    NotAcceptable,
    NotFound,
    OriginTaken,
    PayloadTooLarge,
    PreconditionFailed,
    PreconditionRequired,
    RateLimitExceeded,
    RequestTimeout,
    ServiceUnavailable,
    StorageFull,
    Unauthorized,
    UnknownVersion,
    UnsupportedMediaType,
    ValidationError,
    ValidationFailed,
}

impl Code {
    /// The code on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BatchFailed => "BATCH_FAILED",
            Self::Conflict => "CONFLICT",
            Self::Forbidden => "FORBIDDEN",
            Self::FullResyncRequired => "FULL_RESYNC_REQUIRED",
            Self::Gone => "GONE",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::IntegrityError => "INTEGRITY_ERROR",
            Self::InternalError => "INTERNAL_ERROR",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::MissingScope => "MISSING_SCOPE",
            Self::NoConsent => "AI_PROCESSING_OFF",
            Self::NotAcceptable => "NOT_ACCEPTABLE",
            Self::NotFound => "NOT_FOUND",
            Self::OriginTaken => "ORIGIN_TAKEN",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::PreconditionRequired => "PRECONDITION_REQUIRED",
            Self::RateLimitExceeded => "RATE_LIMIT_EXCEEDED",
            Self::RequestTimeout => "REQUEST_TIMEOUT",
            Self::ServiceUnavailable => "SERVICE_UNAVAILABLE",
            Self::StorageFull => "STORAGE_FULL",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::UnknownVersion => "UNKNOWN_VERSION",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::ValidationError => "VALIDATION_ERROR",
            Self::ValidationFailed => "VALIDATION_FAILED",
        }
    }
}
