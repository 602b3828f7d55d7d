//! What Daytona's refusals are called here, and what to do about each.

use stigmer_daytona::Error;

/// The stable name of a failure.
pub(super) fn code(error: &Error) -> &'static str {
    match error {
        Error::Unauthorized(_) => "daytona-key-refused",
        Error::Forbidden(_) => "daytona-forbidden",
        Error::NotFound(_) | Error::Gone(_) => "daytona-not-found",
        Error::Conflict(_) => "daytona-conflict",
        Error::Quota(_) => "daytona-quota",
        Error::RateLimited { .. } => "daytona-rate-limited",
        Error::Invalid(_) | Error::Misuse { .. } | Error::CommandTimeout(_) => "daytona-invalid",
        Error::Server(_) | Error::Unexpected { .. } => "daytona-failed",
        Error::Unreachable { .. } | Error::Timeout { .. } | Error::Cut { .. } => "daytona-unreachable",
        Error::WrongAddress { .. } => "daytona-wrong-address",
        Error::Failed { .. } | Error::Deadline { .. } => "daytona-state",
        Error::File { .. } => "file-unreadable",
    }
}

/// What to do next.
pub(super) fn hint(error: &Error) -> &'static str {
    match error {
        Error::Unauthorized(_) => "enter another key: stigmer auth login",
        Error::Forbidden(_) => {
            "give the key the permission at https://app.daytona.io/dashboard/keys, or enter another one"
        }
        Error::NotFound(_) | Error::Gone(_) => {
            "see what there is: stigmer sandbox list, stigmer snapshot list"
        }
        Error::Conflict(_) => "wait until the other change is over, or take another name",
        Error::Quota(_) => "delete sandboxes that are not needed, or have the limit raised",
        Error::RateLimited { .. } => "wait a minute, then try again",
        Error::Invalid(_) | Error::Misuse { .. } => "see what it says above",
        Error::CommandTimeout(_) => "give it more time",
        Error::Server(_) | Error::Unexpected { .. } => {
            "try again later; https://status.daytona.io says whether others see it, too"
        }
        Error::Unreachable { .. } | Error::Timeout { .. } | Error::Cut { .. } => {
            "look at the network, and at `daytona.api_url`"
        }
        Error::WrongAddress { .. } => {
            "correct `daytona.api_url`; that of the cloud is https://app.daytona.io/api"
        }
        Error::Failed { .. } | Error::Deadline { .. } => "see it in the dashboard, delete it, and run again",
        Error::File { .. } => "see whether it is there and may be read",
    }
}
