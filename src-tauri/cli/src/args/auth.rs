//! The arguments of `stigmer auth`.

use clap::{Args, Subcommand};

pub(crate) const AUTH_EXAMPLES: &str = "\
Examples:
  stigmer auth login                    asks for the key, tests it, and keeps it in the keychain
  pass show daytona | stigmer auth login
  stigmer auth login --from-config      moves the key of the settings file into the keychain
  stigmer auth status                   whose key it is, and what it may do

The key is never an argument: other programs and the shell's history would see it.";

#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    /// Keep a key; it is asked for, or read from standard input, and tested before it is kept
    Login(Login),
    /// Where the key comes from, whether it works, and what it may do
    Status {
        /// Do not ask Daytona
        #[arg(long)]
        no_test: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove the key from the keychain
    Logout,
}

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// Take the key from your settings file, and remove it there
    #[arg(long)]
    pub from_config: bool,
    /// Keep it without asking Daytona whether it works
    #[arg(long)]
    pub no_test: bool,
}
