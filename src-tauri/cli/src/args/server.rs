//! The arguments of `stigmer server`.

use std::net::IpAddr;

use clap::{Args, Subcommand};

pub(crate) const SERVER_EXAMPLES: &str = "\
Examples:
  stigmer server start                 serve until Ctrl-C; prints a link that opens the pages
  stigmer server start --background    go on without this terminal
  stigmer server status --json         where it is, for programs
  stigmer server stop                  end it and its runs

While a server runs, `stigmer run` hands its runs over to it; nothing else changes.
The API is described at /api/openapi.json and in docs/api.md.";

#[derive(Debug, Subcommand)]
pub(crate) enum ServerCommand {
    /// Serve the API and the pages to this machine
    #[command(after_help = SERVER_EXAMPLES)]
    Start(ServerStart),
    /// End the server and its runs; once more forces them
    Stop,
    /// Say whether a server runs, and where; exits with 1 if none does
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ServerStart {
    /// Go on in the background
    #[arg(long, short)]
    pub background: bool,
    /// The port [default: 7517, or the next that is free]
    #[arg(long, short)]
    pub port: Option<u16>,
    /// Listen at this address, so that other machines reach it too; whoever has the token can then run anything here
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<IpAddr>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Answer whoever started us in the background
    #[arg(long, hide = true)]
    pub answer: bool,
}
