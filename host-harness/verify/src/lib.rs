//! Puts a connector to its contract: any component, against its own declarations, with faults, kills, replays and
//! hostile answers, and says of each rule whether it is kept and by what evidence.
//!
//! It needs a provider for most rules: a fake one on this machine, the author's own program or another's. Between
//! it and the connector stands a [`tap`](crate::tap), which loses answers and makes hostile ones.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::path::Path;
//!
//! use connector_runtime::secrets::Secret;
//! use connector_verify::{Options, verify};
//!
//! let options = Options::default()
//!     .provider("http://127.0.0.1:8080")?
//!     .secret("api-key", Secret::new("key-of-the-fake"))
//!     .sample("orders", r#"{"number":"{number}"}"#);
//! let report = verify(Path::new("connector.wasm"), &options).await;
//! print!("{}", report.table());
//! assert!(report.is_kept());
//! # Ok(())
//! # }
//! ```

mod options;
mod report;
mod rules;
mod session;
mod tap;
mod tape;

use std::path::Path;

pub use self::options::{BadOption, Options};
pub use self::report::{Finding, Outcome, RULES, Report};

use self::rules::{answers, catalog, reading, safety, writing};
use self::session::Session;

/// Verifies the component in `path`. What cannot be tried is told as such.
pub async fn verify(path: &Path, options: &Options) -> Report {
    let mut report = Report::default();
    let Some(mut session) = Session::open(path, options, &mut report).await else {
        report.untried_rest("the component was not loaded and connected");
        return report;
    };
    catalog::purity(&session, &mut report).await;
    session.objects = catalog::descriptors(&session, &mut report).await;
    if session.has_provider() {
        reading::schemas_and_pages(&session, &mut report).await;
        reading::cursors(&session, &mut report).await;
        reading::churn(&session, &mut report).await;
        reading::bookmarks(&session, &mut report).await;
        writing::lost_answers(&session, &mut report).await;
        answers::hostile(&session, &mut report).await;
        safety::bounds(&session, &mut report).await;
    }
    safety::deliveries(&session, &mut report).await;
    safety::secrets(&session, &mut report);
    safety::undeclared(&session, &mut report);
    safety::replays(&session, &mut report).await;
    let needed = "it needs a fake provider";
    report.untried_rest(if session.has_provider() {
        "nothing was there to try it on"
    } else {
        needed
    });
    report
}
