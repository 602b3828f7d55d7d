//! A client of [Daytona](https://www.daytona.io)'s API: sandboxes in the cloud, what runs in them, and the snapshots that
//! they are made from.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use stigmer_daytona::{Client, Config, Event, NewSandbox, State, Template};
//!
//! # async fn example() -> stigmer_daytona::Result<()> {
//! let client = Client::new(&Config::new("dtn_…"))?;
//! client.account().check().await?;
//!
//! let sandboxes = client.sandboxes();
//! let new = NewSandbox::new("hello-4f1c", Template::Default).ephemeral();
//! let sandbox = sandboxes.create(&new).await?;
//! let sandbox = sandboxes.wait(&sandbox.id, &State::Started, Duration::from_secs(120)).await?;
//!
//! let session = client.toolbox(&sandbox)?.create_session("hello").await?;
//! let command = session.exec("(echo out; echo err >&2; exit 3)").await?;
//! let mut follow = session.follow(command);
//! while let Some(event) = follow.next().await? {
//!     match event {
//!         Event::Output(output) => drop((output.stream, output.bytes)),
//!         Event::Exit(code) => assert_eq!(code, 3),
//!     }
//! }
//! sandboxes.delete(&sandbox.id).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # The two APIs
//!
//! The *control plane* ([`Config::api_url`]) knows sandboxes, snapshots, registries and volumes. Each sandbox has a
//! *toolbox* at an address of its own, where commands, files and terminals are ([`Toolbox`]). This is the API that
//! Daytona calls v0; the hosts of its successor v2 are recognised and refused.
//!
//! Asking the control plane never wakes, touches or prolongs a sandbox. Every call into a toolbox counts as activity and
//! keeps the sandbox from stopping by itself, unless it is made [in the background](Toolbox::in_background); a process
//! that runs inside is no activity, so whoever waits for one calls [`Sandboxes::touch`].
//!
//! # States
//!
//! Changes are asynchronous. A call answers when a change was accepted; [`Sandboxes::wait`] and
//! [`Snapshots::wait_active`] wait for its end. See [`State`] and [`SnapshotState`] for the ways through them. Words of
//! the server that this crate does not know are kept (`Unknown`) and taken for states that pass; fields that it does
//! not know are ignored, and fields that are missing are `None` or empty.
//!
//! # Units
//!
//! Sizes of sandboxes are whole GiB, timers whole minutes, the `timeout` of a command whole seconds; moments are UTC.
//!
//! # Errors
//!
//! [`Error`] has a variant for each remedy. Calls that are harmless when they are made twice are repeated after failures
//! that pass ([`Retry`]); others only when the server certainly did not carry them out. Where an answer is lost, the
//! crate looks before it repeats: a sandbox by its name, a change by its state, a command by the list of its session.
//! [`Error::may_have_happened`] tells what remains open.
//!
//! # The key
//!
//! It is sent to the API, to the addresses that the API names as the place of a sandbox, and nowhere else; never in the
//! clear when the API itself is encrypted, and never along a redirect to elsewhere. It is in no error and no `Debug`.
//!
//! # Dropping
//!
//! Every future may be dropped. What was sent is then carried out or not, as with any lost connection; what is read piece
//! by piece ([`Follow`], [`BuildLog`], [`Pty`]) continues with the next call, losing nothing.

mod account;
mod analytics;
mod build_log;
mod client;
mod config;
mod error;
mod http;
mod key;
mod model;
mod poll;
mod registry;
mod retry;
mod sandbox;
mod snapshot;
mod storage;
mod toolbox;
mod volume;

pub use self::account::{Account, Checked, KeyInfo, RateLimit, Region, RegionType, Server};
pub use self::analytics::{Analytics, ChartPoint, Period, Span, Usage};
pub use self::build_log::BuildLog;
pub use self::client::Client;
pub use self::config::{CLOUD, Config, Limits, SDK_VERSION};
pub use self::error::{Answer, Error, MAX_WORDS, Result};
pub use self::key::ApiKey;
pub use self::registry::{NewRegistry, PushAccess, Registries, Registry};
pub use self::retry::Retry;
pub use self::sandbox::{
    BackupState, Build, BuildInfo, DesiredState, Filter, NewSandbox, Page, Pages, PreviewUrl, Resize,
    Resources, Sandbox, Sandboxes, Sort, SshAccess, State, Template, VolumeMount,
};
pub use self::snapshot::{
    NewSnapshot, Snapshot, SnapshotFilter, SnapshotPage, SnapshotPages, SnapshotState, Snapshots,
};
pub use self::storage::{Archive, Contexts};
pub use self::toolbox::{
    Code, Command, Context, Download, Downloads, Event, Execute, Executed, Execution, FileInfo, Files,
    Follow, GitClone, Interpreter, Logs, Output, Part, Permissions, Position, Printed, Pty, PtyEvent,
    PtyInfo, PtyInput, PtyOptions, Session, SessionInfo, Stream, SyncExec, Toolbox, Upload,
};
pub use self::volume::{Volume, VolumeState, Volumes};
